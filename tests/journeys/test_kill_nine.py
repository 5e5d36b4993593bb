"""kill -9 at random moments under load: nothing is allowed without its durable entry, nothing is released twice."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.support import processes
from tests.support.journey import Cloud
from tests.support.machines import Answer, Machine, bash
from tests.support.visitor import Visitor

SERVER_KILLS = 100
DATABASE_KILLS = 20
CLIENTS = 4
_LIMITS = {
    "LEASH_HOOKS__REQUESTS_PER_SECOND": "100000",
    "LEASH_HOOKS__BURST": "1000000",
    "LEASH_API__REQUESTS_PER_SECOND": "100000",
    "LEASH_API__BURST": "1000000",
}
# One call in so many is an ask; it is sent by two callers at once, of whom one at most may be let go.
_ASK_EVERY = 6
_PAUSE_SECONDS = 0.02


@dataclass
class Load:
    """Clients that send distinct calls, a person who answers, and what each of them was told."""

    machine: Machine
    owner: Visitor
    seed: int
    allowed: set[str] = field(default_factory=set)
    released: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Load until the end of the block; calls under way then are cut off."""
        tasks = [asyncio.create_task(self._client(number)) for number in range(CLIENTS)]
        tasks.append(asyncio.create_task(self._person()))
        try:
            yield
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _client(self, number: int) -> None:
        for call in range(1_000_000):
            session = f"k-{self.seed}-{number}-{call}"
            if call % _ASK_EVERY == number % _ASK_EVERY:
                body = bash(f"psql -c 'drop table t{number}_{call}'", session=session)
                await asyncio.gather(self._asked(body, session), self._asked(body, session))
            else:
                answer = await self._send(bash(f"ls folder-{number}-{call}", session=session))
                if answer is not None and answer.is_allow:
                    self.allowed.add(session)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _asked(self, body: dict[str, Any], session: str) -> None:
        """Repeat the same call until it has an answer of a person, as agents do that are told to repeat it."""
        for _ in range(200):
            answer = await self._send(body)
            if answer is not None and answer.is_allow:
                self.released[session] += 1
                return
            if answer is not None and "already released" in answer.reason:
                return
            await asyncio.sleep(0.1)

    async def _send(self, body: dict[str, Any]) -> Answer | None:
        try:
            answer = await self.machine.call(body)
        except httpx.HTTPError:
            self.seen["no reply"] += 1
            await asyncio.sleep(0.05)
            return None
        assert answer.is_allow or answer.is_deny, answer
        self.seen["allow" if answer.is_allow else "deny"] += 1
        return answer

    async def _person(self) -> None:
        """Open the list and press Allow, again and again, whatever fails in between."""
        while True:
            try:
                for ask, form in (await self.owner.open_forms()).items():
                    reply = await self.owner.send("POST", f"/approvals/{ask}/answer", **form, resolution="allow")
                    self.seen[f"answer {reply.status_code}"] += 1
            except (httpx.HTTPError, AssertionError):  # no page while the server or its database is away
                self.seen["no page"] += 1
            await asyncio.sleep(0.1)


async def test_kill_nine_of_the_server_under_load(tmp_path: Path) -> None:
    """A hundred kills: each allow that a client heard is in the ledger, each ask was let go once at most."""
    await _story(tmp_path, "server", SERVER_KILLS)


async def test_kill_nine_of_the_database_under_load(tmp_path: Path) -> None:
    """Twenty kills of PostgreSQL's first process: the same, and the server comes through them."""
    await _story(tmp_path, "database", DATABASE_KILLS)


async def _story(place: Path, victim: str, kills: int) -> None:
    seed = random.randrange(10**6)  # noqa: S311 - printed, to tell the same story again
    chance = random.Random(seed)  # noqa: S311 - a story that can be told again
    started = time.monotonic()
    async with Cloud(place, settings=_LIMITS) as cloud:
        load = Load(await cloud.machine(), await cloud.owner(), seed)
        async with load.running():
            await _kill_again_and_again(cloud, load, victim, kills, chance)
            await _recovered(cloud, load)
        await _check(cloud, load)
        report = await cloud.verify_ledger()
        told = dict(sorted(load.seen.items()))
        print(  # noqa: T201 - the figures of the run
            f"{kills} kills of the {victim} in {time.monotonic() - started:.0f} s (seed {seed}): {told}, "
            f"distinct allows {len(load.allowed)}, releases {sum(load.released.values())}, "
            f"{report['leaves']} leaves intact"
        )


async def _kill_again_and_again(cloud: Cloud, load: Load, victim: str, kills: int, chance: random.Random) -> None:
    for _ in range(kills):
        await _recovered(cloud, load)
        await asyncio.sleep(chance.uniform(0.0, 0.4))
        pids: list[int] = []
        while not pids:
            await asyncio.sleep(0.01)
            pids = _victims(cloud, victim, chance)
        cloud.kill(*pids)


def _victims(cloud: Cloud, victim: str, chance: random.Random) -> list[int]:
    """The database's first process; or of the server all processes, every third time only one that serves."""
    if victim == "database":
        return [cloud.postmaster] if cloud.postmaster else []
    first = cloud.child("server")
    workers = processes.children(first) if first else []
    if not workers:
        return []
    return [chance.choice(workers)] if chance.random() < 1 / 3 else [first, *workers]


async def _recovered(cloud: Cloud, load: Load) -> None:
    """Until one more call has been allowed."""
    before, end = len(load.allowed), time.monotonic() + 60
    while len(load.allowed) == before:
        assert time.monotonic() < end, cloud.said()[-2000:]
        await asyncio.sleep(0.01)


async def _check(cloud: Cloud, load: Load) -> None:
    assert len(load.allowed) > 100
    assert load.released
    entries = "JOIN ledger_entry e ON e.id = d.id"
    recorded = await cloud.sql(
        f"SELECT DISTINCT d.session FROM decision d {entries} "  # noqa: S608 - the words above
        "WHERE d.outcome = 'allow' AND e.event = 'decision.allowed'"
    )
    assert load.allowed - {row[0] for row in recorded} == set()
    twice = await cloud.sql(
        "SELECT subject FROM ledger_entry WHERE event = 'approval.released' GROUP BY subject HAVING count(*) > 1"
    )
    assert twice == []
    released = await cloud.sql(
        f"SELECT d.session, count(*) FROM decision d {entries} "  # noqa: S608 - the words above
        "JOIN ask a ON a.decision_id = d.id JOIN ledger_entry r ON r.event = 'approval.released' "
        "AND r.subject = 'ask:' || a.id WHERE a.state = 'released' AND e.event = 'decision.asked' GROUP BY d.session"
    )
    durable = {row[0]: row[1] for row in released}
    assert {session: count for session, count in load.released.items() if count > durable.get(session, 0)} == {}
    states = await cloud.sql(
        "SELECT a.id FROM ask a LEFT JOIN ledger_entry r ON r.event = 'approval.released' "
        "AND r.subject = 'ask:' || a.id WHERE (a.state = 'released') <> (r.id IS NOT NULL)"
    )
    assert states == []
