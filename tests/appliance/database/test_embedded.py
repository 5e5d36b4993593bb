"""The embedded PostgreSQL is made once, comes back after every kind of end, and never starts empty by mistake."""

import asyncio
import multiprocessing
import os
import pwd
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import msgspec
import pytest

from appliance.database import layout as layouts
from appliance.database.connection import open_connection
from appliance.database.embedded import EmbeddedPostgres, read_or_create_password
from appliance.database.errors import EmbeddedServerError

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedPostgres]:
    """A server in a state directory with a space and a quote in its name; every test leaves it running."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("embedded") / "ida's state", is_durable=False)
    try:
        await asyncio.to_thread(server.start)
        yield server
    finally:
        await asyncio.to_thread(EmbeddedPostgres(server.state).remove)


async def run(url: str, statement: str) -> list[asyncpg.Record]:
    connection = await open_connection(url)
    try:
        rows: list[asyncpg.Record] = await connection.fetch(statement)
        return rows
    finally:
        await connection.close()


def postmaster(server: EmbeddedPostgres) -> int:
    return int((Path(server.layout.data) / "postmaster.pid").read_text().split()[0])


async def test_the_first_start_makes_a_database_with_an_owner(server: EmbeddedPostgres) -> None:
    """The owner may make roles, and is no superuser; nothing listens on the network."""
    (row,) = await run(
        server.owner_url,
        "SELECT rolsuper, rolcreaterole, current_database() AS name, current_setting('listen_addresses') AS listens, "
        "current_setting('server_encoding') AS encoding FROM pg_roles WHERE rolname = current_user",
    )
    assert dict(row) == {
        "rolsuper": False, "rolcreaterole": True, "name": "leash", "listens": "", "encoding": "UTF8",
    }  # fmt: skip
    (doors,) = await run(
        server.superuser_url, "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> 'scram-sha-256'"
    )
    assert doors[0] == 0


async def test_a_second_start_adopts_the_running_server(server: EmbeddedPostgres) -> None:
    """Whoever comes with the same state directory finds the same process and data."""
    first = postmaster(server)
    await run(server.owner_url, "CREATE TABLE adopted (id integer)")
    again = EmbeddedPostgres(server.state)
    await asyncio.to_thread(again.start)
    assert postmaster(again) == first
    assert again.is_running()
    assert await run(again.owner_url, "SELECT * FROM adopted") == []


async def test_starts_at_once_make_one_server(tmp_path: Path) -> None:
    """The second waits for the first."""
    servers = [EmbeddedPostgres(tmp_path, is_durable=False) for _ in range(3)]
    try:
        await asyncio.gather(*(asyncio.to_thread(server.start) for server in servers))
        rows = [await run(EmbeddedPostgres(tmp_path).owner_url, "SELECT pg_backend_pid()") for _ in servers]
        assert len(rows) == 3
        assert len(list(Path(EmbeddedPostgres(tmp_path).layout.data).parent.glob("data"))) == 1
    finally:
        await asyncio.to_thread(EmbeddedPostgres(tmp_path).remove)


async def test_a_stopped_server_goes_on_with_its_data(server: EmbeddedPostgres) -> None:
    """Open sessions are ended; what was committed is there again."""
    await run(server.owner_url, "CREATE TABLE stopped AS SELECT 7 AS id")
    idle = await open_connection(server.owner_url)
    await asyncio.to_thread(server.stop)
    assert not server.is_running()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await idle.execute("SELECT 1")
    idle.terminate()
    await asyncio.to_thread(server.stop)
    again = EmbeddedPostgres(server.state)
    await asyncio.to_thread(again.start)
    assert [row["id"] for row in await run(again.owner_url, "SELECT id FROM stopped")] == [7]


async def test_after_kill_nine_under_load_it_starts_again(server: EmbeddedPostgres) -> None:
    """The processes that it left behind, and its recovery, are waited for."""

    async def write() -> None:
        connection = await open_connection(server.owner_url)
        try:
            while True:
                await connection.execute("INSERT INTO load SELECT generate_series(1, 5000)")
        finally:
            connection.terminate()

    await run(server.owner_url, "CREATE TABLE load (id integer)")
    await run(server.owner_url, "CREATE TABLE kept AS SELECT 7 AS id")
    for _ in range(2):
        writers = [asyncio.create_task(write()) for _ in range(4)]
        await asyncio.sleep(0.3)
        os.kill(postmaster(server), signal.SIGKILL)
        await asyncio.to_thread(EmbeddedPostgres(server.state, is_durable=False).start)
        ends = await asyncio.gather(*writers, return_exceptions=True)
        assert all(isinstance(end, Exception) for end in ends)
        assert [row["id"] for row in await run(server.owner_url, "SELECT id FROM kept")] == [7]


async def test_two_instances_run_side_by_side(server: EmbeddedPostgres, tmp_path: Path) -> None:
    """Nothing is shared: neither files, nor sockets, nor passwords."""
    other = EmbeddedPostgres(tmp_path / "other", is_durable=False)
    try:
        await asyncio.to_thread(other.start)
        assert server.layout.data != other.layout.data
        assert server.layout.socket != other.layout.socket
        await run(server.owner_url, "CREATE TABLE here (id integer)")
        assert (await run(other.owner_url, "SELECT to_regclass('here')"))[0][0] is None
        await asyncio.to_thread(other.stop)
        assert server.is_running()
    finally:
        await asyncio.to_thread(other.remove)


async def test_removal_leaves_nothing_and_a_start_begins_anew(tmp_path: Path) -> None:
    """Data, socket and pointer are gone."""
    server = EmbeddedPostgres(tmp_path, is_durable=False)
    await asyncio.to_thread(server.start)
    old = server.layout
    await asyncio.to_thread(server.remove)
    for path in (Path(old.data).parent, Path(old.socket), server.state / "postgres.json"):
        assert not path.exists()
    await asyncio.to_thread(server.remove)
    again = EmbeddedPostgres(server.state, is_durable=False)
    try:
        await asyncio.to_thread(again.start)
        assert again.layout.instance != old.instance
    finally:
        await asyncio.to_thread(again.remove)


def test_data_that_is_gone_is_told_and_not_replaced(server: EmbeddedPostgres) -> None:
    """An unmounted disk must not look like a new installation."""
    server.stop()
    data = Path(server.layout.data)
    data.rename(data.with_name("elsewhere"))
    again = EmbeddedPostgres(server.state)
    with pytest.raises(EmbeddedServerError, match="bring them back"):
        again.start()
    assert not data.exists()
    data.with_name("elsewhere").rename(data)
    again.start()


@pytest.mark.parametrize("words", ["initdb", "CREATE ROLE", "CREATE DATABASE"])
async def test_a_first_start_that_was_interrupted_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    """At any step; nothing is left behind elsewhere."""
    broken = EmbeddedPostgres(tmp_path, is_durable=False)
    plain = broken._run

    def run_until(arguments: list[str], **more: object) -> subprocess.CompletedProcess[str]:
        if words in (arguments[0], " ".join(str(more.get("text")).split()[:2])):
            raise KeyboardInterrupt
        return plain(arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(broken, "_run", run_until)
    with pytest.raises(KeyboardInterrupt):
        broken.start()
    again = EmbeddedPostgres(tmp_path, is_durable=False)
    try:
        assert not again.layout.is_created
        assert again.layout.data == broken.layout.data
        await asyncio.to_thread(again.start)
        assert (await run(again.owner_url, "SELECT current_user"))[0][0] == "leash_owner"
        assert EmbeddedPostgres(tmp_path).layout.is_created
    finally:
        await asyncio.to_thread(again.remove)


async def test_a_start_that_fails_ends_with_the_logs_last_lines(server: EmbeddedPostgres) -> None:
    """So that whoever reads it need not search."""
    await asyncio.to_thread(server.stop)
    settings = Path(server.layout.data) / "postgresql.conf"
    before = settings.read_text()
    settings.write_text(before + "work_mem = nonsense\n")
    with pytest.raises(EmbeddedServerError, match=r"its log /.*postgres.log ends: .*postgresql.conf"):
        await asyncio.to_thread(EmbeddedPostgres(server.state).start)
    settings.write_text(before)
    await asyncio.to_thread(server.start)


def test_secrets_are_the_owners_alone(server: EmbeddedPostgres) -> None:
    """Passwords 0600, data 0700, and no password or statement in the log or in what `ps` shows."""
    for path in (server.state / "secrets").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    home = Path(server.layout.data).parent
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE(Path(server.layout.data).stat().st_mode) == 0o700
    with pytest.raises(EmbeddedServerError, match="psql failed"):
        server._sql("SELECT 'hunter2'::integer")
    log = (home / "postgres.log").read_text()
    assert "invalid input syntax" in log
    assert read_or_create_password(server.state, "leash_owner") not in log
    assert "SELECT" not in log


def test_no_password_is_ever_in_argv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every user of the machine can read argv."""
    seen: list[str] = []
    popen = subprocess.run

    def watched(words: list[str], **more: object) -> object:
        seen.extend(words)
        return popen(words, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", watched)
    server = EmbeddedPostgres(tmp_path, is_durable=False)
    try:
        server.start()
        passwords = [path.read_text() for path in (tmp_path / "secrets").iterdir()]
        assert len(passwords) == 2
        assert not [word for word in seen for password in passwords if password in word]
    finally:
        server.remove()


@pytest.fixture
def private_umask() -> Iterator[None]:
    """As hardened hosts give root."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("private_umask")
def test_a_private_umask_does_not_lock_the_database_out(tmp_path: Path) -> None:
    """What the database's user must reach is reachable, and no more than that."""
    reached = tmp_path / "a" / "b"
    layouts.make_reachable(reached)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (reached.parent, reached)] == [0o755, 0o755]
    server = EmbeddedPostgres(tmp_path / "state", is_durable=False)
    try:
        server.start()
        assert server.is_running()
    finally:
        server.remove()


def test_a_damaged_pointer_is_told(tmp_path: Path) -> None:
    """Not replaced by a new, empty database."""
    (tmp_path / "postgres.json").write_text("{")
    with pytest.raises(EmbeddedServerError, match="does not say where the database lies"):
        EmbeddedPostgres(tmp_path).start()
    (tmp_path / "postgres.json").write_text('{"instance": 7}')
    with pytest.raises(EmbeddedServerError):
        _ = EmbeddedPostgres(tmp_path).layout


def test_a_pointer_of_an_earlier_release_means_a_complete_server(tmp_path: Path) -> None:
    """Its files are never begun anew."""
    old = {"instance": "a", "data": "/d", "socket": "/s", "binaries": "/b", "user": ""}
    (tmp_path / "postgres.json").write_bytes(msgspec.json.encode(old))
    assert EmbeddedPostgres(tmp_path).layout.is_created


def test_the_sockets_path_stays_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel takes 107 bytes, whatever the run-time directory is called."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    assert EmbeddedPostgres(tmp_path).layout.socket.startswith("/run/user/1000/openleash-1000-")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/very" * 30)
    socket = EmbeddedPostgres(tmp_path / ("long" * 40)).layout.socket
    assert len(f"{socket}/.s.PGSQL.5432.lock") <= 107


def test_an_ordinary_user_runs_it_too(server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """With data below the state directory and a socket of their own, in paths with spaces."""
    with tempfile.TemporaryDirectory(prefix="leash user ") as folder:
        place = Path(folder)
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        # Where the wheel lies, only we may be able to reach it.
        monkeypatch.setattr(layouts, "_wheel", lambda: (Path(server.layout.binaries), "any"))
        other = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()
        os.chown(place, other, -1)
        child = multiprocessing.get_context("fork").Process(target=_use_as, args=(other, place / "state"))
        child.start()
        child.join()
        assert child.exitcode == 0
        assert (place / "state" / "postgres" / "data" / "PG_VERSION").stat().st_uid == other
        assert [path for path in place.iterdir() if path.name.startswith("openleash-")] == []


def _use_as(user: int, state: Path) -> None:
    """In a process of its own: become the user, then create, use and stop a server."""
    os.setuid(user)
    server = EmbeddedPostgres(state, is_durable=False)
    server.start()
    assert server.layout.user == ""
    assert server.layout.socket.startswith(f"{os.environ['XDG_RUNTIME_DIR']}/openleash-{user}-")
    server._sql("SELECT 1")
    server.stop()
    Path(server.layout.socket).rmdir()


def test_a_password_is_made_once(tmp_path: Path) -> None:
    """43 characters of 256 random bits, the same for everybody who asks at once."""
    code = (
        "import sys; from pathlib import Path; from appliance.database.embedded import read_or_create_password;"
        "print(read_or_create_password(Path(sys.argv[1]), 'someone'))"
    )
    starts = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT, text=True)  # noqa: S603 - our own words
        for _ in range(4)
    ]
    told = {start.communicate()[0].strip() for start in starts}
    assert len(told) == 1
    assert len(told.pop()) == 43
    assert [path.name for path in (tmp_path / "secrets").iterdir()] == ["someone.password"]
