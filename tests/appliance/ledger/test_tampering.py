"""Every way to change a sealed ledger from inside its database, found by us and by the independent verifier."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.ledger import reading
from appliance.ledger.errors import CheckpointInvalidError
from appliance.ledger.findings import KINDS, PROBLEMS_MAX
from appliance.ledger.ledger import Ledger
from appliance.ledger.note import Signer
from appliance.ledger.records import Actor, ActorKind, VerifyReport
from tests.support.ledger import NAME, record, sealed_ledger, tamper
from tests.support.postgres import TestDatabase
from tests.support.tampering import TABLES, TAMPERINGS, Tampering

SCRIPT = Path(__file__).parents[3] / "docs/ledger/verify_ledger.py"
OPERATOR = Actor(kind=ActorKind.OPERATOR, id="leashctl")


async def judged_outside(ledger: Ledger, folder: Path, outside: str) -> tuple[int, set[str]]:
    """Exit code and kinds of the independent verifier."""
    export, note = folder / "export.jsonl", folder / "outside"
    note.write_text(outside, encoding="utf-8")
    with export.open("wb") as file:
        await ledger.export(OPERATOR, file.write)
    done = run_script(str(export), "--key", ledger.public_key, "--checkpoint", str(note))
    return done.returncode, set(re.findall(r"^([a-z_]+): ", done.stdout, re.MULTILINE))


def run_script(*words: str) -> subprocess.CompletedProcess[str]:
    """The verifier, without our environment and from another directory."""
    return subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-I", str(SCRIPT), *words], capture_output=True, text=True, check=False, cwd="/"
    )


def kinds_of(report: VerifyReport) -> set[str]:
    return {problem.kind for problem in report.problems}


@pytest.mark.usefixtures("committed_database")
async def test_a_ledger_that_nobody_touched_is_intact(tmp_path: Path) -> None:
    """Counts, root and outside size; both verifiers agree on the root."""
    ledger = await sealed_ledger(tmp_path)
    outside = (tmp_path / "ledger.checkpoint").read_text()
    await record([12, 13])
    told: list[tuple[int, int]] = []
    report = await ledger.verify(outside=outside, progress=lambda done, total: told.append((done, total)))
    assert report.is_intact
    assert (report.leaves, report.checkpoints, report.parts, report.missing_parts) == (12, 3, 24, 0)
    assert (report.unsealed, report.outside_size, report.problem_count, report.problems) == (2, 12, 0, ())
    assert told[-1] == (12, 12)
    with (tmp_path / "export").open("wb") as file:
        await ledger.export(OPERATOR, file.write)
    done = run_script(str(tmp_path / "export"), "--key", ledger.public_key)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"root {report.root}" in done.stdout


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda tampering: tampering.name)
async def test_every_tampering_is_found_by_both_verifiers(
    committed_database: TestDatabase, tmp_path: Path, tampering: Tampering
) -> None:
    """Both say what it is, with the same words."""
    ledger = await sealed_ledger(tmp_path)
    outside = (tmp_path / "ledger.checkpoint").read_text()
    await tamper(committed_database, *tampering.statements)
    report = await ledger.verify(outside=outside)
    assert not report.is_intact
    assert kinds_of(report) == tampering.kinds <= KINDS.keys()
    code, kinds = await judged_outside(ledger, tmp_path, outside)
    assert (code, kinds) == (1, tampering.kinds)


async def test_a_fork_that_the_same_key_signed_is_found(committed_database: TestDatabase, tmp_path: Path) -> None:
    """Whoever has key and database can make a ledger without a flaw; a checkpoint from elsewhere still tells."""
    ledger = await sealed_ledger(tmp_path)
    outside = (tmp_path / "ledger.checkpoint").read_text()
    await tamper(committed_database, f"TRUNCATE {', '.join(TABLES)}")
    forger = await sealed_ledger(tmp_path / "forged")
    assert (await forger.verify()).is_intact
    assert kinds_of(await forger.verify(outside=outside)) == {"forked"}
    assert kinds_of(await ledger.verify()) == {"forked"}
    assert await judged_outside(forger, tmp_path, outside) == (1, {"forked"})


async def test_a_fork_that_goes_on_is_found(committed_database: TestDatabase, tmp_path: Path) -> None:
    """Also when it has grown beyond the checkpoint from elsewhere by then."""
    await sealed_ledger(tmp_path)
    outside = (tmp_path / "ledger.checkpoint").read_text()
    await tamper(committed_database, f"TRUNCATE {', '.join(TABLES)}")
    forger = await sealed_ledger(tmp_path / "forged", (5, 4, 6))
    assert kinds_of(await forger.verify(outside=outside)) == {"forked"}
    assert await judged_outside(forger, tmp_path, outside) == (1, {"forked"})


async def test_an_old_checkpoint_from_elsewhere_still_proves_what_it_covers(
    committed_database: TestDatabase, tmp_path: Path
) -> None:
    """It need not be the newest: the ledger of today must begin with the one of then."""
    ledger = await sealed_ledger(tmp_path, (5,))
    outside = (tmp_path / "ledger.checkpoint").read_text()
    await record(range(5, 20))
    await ledger.seal()
    report = await ledger.verify(outside=outside)
    assert (report.is_intact, report.outside_size, report.leaves) == (True, 5, 20)
    assert await judged_outside(ledger, tmp_path, outside) == (0, set())


async def test_one_change_does_not_cast_doubt_on_the_rest(committed_database: TestDatabase, tmp_path: Path) -> None:
    """Only the checkpoint over the changed leaf is blamed; those before and after it are not."""
    ledger = await sealed_ledger(tmp_path, (4, 4, 4, 4))
    (tmp_path / "ledger.checkpoint").unlink()
    await tamper(committed_database, "UPDATE ledger_leaf SET leaf_hash = sha256('x') WHERE leaf_index = 5")
    report = await ledger.verify()
    assert [(problem.kind, problem.place) for problem in report.problems] == [
        ("entry_edited", "leaf 5"),
        ("root_mismatch", "checkpoint 8"),
    ]


async def test_all_problems_are_counted_and_the_first_are_told(
    committed_database: TestDatabase, tmp_path: Path
) -> None:
    """A report stays readable whatever was done."""
    ledger = await sealed_ledger(tmp_path, (250,))
    await tamper(committed_database, "UPDATE ledger_entry SET subject = 'x'")
    report = await ledger.verify()
    assert (report.problem_count, len(report.problems)) == (250, PROBLEMS_MAX)


@pytest.mark.usefixtures("committed_database")
async def test_a_checkpoint_that_is_not_ours_is_refused_as_an_argument(tmp_path: Path) -> None:
    """Whoever gives the wrong file must not read that the ledger is damaged, or intact."""
    ledger = await sealed_ledger(tmp_path)
    for note in ("", "x", Signer(NAME, bytes(32)).sign_checkpoint(3, bytes(32))):
        with pytest.raises(CheckpointInvalidError):
            await ledger.verify(outside=note)


@pytest.mark.usefixtures("committed_database")
async def test_a_damaged_checkpoint_file_is_a_finding(tmp_path: Path) -> None:
    """It lies beside the key: somebody has been there."""
    ledger = await sealed_ledger(tmp_path)
    (tmp_path / "ledger.checkpoint").write_text("x")
    report = await ledger.verify()
    assert (report.is_intact, kinds_of(report), report.outside_size) == (False, {"outside_unusable"}, None)


@pytest.mark.usefixtures("committed_database")
async def test_without_a_checkpoint_from_outside_the_report_says_so(tmp_path: Path) -> None:
    """What is inside fits together, but nobody outside has vouched for it."""
    ledger = await sealed_ledger(tmp_path)
    (tmp_path / "ledger.checkpoint").unlink()
    report = await ledger.verify()
    assert (report.is_intact, report.outside_size) == (True, None)


@pytest.mark.usefixtures("committed_database")
async def test_verification_goes_on_while_others_record_and_seal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes in meanwhile is neither missed nor mistaken for tampering."""
    monkeypatch.setattr(reading, "LEAVES_A_PIECE", 7)
    ledger = await sealed_ledger(tmp_path, (30, 30))

    async def go_on() -> None:
        for number in range(100, 140):
            await record([number])
            await ledger.seal()

    task = asyncio.create_task(go_on())
    while not task.done():
        report = await ledger.verify()
        assert report.is_intact, report.problems
    await task
    assert (await ledger.verify()).leaves == 100
