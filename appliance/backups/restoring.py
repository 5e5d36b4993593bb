"""Bringing the files of a database back: backups and log are fetched, decrypted, put together and checked.

What comes out is a data directory that PostgreSQL recovers by itself, up to the wanted moment, when it is started.
"""

import hashlib
import shutil
import tarfile
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, Self

import msgspec

from appliance.backups import names, rules
from appliance.backups.catalogue import Catalogue
from appliance.backups.counting import Counted
from appliance.backups.errors import BackupDamagedError, BackupUnknownError, LogMissingError
from appliance.backups.log_keeping import PARTIAL
from appliance.backups.ports import Readable, Store
from appliance.backups.programs import Programs
from appliance.backups.records import Backup, Part, Position, Stored
from appliance.backups.sealing import Identity
from appliance.backups.verifying import verify

_PIECE: Final = 1024 * 1024
_MISSING_SHOWN: Final = 3


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The moment to come back to; neither: the newest that there is.

    Attributes:
        lsn: a place in the log, e.g. `0/3000028`.
    """

    time: datetime | None = None
    lsn: str = ""

    def settings(self) -> dict[str, str]:
        """PostgreSQL's settings for it."""
        if self.lsn:
            return {"recovery_target_lsn": self.lsn}
        if self.time is not None:
            return {"recovery_target_time": self.time.isoformat(sep=" ")}
        return {}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a restore will read.

    Attributes:
        chain: the full backup first, then the incremental ones.
        log: files of the log by PostgreSQL's own names, with the objects that hold them.
        size: bytes to fetch.
    """

    system: str
    target: Target
    chain: tuple[Backup, ...]
    log: tuple[tuple[str, Stored], ...]
    size: int


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """How far it is, in bytes fetched of all."""

    step: str
    done: int
    total: int


def plan(catalogue: Catalogue, target: Target, backup: str = "") -> Plan:
    """Choose the backups, by default the newest that had ended by the wanted moment, and the log after them.

    Raises:
        BackupUnknownError: no backup fits, or one of its chain is gone.
        LogMissingError: a segment is missing in between.
    """
    chosen = catalogue.backup(backup) if backup else _nearest(catalogue, target)
    chain = rules.chain(catalogue.backups, chosen.id)
    if not chain:
        raise BackupUnknownError(f"Backup {chosen.id} is on top of one that is not in the store any more")
    log = _log(catalogue.log, chosen)
    missing = rules.missing_segments([file.removesuffix(PARTIAL) for file, _ in log], chosen)
    if missing:
        told = ", ".join(f"{number:X}" for number in missing[:_MISSING_SHOWN])
        raise LogMissingError(f"{len(missing)} segments of the log are missing, the first of them {told}")
    size = sum(each.base.size for each in chain) + chosen.secrets.size + sum(stored.size for _, stored in log)
    return Plan(system=catalogue.system, target=target, chain=chain, log=log, size=size)


def _nearest(catalogue: Catalogue, target: Target) -> Backup:
    fitting = catalogue.backups
    if target.lsn:
        fitting = tuple(each for each in fitting if each.ends.offset <= Position(timeline=1, lsn=target.lsn).offset)
    found = rules.nearest(fitting, target.time)
    if found is None:
        oldest = min((each.ended_at for each in catalogue.backups), default=None)
        told = f"the oldest ended at {oldest:%Y-%m-%d %H:%M:%S} UTC" if oldest else "there is none"
        raise BackupUnknownError(f"No backup had ended by then: {told}")
    return found


def _log(stored: Sequence[Stored], backup: Backup) -> tuple[tuple[str, Stored], ...]:
    """Histories of timelines, and every segment from where the backup begins; an unfinished one if no whole one is."""
    files = {names.file_of(each.name): each for each in stored}
    first = backup.begins.offset // rules.SEGMENT_BYTES
    wanted = []
    for file, each in files.items():
        whole = file.removesuffix(PARTIAL)
        if file.endswith(".history") or (
            rules.is_segment(whole) and rules.segment_number(whole) >= first and (file == whole or whole not in files)
        ):
            wanted.append((file, each))
    return tuple(sorted(wanted, key=lambda pair: pair[0]))


class Restorer:
    """Fetches into a folder of its own, which it makes."""

    def __init__(
        self, store: Store, identity: Identity, programs: Programs, folder: Path, tell: Callable[[Work], None]
    ) -> None:
        """`programs` are those that will run the database; no server needs to run."""
        self._store = store
        self._identity = identity
        self._programs = programs
        self._folder = folder
        self._tell = tell
        self._done = 0
        self._total = 0
        self._step = ""

    def secrets(self, wanted: Plan) -> bytes:
        """The tar archive of keys and configuration, as `installation.unpack` takes it.

        Raises:
            IdentityRefusedError, BackupDamagedError, ObjectMissingError: it cannot be read.
        """
        self._total = wanted.size
        return self._whole(wanted.chain[-1].secrets)

    def data(self, wanted: Plan) -> Path:
        """A data directory, compared with PostgreSQL's list of its files.

        Raises:
            IdentityRefusedError, BackupDamagedError, ObjectMissingError: a part cannot be read.
            ProgramFailedError: what came out is not what was backed up.
        """
        self._total = wanted.size
        folders = []
        for number, backup in enumerate(wanted.chain):
            folder = self._folder / f"base-{number}"
            self._begin(f"Fetching the {backup.kind} backup of {backup.ended_at:%Y-%m-%d %H:%M} UTC")
            self._extract(backup, folder)
            self._begin("Checking it file by file")
            verify(folder)
            folders.append(folder)
        if len(folders) == 1:
            return folders[0]
        combined = self._folder / "combined"
        self._begin("Putting the backups together")
        words = ["pg_combinebackup", "--link", "--manifest-checksums=SHA256", "-o", str(combined)]
        self._programs.run([*words, *map(str, folders)])
        verify(combined)
        for folder in folders:
            shutil.rmtree(folder)
        return combined

    def log(self, wanted: Plan) -> Path:
        """A folder of the log's files, from which PostgreSQL copies what it needs."""
        folder = self._folder / "log"
        folder.mkdir(mode=0o755)
        self._begin("Fetching the log")
        for file, stored in wanted.log:
            with self._store.get(stored.name) as sealed, (folder / file.removesuffix(PARTIAL)).open("wb") as target:
                opening = self._identity.open(self._counted(sealed), stored.name)
                try:
                    shutil.copyfileobj(opening, target, _PIECE)
                finally:
                    opening.close()
        return folder

    def _extract(self, backup: Backup, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        with self._opened(backup.base) as content:
            try:
                with tarfile.open(fileobj=content, mode="r|") as tar:  # type: ignore[call-overload] # read() is all
                    for member in tar:
                        _unpack(tar, member, folder, backup.base.name)
            except (tarfile.TarError, EOFError) as problem:
                raise BackupDamagedError(f"{backup.base.name} holds no whole archive: {problem}") from problem
            content.check_whole()

    def _whole(self, part: Part) -> bytes:
        with self._opened(part) as content:
            pieces = iter(lambda: content.read(_PIECE), b"")
            whole = b"".join(pieces)
            content.check_whole()
            return whole

    def _opened(self, part: Part) -> "_PartReading":
        return _PartReading(self._store, self._identity, part, self._counted)

    def _counted(self, content: Readable) -> "Counted":
        return Counted(content, self._count)

    def _begin(self, step: str) -> None:
        self._step = step
        self._tell(Work(step=step, done=self._done, total=self._total))

    def _count(self, read: int) -> None:
        self._done += read
        self._tell(Work(step=self._step, done=self._done, total=self._total))


def _unpack(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, name: str) -> None:
    """One file or folder, for its owner only. Data directories of PostgreSQL hold nothing else."""
    path = folder / member.name
    if member.name.startswith("/") or ".." in path.parts or not (member.isreg() or member.isdir()):
        raise BackupDamagedError(f"{name} holds {member.name!r}, which is no file of a database")
    if member.isdir():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return
    content = tar.extractfile(member)
    assert content is not None  # noqa: S101 - a regular file has content
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("wb") as file:
        shutil.copyfileobj(content, file, _PIECE)
    path.chmod(0o600)


class _Hashed:
    """Passes bytes on, and knows their hash and number at the end."""

    def __init__(self, content: Readable) -> None:
        self._content = content
        self._hash = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1, /) -> bytes:
        piece = self._content.read(size)
        self._hash.update(piece)
        self.size += len(piece)
        return piece

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


class _PartReading:
    """One part of a backup, decrypted; `check_whole` compares what was stored with its description."""

    def __init__(self, store: Store, identity: Identity, part: Part, counted: Callable[[Readable], Readable]) -> None:
        self._store, self._identity, self._part, self._count = store, identity, part, counted

    def __enter__(self) -> Self:
        self._getting = self._store.get(self._part.name)
        self._sealed = _Hashed(self._count(self._getting.__enter__()))
        self._opening = self._identity.open(self._sealed, self._part.name)
        return self

    def __exit__(self, *failure: object) -> None:
        self._opening.close()
        self._getting.__exit__(None, None, None)

    def read(self, size: int = -1, /) -> bytes:
        return self._opening.read(size)

    def check_whole(self) -> None:
        """Read to the end; raises BackupDamagedError if it is not what was stored."""
        while self._opening.read(_PIECE):
            pass
        if (self._sealed.size, self._sealed.sha256) != (self._part.size, self._part.sha256):
            raise BackupDamagedError(
                f"{self._part.name} has {self._sealed.size} bytes with another hash than the {self._part.size} stored"
            )


def recover(data: Path, log: Path, target: Target) -> None:
    """Tell PostgreSQL to recover from `log` up to the target when it is started on `data`, and then to go on."""
    quoted = str(log).replace("'", "''").replace("%", "%%")
    settings = {
        "restore_command": f'cp "{quoted}/%f" "%p"',
        "recovery_target_timeline": "latest",
        "recovery_target_action": "promote",
        **target.settings(),
    }
    lines = [f"{name} = '{value}'" for name, value in settings.items()]
    with (data / "postgresql.auto.conf").open("a") as file:
        file.write("\n".join(lines) + "\n")
    (data / "recovery.signal").touch(mode=0o600)
