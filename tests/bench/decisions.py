"""Decisions per second over HTTP, in turns with pgbench's single-row INSERT on the same server."""

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import time
from pathlib import Path

from tests.bench.figures import Figures
from tests.bench.installation import Installation

CLIENTS = (1, 16, 64)
ROUNDS = 3
SECONDS = 5
# A run with more denies than this measures something else than allowed calls.
NOT_ALLOWED_MAX = 0.001
_FOLDER = Path(__file__).parent
_TABLE = """
CREATE TABLE bench_row (
  id uuid PRIMARY KEY, created_at timestamptz NOT NULL, machine_id uuid NOT NULL, agent text NOT NULL,
  event text NOT NULL, kind text NOT NULL, tool text NOT NULL, outcome text NOT NULL, reason text NOT NULL,
  body text NOT NULL
)
"""


def measure(installation: Installation) -> Figures:
    """Decisions/s, p50 and p99 at each number of clients, and their ratio to pgbench's INSERTs/s."""
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing: run `make bench`, which installs it, or `apt-get install wrk`")
    asyncio.run(_make_table(installation))
    before = asyncio.run(_counts(installation))
    load(installation, 4, 2, "9")  # warms caches and statistics; not counted
    warm = _settled(installation)
    figures: Figures = {}
    replies = broken = not_200 = 0
    for clients in CLIENTS:
        rounds = []
        for number in range(ROUNDS):
            loaded = load(installation, clients, SECONDS, f"{clients}{number}")
            rounds.append({**_round(loaded), "pgbench_per_second": _pgbench(installation, clients)})
            replies, broken = replies + loaded["replies"], broken + loaded["broken"]
            not_200 += loaded["not_200"]
        figures[f"clients_{clients}"] = _medians(rounds)
    after = _settled(installation)
    denied = after["rows"] - warm["rows"] - (after["allowed"] - warm["allowed"])
    missing = max(0, replies - (after["rows"] - warm["rows"]))
    figures["checked"] = {
        "replies": replies,
        "rows": after["rows"] - warm["rows"],
        # wrk hangs up at the end of a round: what was under way has a row, but no reply that it counted.
        "rows_beyond_replies_max": ROUNDS * sum(CLIENTS),
        "not_allowed": denied + missing,
        "not_200": not_200,
        "broken": broken,
        "is_valid": denied + missing <= NOT_ALLOWED_MAX * replies and not_200 == 0,
        "is_every_reply_recorded": missing == 0,
        **_verified(installation, after["rows"] - before["rows"]),
    }
    return figures


def _round(loaded: Figures) -> Figures:
    return {
        "per_second": round(loaded["replies"] / loaded["duration_us"] * 1e6, 1),
        "p50_ms": loaded["p50_us"] / 1000,
        "p99_ms": loaded["p99_us"] / 1000,
    }


def _medians(rounds: list[Figures]) -> Figures:
    figures: Figures = {name: round(statistics.median(each[name] for each in rounds), 2) for name in rounds[0]}
    figures["ratio_to_pgbench"] = round(figures["per_second"] / figures["pgbench_per_second"], 3)
    figures["rounds"] = rounds
    return figures


def load(installation: Installation, clients: int, seconds: int, run: str, *, pause_ms: int = 0) -> Figures:
    """Load with distinct bodies, each client pausing before each call; what requests.lua prints at the end."""
    done = subprocess.run(  # noqa: S603 - a benchmark tool with fixed words
        [  # noqa: S607 - wherever the distribution puts it
            "wrk", "-t", "1", "-c", str(clients), "-d", f"{seconds}s", "--timeout", "10s",
            "-s", str(_FOLDER / "requests.lua"), f"http://127.0.0.1:{installation.port}",
        ],
        env={**os.environ, "BENCH_TOKEN": installation.token, "BENCH_RUN": run, "BENCH_PAUSE_MS": str(pause_ms)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded: Figures = json.loads(done.stdout.strip().splitlines()[-1])
    return loaded


def _pgbench(installation: Installation, clients: int) -> float:
    """Committed single-row INSERTs per second."""
    user = installation.user
    password = installation.superuser_url.partition("postgres:")[2].partition("@")[0]
    done = subprocess.run(  # noqa: S603 - the embedded server's own program
        [
            installation.program("pgbench"), "-n", "-c", str(clients), "-j", "1", "-T", str(SECONDS), "-f", "-",
            "-h", installation.socket, "-U", "postgres", "bench",
        ],
        env={"PGPASSWORD": password, "PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        input=(_FOLDER / "insert.sql").read_text(),
        capture_output=True, text=True, check=True, cwd="/", user=user, group=user,
        extra_groups=[] if user else None,
    )  # fmt: skip
    line = next(line for line in done.stdout.splitlines() if line.startswith("tps = "))
    return float(line.split()[2])


async def _make_table(installation: Installation) -> None:
    maintenance = await installation.connect("postgres")
    try:
        if not await maintenance.fetchval("SELECT 1 FROM pg_database WHERE datname = 'bench'"):
            await maintenance.execute("CREATE DATABASE bench")
    finally:
        await maintenance.close()
    connection = await installation.connect("bench")
    try:
        await connection.execute("DROP TABLE IF EXISTS bench_row")
        await connection.execute(_TABLE)
    finally:
        await connection.close()


async def _counts(installation: Installation) -> Figures:
    connection = await installation.connect()
    try:
        row = await connection.fetchrow(
            "SELECT count(*) AS rows, count(*) FILTER (WHERE outcome = 'allow') AS allowed FROM decision"
        )
        return dict(row)
    finally:
        await connection.close()


def _settled(installation: Installation) -> Figures:
    """Counts after what was under way has been written."""
    counts = asyncio.run(_counts(installation))
    while True:
        time.sleep(0.5)
        again = asyncio.run(_counts(installation))
        if again == counts:
            return again
        counts = again


def _verified(installation: Installation, rows: int) -> Figures:
    """The ledger's own verification, once everything is sealed."""
    end = time.monotonic() + 60
    started = time.monotonic()
    while asyncio.run(_unsealed(installation)) and time.monotonic() < end:
        time.sleep(0.2)
    seal_seconds = time.monotonic() - started
    started = time.monotonic()
    report = installation.leashctl("ledger", "verify", "--json")
    return {
        "seal_behind_seconds": round(seal_seconds, 1),
        "is_ledger_intact": report["is_intact"],
        "verify_seconds": round(time.monotonic() - started, 1),
        "is_every_decision_sealed": report.get("leaves", 0) >= rows,
    }


async def _unsealed(installation: Installation) -> int:
    connection = await installation.connect()
    try:
        return int(await connection.fetchval("SELECT count(*) FROM ledger_unsealed"))
    finally:
        await connection.close()
