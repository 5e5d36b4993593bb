"""A unified diff as lines with a kind each, for a page."""

from typing import NamedTuple

from markupsafe import Markup

from server.dashboard.visible import visible


class DiffLine(NamedTuple):
    """One line; `kind` is `added`, `removed`, `place` or `same`."""

    kind: str
    text: Markup


def marked_difference(unified: str) -> tuple[DiffLine, ...]:
    """The lines of a unified diff."""
    return tuple(DiffLine(_kind(line, place), visible(line)) for place, line in enumerate(unified.splitlines()))


def _kind(line: str, place: int) -> str:
    if place < 2 or line.startswith("@@"):  # noqa: PLR2004 - the two names
        return "place"
    return {"+": "added", "-": "removed"}.get(line[:1], "same")
