"""Tells how much passes through a stream."""

from collections.abc import Callable

from appliance.backups.ports import Readable


class Counted:
    """Hands content on, and tells the number of bytes of each piece."""

    def __init__(self, content: Readable, count: Callable[[int], None]) -> None:
        """`count` is called with each piece's size, 0 at the end."""
        self._content = content
        self._count = count

    def read(self, size: int = -1, /) -> bytes:
        """The next piece; what the content raises is raised again."""
        piece = self._content.read(size)
        self._count(len(piece))
        return piece
