"""A log file of bounded size for what a child process prints."""

import contextlib
import os
from itertools import pairwise
from pathlib import Path
from typing import Final

BYTES_MAX: Final = 10 * 1024 * 1024
KEPT: Final = 4


class RotatingLog:
    """`NAME.log` and up to `KEPT` older ones, `NAME.1.log` being the youngest of them.

    Writing never fails: a service must go on when the disk is full. What could not be written is counted, and the
    number is told in the log as soon as there is room again.
    """

    def __init__(self, folder: Path, name: str, *, bytes_max: int = BYTES_MAX) -> None:
        """`folder` is made if it is not there."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = folder / f"{name}.log"
        self._older = [folder / f"{name}.{number}.log" for number in range(1, KEPT + 1)]
        self._bytes_max = bytes_max
        self._lost = 0
        self._file = -1
        self._size = 0

    def write(self, data: bytes) -> None:
        """Append; begin a new file before this one grows beyond its limit."""
        try:
            self._open()
            if self._size and self._size + len(data) > self._bytes_max:
                self._rotate()
            if self._lost:
                self._append(b'{"event": "log.lost", "bytes": %d}\n' % self._lost)
                self._lost = 0
            self._append(data)
        except OSError:
            self._lost += len(data)

    def tail(self, lines: int = 8) -> list[str]:
        """The last lines."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, self.path.stat().st_size - 16 * 1024))
                return file.read().decode(errors="replace").splitlines()[-lines:]
        except OSError:
            return []

    def close(self) -> None:
        """Give the file back."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _open(self) -> None:
        if self._file < 0:
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self._size = os.fstat(self._file).st_size

    def _append(self, data: bytes) -> None:
        written = os.write(self._file, data)
        self._size += written
        self._lost += len(data) - written

    def _rotate(self) -> None:
        self.close()
        newest_last = [*reversed(self._older), self.path]
        for target, source in pairwise(newest_last):
            with contextlib.suppress(FileNotFoundError):
                source.replace(target)
        self._open()
