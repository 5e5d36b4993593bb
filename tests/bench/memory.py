"""Proportional set size (PSS) of every process of an installation, the database's included."""

import asyncio
import re
import time
from collections import defaultdict
from pathlib import Path

from tests.bench.figures import Figures
from tests.bench.held import held
from tests.bench.installation import Installation

HELD = 1000
SETTLE_SECONDS = 8.0  # connections that nobody uses are closed after five


def measure(installation: Installation) -> Figures:
    """Idle, before any load; and with HELD calls that wait for an answer."""
    time.sleep(SETTLE_SECONDS)
    idle = sizes(installation)
    return {"idle": idle, f"with_{HELD}_held": asyncio.run(_while_held(installation))}


async def _while_held(installation: Installation) -> Figures:
    async with held(installation, "memory", HELD):
        await asyncio.sleep(1)
        return sizes(installation)


def sizes(installation: Installation) -> Figures:
    """Megabytes by program, and their sum; `leashctl up` and everything below it, the postmaster and its children."""
    postmaster = int((installation.data / "postmaster.pid").read_text().split("\n", 1)[0])
    sizes: defaultdict[str, float] = defaultdict(float)
    processes = 0
    for pid in _family({installation.pid, postmaster}):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            pss = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        except OSError:  # it ended meanwhile
            continue
        processes += 1
        sizes[_program(words)] += int(pss[1]) / 1024 if pss else 0.0
    named = {f"{name}_mb": round(size, 1) for name, size in sorted(sizes.items())}
    return {**named, "sum_mb": round(sum(sizes.values()), 1), "processes": processes}


def _program(words: list[str]) -> str:
    if "postgres" in words[0]:
        return "postgres"
    module = words[words.index("-m") + 1] if "-m" in words else Path(words[0]).name
    return {"installer": "leashctl_up", "server": "server", "server.scheduler": "scheduler"}.get(module, module)


def _family(roots: set[int]) -> set[int]:
    """These processes and all their descendants."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:  # it ended meanwhile
                continue
    family = set(roots)
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return family
