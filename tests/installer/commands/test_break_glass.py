"""`leashctl break-glass` against a real database, each call a process of its own."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.people import ledger_events
from tests.support.postgres import TestDatabase

ADDRESS = "glass@example.org"


class Line:
    """`leashctl break-glass` of one installation."""

    def __init__(self, database: TestDatabase, state: Path) -> None:
        self.environ = os.environ | {
            "LEASH_STATE__DIRECTORY": str(state),
            "LEASH_SERVER__PUBLIC_URL": "https://leash.example.org",
            "LEASH_DATABASE__SERVICE_URL": database.service_url,
        }

    async def run(self, *words: str, typed: str = "", code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run a command with what somebody types; it must end with `code`, if one is given."""
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "installer", "break-glass", *words],
            env=self.environ, capture_output=True, text=True, check=False, input=typed,
        )  # fmt: skip
        assert code is None or done.returncode == code, done.stderr
        return done


@pytest.fixture
def line(committed_database: TestDatabase, tmp_path: Path) -> Line:
    """The command line."""
    return Line(committed_database, tmp_path)


async def test_from_the_sheet_to_the_broken_glass(line: Line) -> None:
    """Seal, status, unseal with what was printed, and remove; a wrong sheet is refused and recorded."""
    printed = (await line.run("seal", "--email", ADDRESS, "--yes")).stdout
    assert ADDRESS in printed
    assert "https://leash.example.org/break-glass" in printed
    sheet = json.loads((await line.run("seal", "--email", ADDRESS, "--yes", "--json")).stdout)
    assert sheet["token"] not in printed
    status = json.loads((await line.run("status", "--json")).stdout)
    assert (status["has_token"], status["open_until"]) == (True, None)
    refused = await line.run("unseal", typed="aaaa\naaaa\n", code=None)
    assert refused.returncode != 0
    assert "not accepted" in refused.stderr
    opened = await line.run("unseal", typed=f"{sheet['password']}\n{sheet['token']}\n")
    assert opened.stdout.startswith("https://leash.example.org/break-glass/open/olg_")
    assert "works" in (await line.run("status")).stdout
    nothing = await line.run("confirm", "--yes", code=None)
    assert "No such unsealing waits" in nothing.stderr
    await line.run("remove", "--yes")
    assert "Nobody is behind glass" in (await line.run("status", code=None)).stderr
    found = await ledger_events()
    assert [found[f"break_glass.{each}"] for each in ("sealed", "refused", "begun", "removed")] == [2, 1, 1, 1]


async def test_nothing_happens_without_a_yes(line: Line) -> None:
    """The question is asked before anything is changed."""
    await line.run("seal", "--email", ADDRESS, typed="n\n", code=1)
    assert (await ledger_events())["break_glass.sealed"] == 0
