"""Words and what flows between commands, as far as they are known without running anything."""

from enum import StrEnum
from typing import Final, NamedTuple


class Origin(StrEnum):
    """Where text came from that only running the line would show."""

    DOWNLOAD = "download"
    DECODED = "decoded"
    FILE = "file"
    PROGRAM = "program"
    VARIABLE = "variable"


Origins = frozenset[Origin]
NO_ORIGINS: Final[Origins] = frozenset()


class Word(NamedTuple):
    """One word of a command after expansion.

    Attributes:
        text: the word; unknown parts stand as they are written, e.g. `$f`.
        is_known: whether all of `text` is what the command will get.
        is_glob: whether `text` is a pattern that the shell matches against file names.
        may_split: unknown and unquoted, so it may become several words, options included.
        is_disguised: written in a way that hides it, e.g. `rm${IFS}-rf`.
        origins: where the unknown parts come from.
        variables: names of the unknown variables in it.
        source: what a process substitution, or a command substitution that is the whole word, gives.
    """

    text: str
    is_known: bool = True
    is_glob: bool = False
    may_split: bool = False
    is_disguised: bool = False
    origins: Origins = NO_ORIGINS
    variables: tuple[str, ...] = ()
    source: "Source | None" = None


class Source(NamedTuple):
    """What a pipe, a redirection or a substitution carries.

    Attributes:
        text: the content where it is known.
        is_exact: false if unknown parts of `text` stand as they are written.
        origins: where it comes from.
        items: the names that it lists, one a line, where they are known at least as patterns.
    """

    text: str | None = None
    is_exact: bool = True
    origins: Origins = NO_ORIGINS
    items: tuple[Word, ...] = ()


class Flow(NamedTuple):
    """What a command reads, None for the agent's own input, and whether another command reads its output."""

    stdin: Source | None = None
    is_piped: bool = False


NOTHING: Final = Source(text="")
PROGRAM_OUTPUT: Final = Source(origins=frozenset([Origin.PROGRAM]))
DOWNLOADED: Final = Source(origins=frozenset([Origin.DOWNLOAD]))
UNKNOWN: Final = Word("", is_known=False)


def joined(words: list[Word]) -> Word:
    """Join words by blanks, as `eval` and `echo` do."""
    return Word(
        " ".join(word.text for word in words),
        is_known=all(word.is_known for word in words),
        origins=NO_ORIGINS.union(*(word.origins for word in words)),
        variables=tuple(name for word in words for name in word.variables),
        is_disguised=any(word.is_disguised for word in words),
    )


def combined(sources: list[Source]) -> Source:
    """Join what several commands write one after the other."""
    if len(sources) == 1:
        return sources[0]
    texts = [source.text for source in sources]
    return Source(
        text="".join(text for text in texts if text is not None) if None not in texts else None,
        is_exact=all(source.is_exact for source in sources),
        origins=NO_ORIGINS.union(*(source.origins for source in sources)),
        items=tuple(item for source in sources for item in source.items) if all(s.items for s in sources) else (),
    )


def text_source(word: Word, ending: str = "") -> Source:
    """Give a word as the content of a stream."""
    return Source(text=word.text + ending, is_exact=word.is_known, origins=word.origins)
