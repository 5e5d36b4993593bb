"""Parse bash with tree-sitter, within a bounded number of steps."""

import threading
from typing import Final

import tree_sitter_bash
from tree_sitter import Language, Node, Parser, Point

LONGEST_TEXT: Final = 65_536
DIRECTLY_PARSED: Final = 256
# The parser reports every hundred of its steps. A correct text takes at most nine steps a byte; recovering from
# errors takes up to fifty times longer a step and may grow with the square of the text, so it is cut early.
_MOST_REPORTS: Final = 6_000
_MOST_REPORTS_IN_ERROR: Final = 60

_LANGUAGE: Final = Language(tree_sitter_bash.language())


class _Local(threading.local):
    def __init__(self) -> None:
        self.parser = Parser(_LANGUAGE)


_local = _Local()


def parse(text: bytes) -> Node | None:
    """Give the root of the syntax tree; None if the text is too long or too tangled."""
    if len(text) <= DIRECTLY_PARSED:
        return _local.parser.parse(text).root_node
    if len(text) > LONGEST_TEXT:
        return None
    reports = [0, 0]

    def read(offset: int, _: Point) -> bytes:
        return text[offset : offset + 8192]

    def is_enough(_: int, has_error: bool) -> bool:  # noqa: FBT001 - the parser's own signature
        reports[has_error] += 1
        return reports[0] > _MOST_REPORTS or reports[1] > _MOST_REPORTS_IN_ERROR

    try:
        return _local.parser.parse(read, progress_callback=is_enough).root_node
    except ValueError:
        _local.parser.reset()
        return None
