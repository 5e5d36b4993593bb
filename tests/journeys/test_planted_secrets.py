"""Ten thousand secrets go in by hooks of all kinds; none comes to rest anywhere as it was."""

import asyncio
import html
import itertools
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.support.journey import Cloud
from tests.support.machines import Machine
from tests.support.planting import Planted, find_in_files, plant
from tests.support.visitor import Visitor

SECRETS = 10_000
PER_CALL = 20
CALLERS = 8
_DETAILS = 60
_LIMITS = {
    "LEASH_HOOKS__REQUESTS_PER_SECOND": "100000",
    "LEASH_HOOKS__BURST": "1000000",
    "LEASH_API__REQUESTS_PER_SECOND": "100000",
    "LEASH_API__BURST": "1000000",
}


async def test_none_of_ten_thousand_secrets_is_found_raw(tmp_path: Path) -> None:
    """Not in any table, log, page, or byte of PostgreSQL's data and write-ahead log."""
    seed = random.randrange(10**6)  # noqa: S311 - printed, to tell the same story again
    print(f"seed {seed}")  # noqa: T201 - see above
    calls = list(plant(SECRETS, per_call=PER_CALL, seed=seed))
    needles = [needle for call in calls for needle in call.needles]
    assert len({call.place for call in calls}) == 10
    async with Cloud(tmp_path / "cloud", settings=_LIMITS) as cloud:
        machine, owner = await cloud.machine(), await cloud.owner()
        await _send_all(cloud, machine, calls)
        copies = tmp_path / "copies"
        copies.mkdir()
        await _copy_pages(owner, copies)
        for name, text in {**await cloud.table_texts(), **cloud.logs()}.items():
            (copies / name).write_text(text)
        await cloud.checkpoint()
        await _controls(cloud, copies)
        found = await asyncio.to_thread(find_in_files, needles, copies, cloud.data, cloud.state / "logs")
        _complain(calls, found)
        assert await cloud.count("decision", "secrets > 0") >= len(calls) * 0.99
        await cloud.verify_ledger()


async def _send_all(cloud: Cloud, machine: Machine, calls: Sequence[Planted]) -> None:
    """All calls, some at a time; what is asked about waits until it is answered by time."""
    waiting: Iterator[Planted] = iter(calls)
    outcomes: Counter[str] = Counter()

    async def caller() -> None:
        for call in waiting:
            answer = await machine.call(call.body, event=call.event)
            assert answer.is_allow or answer.is_deny, answer
            outcomes["allow" if answer.is_allow else "deny"] += 1

    async def impatient() -> None:
        while True:
            await asyncio.sleep(0.25)
            await cloud.expire_asks(machine)

    ending = asyncio.create_task(impatient())
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    ending.cancel()
    print(f"{sum(outcomes.values())} calls: {dict(outcomes)}")  # noqa: T201 - the run's figures


async def _copy_pages(owner: Visitor, copies: Path) -> None:
    """Pages as a person sees them: lists page by page, some decisions in detail, approvals with their payloads."""
    numbers = itertools.count()

    async def copy(path: str) -> str:
        page = await owner.page(path)
        (copies / f"page-{next(numbers)}.html").write_text(f"{page}\n{html.unescape(page)}")
        return page

    decisions: list[str] = []
    path = "/decisions"
    while path:
        page = await copy(path)
        decisions += re.findall(r'href="/decisions/([0-9a-f-]{36})', page)
        following = re.search(r'href="(/decisions\?[^"]*before=[0-9a-f-]{36}[^"]*)"', page)
        path = html.unescape(following[1]) if following else ""
    assert len(set(decisions)) >= SECRETS // PER_CALL
    for decision in sorted(set(decisions))[:: max(1, len(set(decisions)) // _DETAILS)]:
        await copy(f"/decisions/{decision}")
    approvals = await copy("/approvals")
    for ask in re.findall(r'href="/approvals/([0-9a-f-]{36})"', approvals):
        await copy(f"/approvals/{ask}")
        await copy(f"/approvals/{ask}/payload")


async def _controls(cloud: Cloud, copies: Path) -> None:
    """The search must find what does lie there, in each of the places."""
    machine = (await cloud.sql("SELECT hostname FROM machine"))[0][0]
    assert find_in_files([machine], copies) == [machine]
    assert find_in_files([machine], cloud.data / "base") == [machine]
    assert find_in_files([machine], cloud.data / "pg_wal") == [machine]
    assert list((cloud.state / "logs").glob("server*"))


def _complain(calls: Sequence[Planted], found: Sequence[str]) -> None:
    if not found:
        return
    raw = set(found)
    places = Counter(call.place for call in calls for needle in call.needles if needle in raw)
    message = f"{len(raw)} secrets lie there raw, of {dict(places)}: {sorted(raw)[:10]}"
    raise AssertionError(message)
