"""Split a command's arguments into options and operands, as getopt_long does."""

from collections.abc import Collection
from typing import Final, NamedTuple

from appliance.protection.commands.words import Word

_SHORTEST_PREFIX: Final = 4


class Options(NamedTuple):
    """Options in order, each with its value if it has one, and the operands."""

    given: list[tuple[str, Word | None]]
    rest: list[Word]

    def has(self, *names: str) -> bool:
        """Tell whether any of the options was given; long ones also by a prefix (`--recurs`)."""
        return any(_is_any(given, names) for given, _ in self.given) if self.given else False

    def values(self, *names: str) -> list[Word]:
        """Give the values of the options, in order."""
        return [value for given, value in self.given if value is not None and _is_any(given, names)]

    def value(self, *names: str) -> Word | None:
        """Give the last value."""
        values = self.values(*names)
        return values[-1] if values else None


def _is_any(given: str, names: tuple[str, ...]) -> bool:
    if given in names:
        return True
    return given[:2] == "--" and len(given) >= _SHORTEST_PREFIX and any(name.startswith(given) for name in names)


def split_options(words: list[Word], valued: Collection[str] = (), *, is_posix: bool = False) -> Options:
    """Split; `valued` names the options that take a value, `is_posix` ends options at the first operand.

    Short options may be clustered (`-rf`) and carry their value (`-ofile`); a name in `valued` with one dash and
    several letters (`-name`) is taken whole.
    """
    given: list[tuple[str, Word | None]] = []
    rest: list[Word] = []
    position, end = 0, len(words)
    while position < end:
        word = words[position]
        text = word.text
        position += 1
        if text[:1] != "-" or text == "-":
            rest.append(word)
            if is_posix:
                break
        elif text == "--":
            break
        elif text[1] == "-" or text in valued or (text[2:3] and text.partition("=")[0] in valued):
            name, equals, value = text.partition("=")
            if equals:
                given.append((name, word._replace(text=value)))
            elif name in valued and position < end:
                given.append((name, words[position]))
                position += 1
            else:
                given.append((name, None))
        else:
            position += _cluster(word, words[position] if position < end else None, valued, given)
    rest.extend(words[position:])
    return Options(given, rest)


def _cluster(word: Word, following: Word | None, valued: Collection[str], given: list[tuple[str, Word | None]]) -> int:
    """Take one word of short options; give how many of the following words were values."""
    for place, letter in enumerate(word.text[1:], 2):
        name = "-" + letter
        if name in valued:
            attached = word.text[place:]
            if attached:
                given.append((name, word._replace(text=attached.removeprefix("="))))
                return 0
            given.append((name, following))
            return 1 if following is not None else 0
        given.append((name, None))
    return 0
