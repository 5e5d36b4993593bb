"""Cut a Cedar text into its policies, so that every problem can be told with its line."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

# Cedar's lexical grammar: a string, a line comment, or one other token. A semicolon outside strings and
# comments ends a policy and appears nowhere else. An open string runs to the end: the scan stays linear.
_TOKEN: Final = re.compile(
    r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|//[^\n]*|[;()\[\]{}\n]|[^\s;"/()\[\]{}]+|[/"]|[^\S\n]+', re.DOTALL
)
_OPENING: Final = frozenset("([{")
_CLOSING: Final = frozenset(")]}")


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One policy of a text.

    Attributes:
        text: its source, comments before it excluded.
        line: 1-based line of its first token.
        is_closed: whether a semicolon ends it.
        depth: how many brackets are open at once at most.
        code: its tokens with one space between them, without comments, strings emptied.
    """

    text: str
    line: int
    is_closed: bool
    depth: int
    code: str


def split_statements(text: str) -> tuple[Statement, ...]:
    """Give the policies of a Cedar text in their order; joined they say the same as the text."""
    return tuple(_statements(text))


def _statements(text: str) -> Iterator[Statement]:
    line = start_line = 1
    start: int | None = None
    code: list[str] = []
    depth = deepest = 0
    for token in _TOKEN.finditer(text):
        word = token.group()
        if not word.isspace() and not word.startswith("//"):
            if start is None:
                start, start_line, depth, deepest, code = token.start(), line, 0, 0, []
            code.append('""' if word.startswith('"') else word)
            depth += (word in _OPENING) - (word in _CLOSING)
            deepest = max(deepest, depth)
            if word == ";":
                yield _statement(text[start : token.end()], start_line, deepest, code)
                start = None
        line += word.count("\n")
    if start is not None:
        yield _statement(text[start:], start_line, deepest, code)


def _statement(text: str, line: int, depth: int, code: list[str]) -> Statement:
    return Statement(text=text, line=line, is_closed=code[-1] == ";", depth=depth, code=" ".join(code))


def line_of_word(statement: Statement, word: str) -> int:
    """Give the line where a word stands if it stands there once, else the statement's own line."""
    if not word or statement.text.count(word) != 1:
        return statement.line
    return statement.line + statement.text[: statement.text.index(word)].count("\n")
