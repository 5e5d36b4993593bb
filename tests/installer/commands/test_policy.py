"""`leashctl policy` against a real database, each call a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.support.postgres import TestDatabase

TEXT = '@id("base") @title("Base") permit (principal, action, resource);\n'


def leashctl(database: TestDatabase | None, state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = os.environ | {"LEASH_STATE__DIRECTORY": str(state)}
    if database is not None:
        environ["LEASH_DATABASE__SERVICE_URL"] = database.service_url
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "installer", "policy", *words],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_text_is_checked_without_a_database(tmp_path: Path) -> None:
    """Problems come with their lines, and errors with exit code 1."""
    good, bad = tmp_path / "good.cedar", tmp_path / "bad.cedar"
    good.write_text(TEXT)
    bad.write_text(TEXT + "forbid (principal, action, resource);")
    assert leashctl(None, tmp_path, "validate", str(good)).returncode == 0
    refused = leashctl(None, tmp_path, "validate", str(bad), "--json")
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["problems"][0]["line"] == 2


def test_policies_are_published_listed_and_rolled_back(committed_database: TestDatabase, tmp_path: Path) -> None:
    """The starter pack is version 1; a dry run changes nothing; going back makes version 3."""
    file = tmp_path / "new.cedar"
    file.write_text(TEXT)

    def run(*words: str) -> str:
        done = leashctl(committed_database, tmp_path, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    publish = ("publish", str(file), "--note", "less")
    assert "-@id" in json.loads(run(*publish, "--dry-run", "--json"))["diff"]
    assert json.loads(run(*publish, "--yes", "--json"))["version"] == 2
    assert run("show") == TEXT
    assert "Base" in run("list")
    assert "Version 3 is active." in run("rollback", "1", "--yes")
    assert [each["version"] for each in json.loads(run("history", "--json"))] == [3, 2, 1]
    conflict = leashctl(committed_database, tmp_path, *publish, "--yes", "--expected-version", "1")
    assert conflict.returncode != 0
    assert "version 3 is" in conflict.stderr
