"""Compares a data directory with the manifest of its backup, file by file, as pg_verifybackup does.

That program does not start in the wheel that PostgreSQL comes from (its dynamic section lies outside of every segment,
release 0.6.0), so its checks are made here: every file that the manifest names is there with its size and SHA-256, no
other file is, and the manifest is whole (PostgreSQL's documentation, chapter Backup Manifest Format).
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from appliance.backups.errors import BackupDamagedError

MANIFEST: Final = "backup_manifest"
_OWN_CHECKSUM: Final = re.compile(rb'^"Manifest-Checksum": "([0-9a-f]{64})"\}\s*\Z', re.MULTILINE)
# What PostgreSQL leaves out of its manifests: the log has checksums of its own, and settings may be changed by hand.
_UNLISTED: Final = ("pg_wal", MANIFEST, "postgresql.auto.conf", "standby.signal", "recovery.signal")
_SHOWN: Final = 3


class _File(msgspec.Struct, frozen=True, rename="pascal"):
    size: int
    path: str = ""
    encoded_path: str = msgspec.field(default="", name="Encoded-Path")
    checksum_algorithm: str = msgspec.field(default="", name="Checksum-Algorithm")
    checksum: str = ""

    @property
    def place(self) -> str:
        return self.path or bytes.fromhex(self.encoded_path).decode("utf-8", "surrogateescape")


class _Manifest(msgspec.Struct, frozen=True, rename="pascal"):
    files: list[_File]


def verify(folder: Path) -> int:
    """Check a data directory that was backed up or put together; how many files there are.

    Raises:
        BackupDamagedError: with what differs.
    """
    text = (folder / MANIFEST).read_bytes() if (folder / MANIFEST).exists() else b""
    own = _OWN_CHECKSUM.search(text)
    if own is None or hashlib.sha256(text[: own.start()]).hexdigest() != own.group(1).decode():
        raise BackupDamagedError(f"The list of files of {folder.name} was changed or cut")
    listed = {each.place: each for each in msgspec.json.decode(text, type=_Manifest).files}
    problems = list(_differences(folder, listed))
    if problems:
        more = f", and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise BackupDamagedError(f"Of {len(listed)} files: {'; '.join(problems[:_SHOWN])}{more}")
    return len(listed)


def _differences(folder: Path, listed: dict[str, _File]) -> Iterator[str]:
    for place, about in listed.items():
        path = folder / place
        if not path.is_file():
            yield f"{place} is missing"
        elif path.stat().st_size != about.size:
            yield f"{place} has {path.stat().st_size} bytes instead of {about.size}"
        elif about.checksum_algorithm == "SHA256" and _hash(path) != about.checksum:
            yield f"{place} was changed"
    for path in folder.rglob("*"):
        place = path.relative_to(folder).as_posix()
        if path.is_file() and place not in listed and not place.startswith(_UNLISTED):
            yield f"{place} does not belong to it"


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
