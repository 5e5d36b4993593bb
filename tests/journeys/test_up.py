"""`leashctl up` as an administrator lives with it: twice, side by side, stopped, started again, and its memory."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.journey import Cloud, printed_link
from tests.support.visitor import Visitor

READY_SECONDS_MAX = 10.0
IDLE_PSS_MIB_MAX = 300.0
# An idle server has had its first seal, listed its jobs and given back what starting took.
_SETTLE_SECONDS = 8.0  # connections that nobody uses are closed after five


async def test_the_same_data_goes_on_after_ctrl_c(tmp_path: Path) -> None:
    """First run: claim the printed link; Ctrl-C leaves no process; the next run has the same owner and ledger."""
    async with Cloud(tmp_path) as cloud:
        owner = Visitor(cloud.url, "ada@example.org")
        await owner.claim(printed_link(cloud.said()), display_name="Ada Lovelace")
        machine = await cloud.machine()
        assert (await machine.run("git status")).is_allow
        people, entries = await cloud.sql("SELECT id, email FROM person"), await cloud.count("ledger_entry")
        family = cloud.pids()
        assert len(family) > 5

        assert await cloud.stop() == 0
        assert [pid for pid in family if processes.is_alive(pid)] == []
        assert not await cloud.is_ready()

        seconds = await _start_within(cloud, READY_SECONDS_MAX)
        print(f"ready again after {seconds:.1f} s")  # noqa: T201 - the figure of the run
        assert await cloud.sql("SELECT id, email FROM person") == people
        assert await cloud.count("ledger_entry") >= entries
        assert "Owner link" not in cloud.said().rpartition("Stopping")[2]
        assert "Ada Lovelace" in await owner.page("/account")
        assert (await machine.run("git status")).is_allow
        assert (await cloud.verify_ledger())["leaves"] >= entries


async def _start_within(cloud: Cloud, seconds: float) -> float:
    """Start again, and once more if other work on this machine took the processor; the better time counts."""
    taken = await cloud.start()
    for _ in range(2):
        if taken <= seconds:
            break
        assert await cloud.stop() == 0
        taken = await cloud.start()
    assert taken <= seconds
    return taken


async def test_a_second_run_says_that_one_is_running(cloud: Cloud) -> None:
    """It ends with 75, names address and process of the first, and leaves that alone."""
    process = await asyncio.create_subprocess_exec(
        *cloud.words, "up", "--port", str(processes.free_port()), env=cloud.environ,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, err = await process.communicate()
    assert process.returncode == 75
    assert f"{cloud.url}, process {cloud.supervisor}" in err.decode()
    assert await cloud.is_ready()


async def test_two_instances_side_by_side_do_not_meet(cloud: Cloud, tmp_path: Path) -> None:
    """Another port and state directory is another installation: foreign tokens and sessions mean nothing there."""
    async with Cloud(tmp_path) as other:
        here, there = await cloud.machine("here"), await other.machine("there")
        assert (await here.run("git status")).is_allow
        assert (await there.run("git status")).is_allow
        stranger = type(here)(other.http, here.token, here.id, here.hostname)
        assert (await stranger.run("git status")).is_deny
        owner = await cloud.owner()
        guest = Visitor(other.url, owner.email)
        guest.cookies = dict(owner.cookies)
        assert (await guest.send("GET", "/approvals")).status_code == 303
        assert set(cloud.pids()).isdisjoint(other.pids())
    assert await cloud.is_ready()


async def test_everything_idle_fits_into_300_mib(tmp_path: Path) -> None:
    """The sum of the proportional set sizes of all processes that a fresh start leaves, before any load."""
    async with Cloud(tmp_path) as cloud:
        await asyncio.sleep(_SETTLE_SECONDS)
        parts = {_name(cloud, pid): 0.0 for pid in cloud.pids()}
        for pid in cloud.pids():
            parts[_name(cloud, pid)] += processes.pss_mib(pid)
    report = ", ".join(f"{name} {mib:.0f}" for name, mib in sorted(parts.items()))
    print(f"idle PSS in MiB: {report}; in all {sum(parts.values()):.0f}")  # noqa: T201 - the figure of the run
    assert min(parts[name] for name in ("supervisor", "server", "server.scheduler", "postgres")) > 0
    assert sum(parts.values()) <= IDLE_PSS_MIB_MAX, report


def _name(cloud: Cloud, pid: int) -> str:
    if pid == cloud.supervisor:
        return "supervisor"
    words = processes.words(pid)
    return words[3] if words[2:3] == ["-m"] else "postgres"


@pytest.mark.parametrize("victim", ["server", "server.scheduler", "postgres", "everything"])
async def test_whatever_is_killed_comes_back(cloud: Cloud, victim: str) -> None:
    """After kill -9 of any process, or of all at once and a new `up`, the same machine's calls are decided again."""
    machine = await cloud.machine(f"kill-{victim}")
    assert (await machine.run("git status")).is_allow
    if victim == "everything":
        cloud.kill(*cloud.pids())
        await cloud.ended()
        await cloud.start()
    else:
        pid = cloud.postmaster if victim == "postgres" else cloud.child(victim)
        cloud.kill(pid)
    end = time.monotonic() + 40
    while not await _is_whole(cloud) or not (await machine.run("git status")).is_allow:
        assert time.monotonic() < end, cloud.said()
        await asyncio.sleep(0.2)


async def _is_whole(cloud: Cloud) -> bool:
    runs = all((cloud.postmaster, cloud.child("server"), cloud.child("server.scheduler")))
    return runs and await cloud.is_ready()
