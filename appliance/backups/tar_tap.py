"""Looks into a tar stream as it passes, to keep one small file of it: the manifest comes last in a base backup."""

import tarfile
from typing import Final

from appliance.backups.errors import BackupDamagedError
from appliance.backups.ports import Readable

_BLOCK: Final = 512


class TarTap:
    """Hands a tar archive on unchanged and keeps the content of the member `name`.

    Attributes:
        kept: the content; empty until the member has passed.
    """

    def __init__(self, content: Readable, name: str) -> None:
        """Nothing is read before the first `read`."""
        self.kept = b""
        self._content = content
        self._name = name
        self._header = bytearray()
        self._left = 0  # bytes of the present member's content and padding that have not passed
        self._wanted = bytearray()
        self._size = -1  # of the wanted member while it passes

    def read(self, size: int = -1, /) -> bytes:
        """The archive's next bytes.

        Raises:
            BackupDamagedError: what passes is no tar archive.
        """
        piece = self._content.read(size)
        self._pass(memoryview(piece))
        return piece

    def _pass(self, view: memoryview) -> None:
        while view:
            if self._left:
                taken = min(self._left, len(view))
                if self._size >= 0:
                    self._wanted += view[:taken]
                self._left -= taken
                if not self._left:
                    self._end_member()
            else:
                taken = min(_BLOCK - len(self._header), len(view))
                self._header += view[:taken]
                if len(self._header) == _BLOCK:
                    self._begin_member()
            view = view[taken:]

    def _begin_member(self) -> None:
        header, self._header = bytes(self._header), bytearray()
        if not any(header):
            return  # the archive's end
        try:
            member = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        except tarfile.HeaderError as problem:
            raise BackupDamagedError(f"The server sent no tar archive: {problem}") from problem
        self._left = (member.size + _BLOCK - 1) // _BLOCK * _BLOCK if member.isreg() else 0
        if member.name.removeprefix("./") == self._name:
            self._size = member.size
            self._wanted.clear()

    def _end_member(self) -> None:
        if self._size >= 0:
            self.kept = bytes(self._wanted[: self._size])
            self._size = -1
