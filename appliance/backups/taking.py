"""Taking a base backup: pg_basebackup's tar stream is compressed and encrypted on its way to the store.

Nothing of it touches a disk here, except PostgreSQL's list of files, which the next incremental backup compares with.
"""

import fcntl
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

import msgspec

from appliance.backups import installation, names
from appliance.backups.errors import BackupBusyError, BackupDamagedError, ProgramFailedError
from appliance.backups.ports import Readable, Store
from appliance.backups.programs import Programs
from appliance.backups.records import Backup, Kind, Part, Position
from appliance.backups.sealing import Recipients
from appliance.backups.tar_tap import TarTap
from appliance.backups.verifying import MANIFEST
from appliance.clock import Clock
from appliance.database.identifiers import uuid7

_NO_SUMMARIES: Final = "WAL summaries are required"
Progress = Callable[[int, int], None]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What is backed up.

    Attributes:
        folder: STATE/backups, where the list of the newest backup's files is kept.
        config_file: goes into the encrypted part with the keys.
        release: version of this product.
    """

    programs: Programs
    state: Path
    config_file: Path | None
    release: str

    @property
    def folder(self) -> Path:
        """Where this machine keeps what it needs for the next backup."""
        return self.state / "backups"


class _Range(msgspec.Struct, frozen=True, rename={"timeline": "Timeline", "start": "Start-LSN", "end": "End-LSN"}):
    timeline: int
    start: str
    end: str


class _Manifest(msgspec.Struct, frozen=True, rename={"ranges": "WAL-Ranges", "system": "System-Identifier"}):
    """The parts of PostgreSQL's backup manifest that matter here (see its documentation)."""

    ranges: list[_Range]
    system: int


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """What the server says of itself."""

    system: str
    version: str
    size: int
    migrations: int


def server_of(programs: Programs) -> Server:
    """Ask the server who it is.

    Raises:
        ProgramFailedError: it does not answer, or refuses the role.
    """
    system, version, size, migrations = programs.ask(
        "SELECT system_identifier, current_setting('server_version'), "
        "(SELECT sum(pg_database_size(oid)) FROM pg_database), (SELECT count(*) FROM migration) "
        "FROM pg_control_system()"
    )
    return Server(system=system, version=version, size=int(size), migrations=int(migrations))


class Taker:
    """Takes base backups of one server into one store."""

    def __init__(self, source: Source, store: Store, recipients: Recipients, clock: Clock) -> None:
        """Nothing is asked yet."""
        self._source, self._store, self._recipients, self._clock = source, store, recipients, clock

    def take(self, kind: Kind, progress: Progress) -> Backup:
        """Take a base backup; an incremental one becomes full where there is nothing to be on top of.

        `progress` is told bytes read and bytes expected. Whatever fails, the store then holds no description of this
        backup, so it is none.

        Raises:
            BackupBusyError: another one runs on this machine.
            ProgramFailedError: PostgreSQL's program failed.
            StoreUnreachableError, StoreRefusedError: the store.
        """
        with _turn(self._source.folder):
            server = server_of(self._source.programs)
            parent = _newest(self._source.folder, server.system) if kind is Kind.INCREMENTAL else None
            try:
                return self._take(server, parent, progress)
            except ProgramFailedError as problem:
                # The server has not summarised its log since the parent, e.g. because that was switched on just now.
                if parent is None or _NO_SUMMARIES not in problem.detail:
                    raise
                return self._take(server, None, progress)

    def _take(self, server: Server, parent: Backup | None, progress: Progress) -> Backup:
        source, started = self._source, self._clock()
        backup = str(uuid7(int(started.timestamp() * 1000)))
        base, manifest = self._base(server, backup, parent, progress)
        about = _read_manifest(manifest, server)
        secrets = installation.packed(source.state, source.config_file)
        taken = Backup(
            id=backup,
            kind=Kind.FULL if parent is None else Kind.INCREMENTAL,
            parent="" if parent is None else parent.id,
            system=server.system,
            postgres=server.version,
            begins=Position(timeline=about.timeline, lsn=about.start),
            ends=Position(timeline=about.timeline, lsn=about.end),
            started_at=started,
            base=base,
            manifest=self._put(names.part(server.system, backup, "manifest"), io.BytesIO(manifest)),
            secrets=self._put(names.part(server.system, backup, "secrets.tar"), io.BytesIO(secrets)),
            recipients=self._recipients.keys,
            release=source.release,
            migrations=server.migrations,
            ended_at=self._clock(),
        )
        description = msgspec.json.format(msgspec.json.encode(taken), indent=2)
        self._store.put(names.description(server.system, backup), io.BytesIO(description))
        _remember(source.folder, taken, manifest, description)
        return taken

    def _base(self, server: Server, backup: str, parent: Backup | None, progress: Progress) -> tuple[Part, bytes]:
        """The files of the database, and PostgreSQL's list of them."""
        words = ["pg_basebackup", "-D", "-", "-F", "tar", "-X", "fetch", "-c", "fast", "--no-password"]
        words.append("--manifest-checksums=SHA256")
        if parent is not None:
            words.append(f"--incremental={_manifest_file(self._source.folder, parent.id)}")
        with self._source.programs.running(words) as running:
            tap = TarTap(running, MANIFEST)
            counted = _Telling(tap, lambda done: progress(done, server.size))
            return self._put(names.part(server.system, backup, "base.tar"), counted), tap.kept

    def _put(self, name: str, content: Readable) -> Part:
        sealing = self._recipients.seal(content)
        try:
            self._store.put(name, sealing)
        finally:
            sealing.close()
        return Part(name=name, size=sealing.size, sha256=sealing.sha256, plain_bytes=sealing.plain_bytes)


def _read_manifest(text: bytes, server: Server) -> _Range:
    try:
        manifest = msgspec.json.decode(text, type=_Manifest)
    except msgspec.MsgspecError as problem:
        raise BackupDamagedError(f"The server's backup has no manifest that can be read: {problem}") from problem
    if not manifest.ranges or str(manifest.system) != server.system:
        raise BackupDamagedError("The server's backup has a manifest of another system")
    return manifest.ranges[-1]


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """One backup at a time on this machine."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            raise BackupBusyError from problem
        yield


def _manifest_file(folder: Path, backup: str) -> Path:
    return folder / f"{backup}.manifest"


def _newest(folder: Path, system: str) -> Backup | None:
    """The newest backup that this machine took, if its list of files is still here."""
    try:
        backup = msgspec.json.decode((folder / names.DESCRIPTION).read_bytes(), type=Backup)
    except (OSError, msgspec.MsgspecError):
        return None
    return backup if backup.system == system and _manifest_file(folder, backup.id).exists() else None


def _remember(folder: Path, backup: Backup, manifest: bytes, description: bytes) -> None:
    """Keep what the next incremental backup needs, and nothing of the ones before."""
    kept = _manifest_file(folder, backup.id)
    for path, content in ((kept, manifest), (folder / names.DESCRIPTION, description)):
        fresh = folder / f".{uuid4().hex}"
        fresh.touch(mode=0o600)
        fresh.write_bytes(content)
        fresh.replace(path)
    for path in folder.glob("*.manifest"):
        if path != kept:
            path.unlink()


class _Telling:
    """Counts what is read, and tells."""

    def __init__(self, content: Readable, tell: Callable[[int], None]) -> None:
        self._content = content
        self._tell = tell
        self._done = 0

    def read(self, size: int = -1, /) -> bytes:
        piece = self._content.read(size)
        self._done += len(piece)
        self._tell(self._done)
        return piece
