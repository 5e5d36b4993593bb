"""Backups of a real server, and everything that can be wrong with them when somebody needs them."""

import io
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from appliance.adapters.directory_store import DirectoryStore
from appliance.backups import catalogue, installation, names
from appliance.backups.errors import (
    BackupBusyError,
    BackupDamagedError,
    BackupError,
    BackupUnknownError,
    IdentityRefusedError,
    LogMissingError,
    ObjectMissingError,
    ProgramFailedError,
)
from appliance.backups.log_keeping import LogKeeper
from appliance.backups.programs import Programs
from appliance.backups.records import Backup, Kind
from appliance.backups.restoring import Plan, Restorer, Target, Work, plan, recover
from appliance.backups.sealing import Identity, Recipients, keygen
from appliance.backups.taking import Source, Taker, _turn, server_of
from appliance.clock import utc_now
from appliance.database.embedded import EmbeddedPostgres

PUBLIC, PRIVATE = keygen()
SAFE_PUBLIC, _ = keygen()
RECIPIENTS = Recipients([PUBLIC, SAFE_PUBLIC])


class World(msgspec.Struct, frozen=True):
    """A server with rows, its store with a full and an incremental backup and the log, and where it stood between."""

    server: EmbeddedPostgres
    store: DirectoryStore
    programs: Programs
    source: Source
    system: str
    full: Backup
    incremental: Backup


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """300 rows: a hundred before the full backup, before the incremental one, and behind it."""
    place = tmp_path_factory.mktemp("backups")
    server = EmbeddedPostgres(place / "state", is_durable=False)
    (place / "store").mkdir()
    server.start()
    try:
        server._sql("CREATE TABLE migration (name text); CREATE TABLE rows (n int)", database="leash")
        programs = Programs(Path(server.layout.binaries) / "bin", server.prepare_replication())
        store, system = DirectoryStore(place / "store"), server_of(programs).system
        keeper = LogKeeper(programs, store, RECIPIENTS, spool=place / "spool", system=system)
        keeper.ensure_slot()
        keeper.receive()
        source = Source(programs=programs, state=server.state, config_file=None, release="0")
        taker = Taker(source, store, RECIPIENTS, utc_now)
        taken = []
        for number, kind in enumerate((Kind.FULL, Kind.INCREMENTAL)):
            _grow(server, number)
            taken.append(taker.take(kind, lambda _done, _all: None))
        for _ in range(2):  # two finished segments behind the backup
            server._sql("SELECT pg_switch_wal()")
            _grow(server, 2)
        _until_received(server, keeper)
        keeper.ship()
        keeper.stop()
        yield World(server, store, programs, source, system, *taken)
    finally:
        server.remove()


def _grow(server: EmbeddedPostgres, number: int) -> None:
    server._sql(f"INSERT INTO rows SELECT generate_series({100 * number + 1}, {100 * number + 100})", database="leash")


def _until_received(server: EmbeddedPostgres, keeper: LogKeeper) -> None:
    wanted, end = server._sql("SELECT pg_current_wal_lsn()"), time.monotonic() + 30
    behind = f"SELECT bool_or(write_lsn >= '{wanted}') FROM pg_stat_replication"  # noqa: S608 - the server's own answer
    while server._sql(behind) != "t":
        assert time.monotonic() < end
        assert keeper.is_receiving
        time.sleep(0.1)


def _restorer(world: World, folder: Path, key: str = PRIVATE, store: DirectoryStore | None = None) -> Restorer:
    return Restorer(store or world.store, Identity(key), world.programs, folder, lambda _work: None)


def _copied(world: World, place: Path) -> DirectoryStore:
    """A store of the test's own."""
    shutil.copytree(world.store.place.removeprefix("file://"), place / "copy")
    return DirectoryStore(place / "copy")


def _planned(world: World, target: Target | None = None, store: DirectoryStore | None = None) -> Plan:
    return plan(catalogue.read(store or world.store, world.system), target or Target())


def test_the_rows_of_the_newest_state_come_back(world: World, tmp_path: Path) -> None:
    """Full, incremental and log together give all rows, in a server of its own."""
    restored, wanted, heard = EmbeddedPostgres(tmp_path / "state", is_durable=False), _planned(world), list[Work]()
    assert [each.kind for each in wanted.chain] == [Kind.FULL, Kind.INCREMENTAL]
    try:
        with restored.replaced() as home:
            restorer = Restorer(world.store, Identity(PRIVATE), world.programs, home, heard.append)
            installation.unpack(restorer.secrets(wanted), restored.state)
            data, log = restorer.data(wanted), restorer.log(wanted)
            data.rename(home / "data")
            recover(home / "data", log, wanted.target)
        restored.start()
        end = time.monotonic() + 30
        while restored.is_in_recovery() and time.monotonic() < end:
            time.sleep(0.1)
        assert restored._sql("SELECT count(*), max(n) FROM rows", database="leash") == "400|300"
        restored.forget_recovery()
        assert restored._sql("SHOW restore_command") == ""
        assert heard[-1].done == heard[-1].total == wanted.size
    finally:
        restored.remove()


def test_a_database_that_is_there_is_not_touched(world: World) -> None:
    """Whatever was asked for: the folder must be empty."""
    with pytest.raises(Exception, match="already"), world.server.replaced():
        pass
    assert world.server._sql("SELECT count(*) FROM rows", database="leash") == "400"


def test_the_incremental_backup_holds_only_what_has_changed(world: World) -> None:
    """A hundred rows are a small part of a database."""
    assert world.incremental.parent == world.full.id
    assert world.incremental.base.size < world.full.base.size / 5


def test_an_incremental_backup_without_a_parent_here_is_full(world: World, tmp_path: Path) -> None:
    """After a restore on another machine the list of files is not there."""
    source = msgspec.structs.replace(world.source, state=_state(tmp_path))
    (tmp_path / "store").mkdir()
    taker = Taker(source, DirectoryStore(tmp_path / "store"), RECIPIENTS, utc_now)
    assert taker.take(Kind.INCREMENTAL, lambda _done, _all: None).kind is Kind.FULL


def _state(place: Path) -> Path:
    (place / "state" / "secrets").mkdir(parents=True)
    (place / "state" / "secrets" / "master.key").write_bytes(b"k" * 32)
    return place / "state"


def test_two_backups_at_once_are_refused(world: World) -> None:
    """The second one says so instead of waiting."""
    with _turn(world.source.folder), pytest.raises(BackupBusyError):
        Taker(world.source, world.store, RECIPIENTS, utc_now).take(Kind.FULL, lambda _done, _all: None)


def test_a_backup_that_failed_midway_is_none(world: World, tmp_path: Path) -> None:
    """A store that fills up during the upload leaves no description, and the list says what lies about."""
    store = _copied(world, tmp_path)

    class Full(DirectoryStore):
        def put(self, name: str, content: object) -> int:
            if name.endswith("secrets.tar.zst.age"):
                raise BackupError("no space left")
            return super().put(name, content)  # type: ignore[arg-type] # handed on

    full = Full(tmp_path / "copy")
    with pytest.raises(BackupError, match="no space"):
        Taker(world.source, full, RECIPIENTS, utc_now).take(Kind.FULL, lambda _done, _all: None)
    found = catalogue.read(store, world.system)
    assert [each.id for each in found.backups] == [world.full.id, world.incremental.id]
    assert {name.rpartition("/")[2] for name in found.unfinished} == {"base.tar.zst.age", "manifest.zst.age"}


def test_a_server_that_is_away_is_told(world: World, tmp_path: Path) -> None:
    """In the program's own words, and without the password."""
    away = Programs(
        Path(world.server.layout.binaries) / "bin", f"postgresql://leash_backup:secret@/leash?host={tmp_path}"
    )
    with pytest.raises(ProgramFailedError, match=r"No such file|connection to server") as told:
        server_of(away)
    assert "secret" not in str(told.value)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def _swap(path: Path) -> None:
    """Something that the same recipients can read, but another thing."""
    sealing = RECIPIENTS.seal(io.BytesIO(b"not the database"))
    path.write_bytes(b"".join(iter(lambda: sealing.read(65_536), b"")))


@pytest.mark.parametrize("damage", [_flip, _cut, _swap])
@pytest.mark.parametrize("part", ["base.tar", "secrets.tar"])
def test_damage_in_a_part_is_found(world: World, tmp_path: Path, damage: Callable[[Path], None], part: str) -> None:
    """A flipped bit, a cut, and an object that was exchanged for another one."""
    store = _copied(world, tmp_path)
    damage(tmp_path / "copy" / names.part(world.system, world.incremental.id, part))
    with pytest.raises(BackupDamagedError):
        _both(_restorer(world, tmp_path, store=store), _planned(world, store=store))


def _both(restorer: Restorer, wanted: Plan) -> None:
    restorer.secrets(wanted)
    restorer.data(wanted)


def test_damage_in_the_log_is_found(world: World, tmp_path: Path) -> None:
    """Before PostgreSQL sees it."""
    store = _copied(world, tmp_path)
    wanted = _planned(world, store=store)
    _flip(tmp_path / "copy" / wanted.log[-1][1].name)
    with pytest.raises(BackupDamagedError):
        _restorer(world, tmp_path, store=store).log(wanted)


def test_a_wrong_key_is_told_apart_from_damage(world: World, tmp_path: Path) -> None:
    """Whoever stands there with the wrong file must not believe that the backup is broken."""
    with pytest.raises(IdentityRefusedError):
        _restorer(world, tmp_path, keygen()[1]).secrets(_planned(world))


def test_a_missing_part_and_a_missing_segment_are_told(world: World, tmp_path: Path) -> None:
    """The part by its name; the gap before anything is fetched."""
    store = _copied(world, tmp_path)
    wanted = _planned(world, store=store)
    segments = [stored.name for file, stored in wanted.log if not file.endswith(".history")]
    store.delete([segments[1]])
    with pytest.raises(LogMissingError):
        _planned(world, store=store)
    store.delete([world.incremental.base.name])
    with pytest.raises(ObjectMissingError, match=r"base\.tar"):
        _restorer(world, tmp_path, store=store).data(wanted)


def test_a_full_backup_that_is_gone_takes_the_ones_on_top_with_it(world: World, tmp_path: Path) -> None:
    """The plan says which one is missing nothing can be restored from."""
    store = _copied(world, tmp_path)
    store.delete([names.description(world.system, world.full.id)])
    with pytest.raises(BackupUnknownError, match="on top of one that is not"):
        _planned(world, store=store)


def test_a_moment_before_the_first_backup_is_refused(world: World) -> None:
    """With the moment from which on it is possible."""
    with pytest.raises(BackupUnknownError, match="the oldest ended at"):
        _planned(world, Target(time=world.full.ended_at - timedelta(hours=1)))


def test_a_moment_between_the_backups_begins_with_the_first(world: World) -> None:
    """Incremental ones that ended later are left alone."""
    between = world.full.ended_at + (world.incremental.ended_at - world.full.ended_at) / 2
    assert [each.id for each in _planned(world, Target(time=between)).chain] == [world.full.id]


def test_a_foreign_description_is_no_backup(world: World, tmp_path: Path) -> None:
    """One that was copied from another installation's folder, or is of a later format, is listed as unreadable."""
    store = _copied(world, tmp_path)
    text = msgspec.json.encode(world.full)
    store.put(names.description("999", world.full.id), io.BytesIO(text))
    later = msgspec.structs.replace(world.full, version=2)
    store.put(names.description(world.system, world.full.id), io.BytesIO(msgspec.json.encode(later)))
    assert catalogue.read(store, "999").unreadable[0][1].endswith("another place")
    assert "format 2" in catalogue.read(store, world.system).unreadable[0][1]
    with pytest.raises(BackupUnknownError, match="installations"):
        catalogue.only_system(store)


def test_secrets_are_unpacked_for_their_owner_alone(tmp_path: Path) -> None:
    """And names in an archive lead nowhere else."""
    config = tmp_path / "config.toml"
    config.write_text("[server]\n")
    written = installation.unpack(installation.packed(_state(tmp_path), config), tmp_path / "other")
    assert written == ("secrets/master.key", "config.restored.toml")
    assert (tmp_path / "other/secrets/master.key").stat().st_mode & 0o777 == 0o600
