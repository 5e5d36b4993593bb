"""A whole private cloud for a story: `leashctl up` as a child process with a state directory and a port of its own."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import asyncpg
import httpx

from appliance.database.embedded import EmbeddedPostgres
from tests.support import processes
from tests.support.machines import Machine
from tests.support.visitor import Visitor

READY_SECONDS = 60.0
STOP_SECONDS = 40.0
_LEASHCTL = [sys.executable, "-P", "-m", "installer"]


class Cloud:
    """One instance, from `up` to the removal of its data."""

    def __init__(
        self, place: Path, *, settings: Mapping[str, str] | None = None, toml: str = "", port: int = 0
    ) -> None:
        """`settings` are `LEASH_*` variables, `toml` a configuration file's text; both win over the defaults."""
        place.mkdir(parents=True, exist_ok=True)
        self.state = place / "state"
        self.output = place / "up.log"
        self.port = port or processes.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = dict(settings or {})
        self._config = place / "config.toml"
        self._config.write_text(toml, encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None
        self._owner: Visitor | None = None
        self.http = httpx.AsyncClient(
            base_url=self.url,
            timeout=httpx.Timeout(60, connect=5),
            limits=httpx.Limits(max_connections=400),
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.remove()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.remove()

    # ---- starting and stopping

    @property
    def environ(self) -> dict[str, str]:
        """The environment of every command of this instance."""
        own = {"LEASH_SERVER__PORT": str(self.port), "LEASH_STATE__DIRECTORY": str(self.state)}
        return {**os.environ, **own, **self.settings}

    @property
    def words(self) -> list[str]:
        """`leashctl` with this instance's configuration."""
        return [*_LEASHCTL, "--config", str(self._config)]

    async def start(self, *, seconds: float = READY_SECONDS) -> float:
        """Start everything; returns the seconds until it said that it is ready."""
        started = time.monotonic()
        already = self.said().count("Ctrl-C stops everything")
        with self.output.open("ab") as file:
            self._process = subprocess.Popen(  # noqa: ASYNC220, S603 - our own command, and starting it does not wait
                [*self.words, "up"], stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=self.environ,
                process_group=0,
            )  # fmt: skip
        await wait_until(
            lambda: self.said().count("Ctrl-C stops everything") > already or not self.is_up,
            seconds, lambda: f"not ready: {self.said()}",
        )  # fmt: skip
        assert self.is_up, self.said()
        return time.monotonic() - started

    def said(self) -> str:
        """Everything that `leashctl up` has printed."""
        return self.output.read_text() if self.output.exists() else ""

    @property
    def is_up(self) -> bool:
        """Whether `leashctl up` runs."""
        return self._process is not None and self._process.poll() is None

    async def stop(self) -> int:
        """Ctrl-C; returns the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        return await self.ended()

    async def ended(self) -> int:
        """Wait for the end of `leashctl up`; its exit code."""
        assert self._process is not None
        process = self._process
        await wait_until(lambda: process.poll() is not None, STOP_SECONDS, lambda: f"it goes on: {self.said()}")
        return process.returncode

    async def remove(self) -> None:
        """End every process of the instance, and delete its data; also after any failure."""
        await self.http.aclose()
        postgres = self.postgres_pids()
        for pid in postgres:
            processes.end(pid, signal.SIGCONT)  # a stopped process would not even hear SIGTERM
        if self._process is not None and self.is_up:
            family = processes.family(self._process.pid)
            try:
                await self.stop()
            finally:
                for pid in family:
                    processes.end(pid)
                self._process.wait()
        if self.state.exists():
            EmbeddedPostgres(self.state).remove()
        for pid in postgres:
            processes.end(pid)

    # ---- its processes

    @property
    def supervisor(self) -> int:
        """Process id of `leashctl up`."""
        assert self._process is not None
        return self._process.pid

    def child(self, module: str) -> int:
        """Process id of the child that runs `module` (`server` or `server.scheduler`); 0 if none does now."""
        for pid in processes.children(self.supervisor):
            if processes.words(pid)[2:4] == ["-m", module] and processes.is_alive(pid):
                return pid
        return 0

    @property
    def postmaster(self) -> int:
        """Process id of the database's first process; 0 if it does not run."""
        pointer = self.state / "postgres.json"
        if not pointer.exists():
            return 0
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return 0
        return pid if processes.is_alive(pid) else 0

    def postgres_pids(self) -> list[int]:
        """The database's processes, its first one first."""
        first = self.postmaster
        return processes.family(first) if first else []

    def pids(self) -> list[int]:
        """Every process of the instance."""
        return sorted({*processes.family(self.supervisor), *self.postgres_pids()})

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return Path(EmbeddedPostgres(self.state).layout.data)

    def kill(self, *pids: int) -> None:
        """`kill -9`."""
        for pid in pids:
            processes.end(pid)

    async def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Wait until `/health/ready` answers 200."""
        end = time.monotonic() + seconds
        while not await self.is_ready():
            assert time.monotonic() < end, self.said()
            await asyncio.sleep(0.02)

    async def is_ready(self) -> bool:
        """Whether `/health/ready` answers 200."""
        try:
            return (await self.http.get("/health/ready", timeout=2)).status_code == 200
        except httpx.HTTPError:
            return False

    # ---- what an administrator does

    async def leashctl(self, *words: str, codes: tuple[int, ...] = (0,)) -> Any:  # noqa: ANN401 - any JSON
        """The JSON answer of a command; it must end with one of `codes`."""
        process = await asyncio.create_subprocess_exec(
            *self.words, *words, "--json", env=self.environ, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode in codes, f"{words}: {process.returncode}: {out.decode()} {err.decode()}"
        return json.loads(out) if out.strip() else None

    async def verify_ledger(self) -> dict[str, Any]:
        """`leashctl ledger verify`, which must find nothing wrong, once every entry is sealed."""
        end = time.monotonic() + 15
        while await self.count("ledger_unsealed"):
            assert time.monotonic() < end, "the sealer does not seal"
            await asyncio.sleep(0.2)
        report: dict[str, Any] = await self.leashctl("ledger", "verify", codes=(0, 1))
        assert report["is_intact"], report
        return report

    async def owner(self) -> Visitor:
        """The owner, who has come in by the one-time link with a browser's requests; made on first use."""
        if self._owner is None:
            link = await self.leashctl("people", "owner-link")
            visitor = Visitor(self.url, "ada@example.org")
            await visitor.claim(link["url"], display_name="Ada Lovelace")
            self._owner = visitor
        return self._owner

    async def person(self, role: str, email: str) -> Visitor:
        """Another person with a role, invited and signed in."""
        link = await self.leashctl("people", "invite", "--email", email, "--name", email.partition("@")[0],
                                   "--role", role)  # fmt: skip
        visitor = Visitor(self.url, email)
        await visitor.claim(link["url"])
        return visitor

    async def script(self, email: str = "ada@example.org") -> Visitor:
        """A script that acts for a person by a session from `leashctl`."""
        made = await self.leashctl("people", "session", "create", "--person", email)
        return Visitor(self.url, email, bearer=made["token"])

    async def deployment_token(self) -> str:
        """A token with which machines enrol."""
        made = await self.leashctl("agents", "token", "create", "--name", "journey")
        return str(made["token"])

    async def machine(self, hostname: str = "ida-mbp", email: str = "ida@example.org", token: str = "") -> Machine:
        """A machine, enrolled as the published client does it."""
        request = {
            "deploymentToken": token or await self.deployment_token(), "email": email, "displayName": "Ida",
            "hostname": hostname, "platform": "darwin", "osRelease": "24.5.0", "mode": "enterprise",
        }  # fmt: skip
        reply = await self.http.post("/v1/enroll", json=request)
        assert reply.status_code == 201, reply.text
        enrolled = reply.json()
        return Machine(self.http, enrolled["token"], enrolled["computer"]["id"], hostname)

    # ---- what only the schema's owner sees

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Any]:
        """A connection as the role that owns the schema; waits while the database is being started again."""
        connection = await self._connected(15.0)
        try:
            yield connection
        finally:
            await connection.close(timeout=5)

    async def _connected(self, seconds: float) -> Any:  # noqa: ANN401 - asyncpg's connection has no types
        end = time.monotonic() + seconds
        while True:
            try:
                return await asyncpg.connect(EmbeddedPostgres(self.state).owner_url, timeout=5)
            except (OSError, asyncpg.CannotConnectNowError):
                if time.monotonic() > end:
                    raise
            await asyncio.sleep(0.1)

    async def sql(self, statement: str, *values: object) -> list[Any]:
        """The rows of a statement, run as the schema's owner."""
        async with self.database() as connection:
            rows: list[Any] = await connection.fetch(statement, *values)
        return rows

    async def checkpoint(self) -> None:
        """Let PostgreSQL write what it holds in memory to its data files."""
        connection = await asyncpg.connect(EmbeddedPostgres(self.state).superuser_url, timeout=5)
        try:
            await connection.execute("CHECKPOINT")
        finally:
            await connection.close(timeout=5)

    async def count(self, table: str, where: str = "true", *values: object) -> int:
        """Rows of a table."""
        rows = await self.sql(f"SELECT count(*) FROM {table} WHERE {where}", *values)  # noqa: S608 - the story's own
        return int(rows[0][0])

    async def pending_asks(self, many: int = 1, machine: Machine | None = None, seconds: float = 15) -> list[str]:
        """Ids of asks that wait, oldest first, as soon as there are `many`."""
        condition, values = ("machine_id = $1::uuid", [machine.id]) if machine else ("true", [])
        statement = f"SELECT id FROM ask WHERE state = 'pending' AND {condition} ORDER BY id"  # noqa: S608 - see above
        end = time.monotonic() + seconds
        async with self.database() as connection:
            while len(rows := await connection.fetch(statement, *values)) < many:
                assert time.monotonic() < end, f"{len(rows)} asks instead of {many}"
                await asyncio.sleep(0.02)
        return [str(row["id"]) for row in rows]

    async def expire_asks(self, machine: Machine) -> None:
        """Let the time of the machine's open asks be over now; their held calls are answered."""
        await self.sql(
            "UPDATE ask SET expires_at = now() WHERE state = 'pending' AND machine_id = $1::uuid", machine.id
        )
        await self.sql("SELECT pg_notify('leash_asks', '')")

    async def table_texts(self) -> dict[str, str]:
        """Every table as text, bytes in hexadecimal."""
        names = await self.sql(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
        )
        texts = {}
        async with self.database() as connection:
            for (name,) in names:
                rows = await connection.fetch(f'SELECT t::text FROM "{name}" t')  # noqa: S608 - from the catalogue
                texts[str(name)] = "\n".join(row[0] for row in rows)
        return texts

    def logs(self) -> dict[str, str]:
        """The text of every log of the instance, and of what `leashctl up` printed."""
        files = [*(self.state / "logs").glob("*"), self.data.parent / "postgres.log", self.output]
        return {file.name: file.read_text(errors="replace") for file in files if file.exists()}


async def wait_until(is_done: Callable[[], bool], seconds: float, complaint: Callable[[], str]) -> None:
    """Wait for something, `seconds` at most; then fail with the complaint."""
    end = time.monotonic() + seconds
    while not is_done():
        assert time.monotonic() < end, complaint()
        await asyncio.sleep(0.02)


def printed_link(text: str) -> str:
    """The owner link in what `leashctl up` printed."""
    found = re.search(r"Owner link +(http\S+/claim/\S+)", text)
    assert found, text
    return found[1]
