"""Parse bash with tree-sitter, within a bounded time."""

import threading
from typing import Final

import tree_sitter_bash
from tree_sitter import Language, Node, Parser, Point

from appliance.protection.commands.budget import Budget

LONGEST_TEXT: Final = 32_768
DIRECTLY_PARSED: Final = 256
# Recovery from an error takes time that grows with the square of what is open, in one step that nothing can interrupt.
MOST_OPEN: Final = 768

# The grammar's scanner looks characters beyond Latin-1 up behind the end of a C table: some texts end the process, and
# it takes other scripts' blanks for blanks. A shell knows only ASCII ones: every other byte is shown to it as a dot,
# which is a plain character of a word and of no name, and keeps all positions.
_ASCII: Final = bytes(range(128)) + b"." * 128

_LANGUAGE: Final = Language(tree_sitter_bash.language())


class _Local(threading.local):
    def __init__(self) -> None:
        self.parser = Parser(_LANGUAGE)


_local = _Local()


def parse(text: bytes, budget: Budget) -> Node | None:
    """Give the root of the syntax tree; None if the text is too long or too tangled.

    Positions are those of `text`; what a node says must be read from there, not from the node.
    """
    if len(text) > LONGEST_TEXT or text.count(b"|") > MOST_OPEN:
        return None
    shown = text.translate(_ASCII)
    if len(text) <= DIRECTLY_PARSED:
        return _local.parser.parse(shown).root_node

    def read(offset: int, _: Point) -> bytes:
        return shown[offset : offset + 8192]

    def is_late(_: int, has_error: bool) -> bool:  # noqa: ARG001, FBT001 - the parser's own signature
        return budget.is_late()

    try:
        return _local.parser.parse(read, progress_callback=is_late).root_node
    except ValueError:
        _local.parser.reset()
        return None
