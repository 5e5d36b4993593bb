"""`python -m tests.bench [--area NAME]`: measure, print one table, write build/bench.json."""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench import decisions, memory, policy, release, scanning, sign_in, streams
from tests.bench.figures import Figures, judge, table
from tests.bench.installation import RAISED, Installation, installed
from tests.bench.machine import describe

TARGET = Path(__file__).resolve().parents[2] / "build" / "bench.json"
# Memory comes first: idle means before any load.
_WITH_PROCESSES: dict[str, Callable[[Installation], Figures]] = {
    "memory": memory.measure,
    "release": release.measure,
    "decisions": decisions.measure,
    "live": streams.measure,
}
_ALONE: dict[str, Callable[[], Figures]] = {
    "policy": policy.measure,
    "secrets": scanning.measure,
    "signin": sign_in.measure,
}
AREAS = ("decisions", "release", "policy", "secrets", "signin", "live", "memory")


def main() -> None:
    """Measure the chosen areas; goals are judged in the table and never fail the run."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--area", choices=AREAS, default="", help="one area instead of all")
    chosen = parser.parse_args().area
    areas = (chosen,) if chosen else AREAS
    sections: dict[str, Figures] = {}
    about: Figures = {"settings_raised": RAISED}
    started = time.monotonic()
    for name in (name for name in _ALONE if name in areas):
        _say(f"{name} ...")
        sections[name] = _ALONE[name]()
    if any(name in areas for name in _WITH_PROCESSES):
        _say("starting leashctl up ...")
        with installed() as installation:
            about |= {"machine": describe(installation), "database": asyncio.run(_settings(installation))}
            for name in (name for name in _WITH_PROCESSES if name in areas):
                _say(f"{name} ...")
                sections[name] = _WITH_PROCESSES[name](installation)
    else:
        about["machine"] = describe(None)
    about["seconds"] = round(time.monotonic() - started)
    ordered = {name: sections[name] for name in AREAS if name in sections}
    goals = judge(ordered)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps({**about, **ordered, "goals": goals}, indent=2) + "\n")
    sys.stdout.write(f"\n{table({'about': about, **ordered}, goals)}\n\nwritten to {TARGET.relative_to(Path.cwd())}\n")


async def _settings(installation: Installation) -> Figures:
    """What makes a commit durable, as the server itself says."""
    connection = await installation.connect()
    try:
        names = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers")
        return {name: await connection.fetchval(f"SHOW {name}") for name in names}
    finally:
        await connection.close()


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    main()
