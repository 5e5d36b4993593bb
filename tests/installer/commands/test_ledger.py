"""`leashctl ledger` against a real database, each call a process of its own."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.ledger.keys import load_or_create
from appliance.ledger.ledger import Ledger
from appliance.ledger.note import Verifier
from appliance.ledger.witness import CheckpointFile
from tests.support.ledger import NOON, record, tamper
from tests.support.postgres import TestDatabase

SCRIPT = Path(__file__).parents[3] / "docs/ledger/verify_ledger.py"


def leashctl(database: TestDatabase, state: Path, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    environ = os.environ | {
        "LEASH_STATE__DIRECTORY": str(state),
        "LEASH_DATABASE__SERVICE_URL": database.service_url,
    }
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "installer", "ledger", *words],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        input=text,
    )


def run_script(*words: str) -> subprocess.CompletedProcess[str]:
    """The independent verifier."""
    return subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-I", str(SCRIPT), *words], capture_output=True, text=True, check=False
    )


@pytest.fixture
def ledger(committed_database: TestDatabase, tmp_path: Path) -> Ledger:
    """The ledger that `leashctl` finds in the state directory."""
    key = load_or_create(tmp_path / "secrets/ledger.key", "leash.example.org")
    return Ledger(key, CheckpointFile(tmp_path / "ledger.checkpoint"), lambda: NOON)


async def test_an_intact_ledger_is_verified(committed_database: TestDatabase, ledger: Ledger, tmp_path: Path) -> None:
    """Exit code 0, words for people, the whole report as JSON; no progress where nobody looks."""
    await record(range(7))
    await ledger.seal()
    done = leashctl(committed_database, tmp_path, "verify")
    assert (done.returncode, "of 7 leaves" in done.stderr) == (0, False)
    assert done.stdout.endswith("The ledger is intact.\n")
    report = json.loads(leashctl(committed_database, tmp_path, "verify", "--json").stdout)
    assert (report["is_intact"], report["leaves"], report["outside_size"], report["problems"]) == (True, 7, 7, [])
    assert report["root"] == (await ledger.verify()).root


async def test_a_changed_ledger_ends_with_exit_code_1(
    committed_database: TestDatabase, ledger: Ledger, tmp_path: Path
) -> None:
    """And says what was changed."""
    await record(range(7))
    await ledger.seal()
    await tamper(committed_database, "UPDATE ledger_entry SET subject = 'x' WHERE subject = 'thing:3'")
    done = leashctl(committed_database, tmp_path, "verify")
    assert done.returncode == 1
    assert "entry_column_edited: leaf 3:" in done.stdout
    assert "NOT INTACT: 1 problem" in done.stdout
    answer = leashctl(committed_database, tmp_path, "verify", "--json")
    assert answer.returncode == 1
    assert json.loads(answer.stdout)["problems"][0]["kind"] == "entry_column_edited"


async def test_checkpoint_key_and_export_are_enough_for_somebody_else(
    committed_database: TestDatabase, ledger: Ledger, tmp_path: Path
) -> None:
    """Everything that is needed elsewhere comes out by commands; the export is its owner's only."""
    await record(range(7))
    await ledger.seal()
    outside, export, key = tmp_path / "outside", tmp_path / "export.jsonl", tmp_path / "key"
    assert leashctl(committed_database, tmp_path, "checkpoint", "--output", str(outside)).stdout == ""
    printed = leashctl(committed_database, tmp_path, "checkpoint").stdout
    assert printed == outside.read_text("utf-8") == (tmp_path / "ledger.checkpoint").read_text("utf-8")
    answer = json.loads(leashctl(committed_database, tmp_path, "checkpoint", "--json").stdout)
    assert (answer["size"], answer["note"]) == (7, printed)
    key.write_text(leashctl(committed_database, tmp_path, "key").stdout)
    assert Verifier.parse(key.read_text()).open_checkpoint(printed).size == 7
    assert json.loads(leashctl(committed_database, tmp_path, "key", "--json").stdout) == {
        "key": key.read_text().strip()
    }
    await record([8])
    await ledger.seal()
    done = leashctl(committed_database, tmp_path, "export", "--output", str(export), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["leaves"] >= 8
    assert stat.S_IMODE(export.stat().st_mode) == 0o600
    verified = run_script(str(export), "--key", str(key), "--checkpoint", str(outside))
    assert verified.returncode == 0, verified.stdout + verified.stderr
    given = leashctl(committed_database, tmp_path, "verify", "--checkpoint", "-", "--json", text=printed)
    assert json.loads(given.stdout)["outside_size"] == 7


async def test_what_cannot_be_used_is_told_without_a_trace(
    committed_database: TestDatabase, ledger: Ledger, tmp_path: Path
) -> None:
    """No checkpoint yet, one of somebody else, a file that is not there, a place that cannot be written."""
    state = tmp_path
    missing = leashctl(committed_database, state, "checkpoint", "--json")
    assert (missing.returncode, json.loads(missing.stderr.splitlines()[-1])["code"]) == (1, "ledger_checkpoint_missing")
    (tmp_path / "other").write_text("x\n")
    wrong = leashctl(committed_database, state, "verify", "--checkpoint", str(tmp_path / "other"), "--json")
    assert (wrong.returncode, json.loads(wrong.stderr.splitlines()[-1])["code"]) == (1, "ledger_checkpoint_invalid")
    absent = leashctl(committed_database, state, "verify", "--checkpoint", str(tmp_path / "absent"))
    assert absent.returncode == 2
    unwritable = leashctl(committed_database, state, "export", "--output", str(tmp_path / "no/such/place"))
    assert unwritable.returncode == 2
    assert "cannot be written" in unwritable.stderr
    for done in (missing, wrong, absent, unwritable):
        assert "Traceback" not in done.stderr
