"""Read a text of nothing but plain words without the grammar, which takes longer than all the rest.

Most of what agents run is such a text: `git status --short`, `cd x && npm test`, `grep -rn x src | sort | head -20`.
Nothing in it is expanded or redirected, no word is put together from pieces and none is a keyword, so that every shell
reads it alike. Whatever goes beyond that, or is not certain, is left to the grammar: both must see the same.
"""

import re
from typing import Final, NamedTuple

from appliance.protection.commands.words import Word

LONGEST_PLAIN: Final = 1_024

_KEYWORDS: Final = (
    "for|select|in|while|until|do|done|if|then|fi|elif|else|case|esac|function|coproc|time|declare|typeset|export|"
    "readonly|local|unset|unsetenv"
)
_COMMAND: Final = (
    rf"(?!(?:{_KEYWORDS})(?:[ |;&]|$))[A-Za-z_./][A-Za-z0-9_./:-]*"
    r"(?: +(?:[A-Za-z0-9_./:@%+,-][A-Za-z0-9_./:=@%+,-]*|'[ -&(-~\n]*'|\"[ #%-\[\]-_a-~\n]*\"))*"
)
# No possessive quantifiers: before 3.11.5 Python takes some texts for matches that are none (gh-106052).
_TEXT: Final = re.compile(rf" *{_COMMAND}(?: *(?:&&|\|\||\||;) *{_COMMAND})* *")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_./:=@%+,-]+|'[^']*'|\"[^\"]*\"|[|;&]+")
_MARKED: Final = re.compile("['\"|;&]")
_CHAINS: Final = frozenset(["&&", "||"])


class PlainCommand(NamedTuple):
    """A simple command; `type` tells it from the nodes of the grammar."""

    words: list[Word]
    type: str = "plain_command"


class PlainPipeline(NamedTuple):
    """Two commands or more, each of which reads what the one before it writes."""

    stages: list[PlainCommand]
    type: str = "plain_pipeline"


class PlainList(NamedTuple):
    """Commands and pipelines, each but the first with the `&&` or `||` before it."""

    first: "PlainCommand | PlainPipeline"
    steps: "list[tuple[str, PlainCommand | PlainPipeline]]"
    type: str = "plain_list"


class PlainProgram(NamedTuple):
    """What a whole text runs, one after the other."""

    statements: "list[PlainCommand | PlainPipeline | PlainList]"
    type: str = "plain_program"


Plain = PlainCommand | PlainPipeline | PlainList | PlainProgram


def plain_program(text: str) -> PlainProgram | None:
    """Give what a text of plain words runs; None if the grammar must read it."""
    if len(text) > LONGEST_PLAIN or _TEXT.fullmatch(text) is None:
        return None
    if _MARKED.search(text) is None:
        return PlainProgram([PlainCommand(list(map(Word, text.split())))])
    tokens = _TOKEN.findall(text)
    statements: list[PlainCommand | PlainPipeline | PlainList] = []
    for part in _split(tokens, ";"):
        # The grammar reads `a | b | c && d` in a way of its own.
        if part.count("|") > 1 and not _CHAINS.isdisjoint(part):
            return None
        statements.append(_list(part))
    return PlainProgram(statements)


def _list(tokens: list[str]) -> PlainCommand | PlainPipeline | PlainList:
    start, operator = 0, ""
    steps: list[tuple[str, PlainCommand | PlainPipeline]] = []
    for position, token in enumerate(tokens):
        if token in _CHAINS:
            steps.append((operator, _pipeline(tokens[start:position])))
            start, operator = position + 1, token
    last = _pipeline(tokens[start:])
    return PlainList(steps[0][1], [*steps[1:], (operator, last)]) if steps else last


def _pipeline(tokens: list[str]) -> PlainCommand | PlainPipeline:
    stages = [_command(stage) for stage in _split(tokens, "|")]
    return PlainPipeline(stages) if len(stages) > 1 else stages[0]


def _command(tokens: list[str]) -> PlainCommand:
    return PlainCommand([_word(token) for token in tokens])


def _word(token: str) -> Word:
    if token[0] not in {"'", '"'}:
        return Word(token)
    text = token[1:-1]
    # A quoted tilde is a plain name.
    return Word("./" + text if text[:1] == "~" else text)


def _split(tokens: list[str], operator: str) -> list[list[str]]:
    parts: list[list[str]] = []
    start = 0
    while operator in tokens[start:]:
        stop = tokens.index(operator, start)
        parts.append(tokens[start:stop])
        start = stop + 1
    parts.append(tokens[start:])
    return parts
