"""A disk that can be full: a small tmpfs for the database where we may mount one, else a limit on file sizes."""

import errno
import os
import resource
import shutil
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import msgspec

from appliance.database.embedded import EmbeddedPostgres
from tests.support.journey import Cloud

SIZE_MIB = 160
_LIMIT_BYTES = 16 * 1024
_BLOCK = b"\0" * 65536


class Disk(ABC):
    """Where one instance keeps its data."""

    kind: str

    @abstractmethod
    def give(self, cloud: Cloud) -> None:
        """Let the database of a cloud that was never started lie here."""

    @abstractmethod
    def fill(self) -> None:
        """From now on nothing more can be written."""

    @abstractmethod
    def free(self) -> None:
        """From now on there is room again."""


@contextmanager
def small_disk() -> Iterator[Disk]:
    """A disk for one cloud, gone afterwards."""
    place = Path(tempfile.mkdtemp(prefix="leash-disk-"))
    place.chmod(0o755)  # the database's own user must reach it
    is_mounted = os.geteuid() == 0 and _mount(place)
    try:
        yield Mounted(place) if is_mounted else Limited()
    finally:
        if is_mounted:
            subprocess.run(["umount", "--lazy", str(place)], check=False)  # noqa: S603, S607 - our own mount
        shutil.rmtree(place, ignore_errors=True)


def _mount(place: Path) -> bool:
    words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m,mode=755", "leash-disk", str(place)]
    return subprocess.run(words, check=False, capture_output=True).returncode == 0  # noqa: S603 - fixed words


class Mounted(Disk):
    """A tmpfs, filled by one file."""

    kind = "tmpfs"

    def __init__(self, place: Path) -> None:
        """`place` is where it is mounted."""
        self._place = place
        self._ballast = place / "ballast"

    def give(self, cloud: Cloud) -> None:
        """Write the pointer that the embedded server would have made, with the data here."""
        cloud.state.mkdir(parents=True, mode=0o700)
        planned = EmbeddedPostgres(cloud.state).layout
        moved = msgspec.structs.replace(planned, data=str(self._place / planned.instance / "data"))
        (cloud.state / "postgres.json").write_bytes(msgspec.json.encode(moved))

    def fill(self) -> None:
        """Write until there is no space left."""
        with self._ballast.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(_BLOCK)
            except OSError as problem:
                if problem.errno != errno.ENOSPC:
                    raise

    def free(self) -> None:
        """Delete that file."""
        self._ballast.unlink()


class Limited(Disk):
    """The kernel's limit on file sizes (setrlimit(2)): writes beyond it fail, as on a full disk."""

    kind = "file size limit"
    _cloud: Cloud

    def give(self, cloud: Cloud) -> None:
        """Remember whose processes are to be limited."""
        self._cloud = cloud

    def fill(self) -> None:
        """Limit the database's processes, and the supervisor, which starts them again."""
        self._limit(_LIMIT_BYTES)

    def free(self) -> None:
        """Lift the limit."""
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        prlimit = cast("Any", resource).prlimit
        for pid in (self._cloud.supervisor, *self._cloud.postgres_pids()):
            _, hard = prlimit(pid, resource.RLIMIT_FSIZE)
            prlimit(pid, resource.RLIMIT_FSIZE, (size if hard == resource.RLIM_INFINITY else min(size, hard), hard))
