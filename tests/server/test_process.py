"""The real server process: how it starts, what it says when it cannot, and how it stops."""

import asyncio
import http.client
import json
import signal
import socket
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from appliance.agents.records import DeploymentTerms
from appliance.agents.service import create_deployment_token
from appliance.approvals.queries import count_pending
from appliance.clock import utc_now
from appliance.database.connection import Connection, open_connection
from tests.support import processes
from tests.support.machines import bash
from tests.support.people import OPERATOR, ledger_events
from tests.support.postgres import TestDatabase
from tests.support.served import Served, environ_of, served

FORCED = "git push --force origin main"


async def _refused(place: Path, environ: dict[str, str], *words: str) -> tuple[int, str]:
    """Exit code, and the one line on standard error, of a server that does not start."""
    async with served("server", place, environ, *words) as server:
        code = await server.ended()
        lines = [line for line in server.said.splitlines() if not line.startswith("{")]
    assert len(lines) == 1, server.said
    assert "Traceback" not in server.said
    return code, lines[0]


async def test_a_taken_port_is_told_in_one_line(committed_database: TestDatabase, tmp_path: Path) -> None:
    """With address, reason and what to do."""
    environ = environ_of(committed_database, tmp_path)
    with socket.create_server(("127.0.0.1", int(environ["LEASH_SERVER__PORT"]))):
        code, line = await _refused(tmp_path, environ)
    assert code == 69
    assert environ["LEASH_SERVER__PORT"] in line
    assert "server.port" in line


async def test_a_database_that_is_away_is_told_in_one_line(committed_database: TestDatabase, tmp_path: Path) -> None:
    """Without the password that stands in the URL."""
    url = "postgresql://leash_service:hunter2hunter2@127.0.0.1:1/leash"
    code, line = await _refused(tmp_path, environ_of(committed_database, tmp_path, LEASH_DATABASE__SERVICE_URL=url))
    assert code == 69
    assert "database cannot be reached" in line
    assert "hunter2" not in line


async def test_a_service_role_with_too_many_rights_is_refused(committed_database: TestDatabase, tmp_path: Path) -> None:
    """The owner's URL in the place of the service's is noticed before anything is served."""
    environ = environ_of(committed_database, tmp_path, LEASH_DATABASE__SERVICE_URL=committed_database.owner_url)
    code, line = await _refused(tmp_path, environ)
    assert code == 69
    assert "more rights" in line or "owns" in line


@pytest.mark.parametrize(("change", "words"), [
    ("INSERT INTO migration (name, app_name, ran_on) VALUES ('2099-01-01T00:00:00', 'ledger', now())", "Unknown"),
    ("DELETE FROM migration WHERE id = (SELECT max(id) FROM migration)", "Not applied"),
])  # fmt: skip
async def test_a_schema_of_another_release_is_refused(
    committed_database: TestDatabase, tmp_path: Path, change: str, words: str
) -> None:
    """A newer and an older database alike."""
    owner: Connection = await open_connection(committed_database.owner_url)
    await owner.execute(change)
    await owner.close()
    code, line = await _refused(tmp_path, environ_of(committed_database, tmp_path))
    assert code == 69
    assert words in line


async def test_a_misspelt_setting_is_refused(committed_database: TestDatabase, tmp_path: Path) -> None:
    """Exit code 78, and the name that was meant."""
    file = tmp_path / "config.toml"
    file.write_text("[server]\nprot = 1\n", encoding="utf-8")
    code, line = await _refused(tmp_path, environ_of(committed_database, tmp_path), "--config", str(file))
    assert code == 78
    assert "port" in line


async def _machine() -> str:
    made = await create_deployment_token(OPERATOR, DeploymentTerms(name="x"), now=utc_now())
    return made.token


async def _enrolled(client: httpx.AsyncClient) -> str:
    body = {"deploymentToken": await _machine(), "hostname": "h", "displayName": "x"}
    return str((await client.post("/v1/enroll", json=body)).json()["token"])


async def _waiting(count: int) -> None:
    """Until so many asks wait."""
    for _ in range(500):
        if await count_pending(utc_now()) == count:
            return
        await asyncio.sleep(0.02)
    raise AssertionError


async def test_a_server_lives_and_ends_as_it_should(committed_database: TestDatabase, tmp_path: Path) -> None:
    """Decides, holds, notices who hangs up, answers what is held when it stops, and ends with 0."""
    environ = environ_of(committed_database, tmp_path)
    async with served("server", tmp_path, environ) as server:
        await server.until("server.listening")
        url = f"http://127.0.0.1:{environ['LEASH_SERVER__PORT']}"
        async with httpx.AsyncClient(base_url=url, timeout=20, trust_env=False) as client:
            assert (await client.get("/health/ready")).status_code == 200
            head = await client.head("/health/live")
            assert (head.status_code, head.content) == (200, b"")
            path = f"/v1/hooks/claude/PreToolUse?user_token={await _enrolled(client)}"
            assert "allow" in (await client.post(path, json=bash("git status"))).text
            await _hang_up(client, path)
            await _large(client, path, environ)
            held = asyncio.create_task(client.post(path, json=bash(FORCED)))
            await _waiting(2)
            server.process.send_signal(signal.SIGTERM)
            answer = await held
        assert answer.status_code == 200
        assert "Repeat the same call" in answer.text
        assert await server.ended(15) == 0
        assert "Traceback" not in server.said
        assert "user_token" not in server.said


async def _hang_up(client: httpx.AsyncClient, path: str) -> None:
    """A held call that is hung up is noticed at once: the ledger gets the end of its hold."""
    held = asyncio.create_task(client.post(path, json=bash(FORCED, session="gone")))
    await _waiting(1)
    held.cancel()
    await asyncio.gather(held, return_exceptions=True)
    for _ in range(100):
        if (await ledger_events())["approval.hold_ended"]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError


async def _large(client: httpx.AsyncClient, path: str, environ: dict[str, str]) -> None:
    """30 MB, announced or in pieces, are read to their end and denied; the connection is not reset."""
    for headers in ({}, {"Expect": "100-continue"}):
        reply = await client.post(path, content=b'{"prompt":"' + b"x" * 30_000_000 + b'"}', headers=headers)
        assert (reply.status_code, "deny" in reply.text) == (200, True)

    def pieces() -> bytes:
        with closing(http.client.HTTPConnection("127.0.0.1", int(environ["LEASH_SERVER__PORT"]), timeout=20)) as wire:
            chunked = {"Transfer-Encoding": "chunked"}
            wire.request("POST", path, (b"x" * 65_536 for _ in range(400)), chunked, encode_chunked=True)
            return wire.getresponse().read()

    assert "deny" in json.dumps(json.loads(await asyncio.to_thread(pieces)))


async def test_slow_headers_are_cut_off(committed_database: TestDatabase, tmp_path: Path) -> None:
    """Who trickles headers loses the connection, and nobody else waits meanwhile."""
    environ = environ_of(committed_database, tmp_path)
    async with served("server", tmp_path, environ) as server:
        await server.until("server.listening")
        started = time.monotonic()
        assert await asyncio.to_thread(_trickle, int(environ["LEASH_SERVER__PORT"]))
        assert time.monotonic() - started < 20


def _trickle(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as wire:
        wire.sendall(b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        try:
            for _ in range(40):
                wire.sendall(b"X-Slow: 1\r\n")
                wire.settimeout(0.5)
                try:
                    if wire.recv(10) == b"":
                        return True
                except TimeoutError:
                    continue
        except OSError:
            return True
    return False


WORKERS = {"LEASH_SERVER__WORKERS": "2"}


async def _workers(server: Served, count: int) -> set[int]:
    """The process ids of so many workers that listen."""
    while server.said.count("server.listening") < count:
        assert server.process.poll() is None, server.said
        await asyncio.sleep(0.02)
    return set(processes.children(server.process.pid))


async def test_a_killed_worker_is_replaced_while_the_other_serves(
    committed_database: TestDatabase, tmp_path: Path
) -> None:
    """New connections find the one that lives, and soon a new one."""
    environ = environ_of(committed_database, tmp_path, **WORKERS)
    async with served("server", tmp_path, environ) as server:
        before = await _workers(server, 2)
        assert len(before) == 2
        victim = min(before)
        processes.end(victim)
        url = f"http://127.0.0.1:{environ['LEASH_SERVER__PORT']}"
        async with httpx.AsyncClient(base_url=url, timeout=20, trust_env=False) as client:
            assert (await client.get("/health/live", headers={"connection": "close"})).status_code == 200
            after = await _workers(server, 3)
            assert before - after == {victim}
            assert len(after) == 2
        server.process.send_signal(signal.SIGTERM)
        assert await server.ended(15) == 0


async def test_workers_end_with_the_first_process(committed_database: TestDatabase, tmp_path: Path) -> None:
    """Killed or not, it leaves nobody behind who answers on its port, and its successor can start at once."""
    environ = environ_of(committed_database, tmp_path, **WORKERS)
    async with served("server", tmp_path, environ) as server:
        workers = await _workers(server, 2)
        server.process.kill()
        await server.ended()
        async with served("server", tmp_path, environ) as successor:
            await successor.until("server.listening")
            assert not any(processes.is_alive(pid) for pid in workers)


async def test_a_worker_that_ends_by_itself_ends_the_service(committed_database: TestDatabase, tmp_path: Path) -> None:
    """Whoever keeps the service running decides when it is tried again."""
    environ = environ_of(committed_database, tmp_path, **WORKERS)
    async with served("server", tmp_path, environ) as server:
        workers = await _workers(server, 2)
        processes.end(min(workers), signal.SIGTERM)
        assert await server.ended(15) == 1
        assert not any(processes.is_alive(pid) for pid in workers)
