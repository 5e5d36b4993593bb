"""A directory or a mount as a backup store: whole files, made durable before they have their name."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from appliance.backups.errors import ObjectMissingError, StoreRefusedError, StoreUnreachableError
from appliance.backups.ports import Readable
from appliance.backups.records import Stored

_PIECE: Final = 1024 * 1024
_PARTIAL: Final = ".partial-"


class DirectoryStore:
    """Objects as files below `root`; readable by their owner only."""

    def __init__(self, root: Path) -> None:
        """`root` must be there: a mount that is away must not be taken for an empty store."""
        self._root = root

    @property
    def place(self) -> str:
        """The directory."""
        return f"file://{self._root}"

    @property
    def may_delete(self) -> bool:
        """Always: whoever writes to a directory may delete there; only the other side of a mount can forbid that."""
        return True

    def put(self, name: str, content: Readable) -> int:
        """Write under another name, sync, then rename and sync the directory."""
        with self._told():
            target = self._path(name)
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            partial = target.with_name(f"{_PARTIAL}{secrets.token_hex(8)}")
            try:
                size = _written(partial, content)
                partial.replace(target)
            finally:
                partial.unlink(missing_ok=True)
            _sync_folder(target.parent)
            return size

    @contextmanager
    def get(self, name: str) -> Iterator[BinaryIO]:
        """The file."""
        try:
            file = self._path(name).open("rb")
        except FileNotFoundError as problem:
            raise ObjectMissingError(f"{name} is not in {self.place}") from problem
        except OSError as problem:
            raise StoreUnreachableError(f"{self.place} cannot be read: {problem}") from problem
        with file:
            yield file

    def list(self, prefix: str) -> Iterator[Stored]:
        """Files whose names begin so; what was not finished is none."""
        with self._told():
            self._check_root()
            folder = self._root / prefix.rpartition("/")[0]
            names = sorted(
                path.relative_to(self._root).as_posix()
                for path in (folder.rglob("*") if folder.is_dir() else ())
                if path.is_file() and not path.name.startswith(_PARTIAL)
            )
        for name in names:
            if name.startswith(prefix):
                with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                    about = (self._root / name).stat()
                    yield Stored(
                        name=name, size=about.st_size, written_at=datetime.fromtimestamp(about.st_mtime, tz=UTC)
                    )

    def delete(self, names: Iterable[str]) -> int:
        """Unlink, and take folders away that have become empty."""
        gone = 0
        with self._told():
            for name in names:
                path = self._path(name)
                path.unlink(missing_ok=True)
                gone += 1
                with contextlib.suppress(OSError):  # not empty
                    path.parent.rmdir()
        return gone

    def room(self) -> tuple[int, int]:
        """Bytes that are free, and bytes in all."""
        with self._told():
            usage = shutil.disk_usage(self._root)
        return usage.free, usage.total

    def _path(self, name: str) -> Path:
        self._check_root()
        path = self._root / name
        if ".." in path.parts or name.startswith("/"):
            raise StoreRefusedError(f"{name!r} is no name of an object")
        return path

    def _check_root(self) -> None:
        if not self._root.is_dir():
            raise StoreUnreachableError(f"{self._root} is not there; mount it, or make the directory")

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except PermissionError as problem:
            raise StoreRefusedError(f"{self.place} refuses: {problem}") from problem
        except OSError as problem:
            raise StoreUnreachableError(f"{self.place} cannot be used: {problem}") from problem


def _written(path: Path, content: Readable) -> int:
    size = 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while piece := content.read(_PIECE):
            file.write(piece)
            size += len(piece)
        file.flush()
        os.fsync(file.fileno())
    return size


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
