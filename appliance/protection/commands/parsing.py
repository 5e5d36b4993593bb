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

_LANGUAGE: Final = Language(tree_sitter_bash.language())


class _Local(threading.local):
    def __init__(self) -> None:
        self.parser = Parser(_LANGUAGE)


_local = _Local()


def parse(text: bytes, budget: Budget) -> Node | None:
    """Give the root of the syntax tree; None if the text is too long or too tangled."""
    if len(text) <= DIRECTLY_PARSED:
        return _local.parser.parse(text).root_node
    if len(text) > LONGEST_TEXT or text.count(b"|") > MOST_OPEN:
        return None

    def read(offset: int, _: Point) -> bytes:
        return text[offset : offset + 8192]

    def is_late(_: int, has_error: bool) -> bool:  # noqa: ARG001, FBT001 - the parser's own signature
        return budget.is_late()

    try:
        return _local.parser.parse(read, progress_callback=is_late).root_node
    except ValueError:
        _local.parser.reset()
        return None
