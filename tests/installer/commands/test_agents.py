"""`leashctl agents` against a real database, each call a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from appliance.agents.queries import deployment_tokens, machine_by_id
from appliance.agents.records import EnrolmentRequest
from appliance.agents.service import enroll
from appliance.clock import utc_now
from appliance.database.identifiers import uuid7
from tests.support.postgres import TestDatabase


def leashctl(database: TestDatabase, state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = os.environ | {
        "LEASH_STATE__DIRECTORY": str(state),
        "LEASH_DATABASE__SERVICE_URL": database.service_url,
    }
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "installer", "agents", *words],
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


async def test_a_token_is_made_used_and_ended_with_its_machine(
    committed_database: TestDatabase, tmp_path: Path
) -> None:
    """The whole life by command line; the lists never hold a token."""

    def run(*words: str) -> Any:  # noqa: ANN401 - any JSON value
        done = leashctl(committed_database, tmp_path, *words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    limited = ("--days", "7", "--max-uses", "2", "--email-domain", "acme.example", "--email-domain", "b.example")
    made = run("token", "create", "--name", "Laptops", *limited)
    assert set(made) == {"token", "id", "expires_at"}
    request = EnrolmentRequest(deployment_token=made["token"], hostname="ida-mbp", email="ida@acme.example")
    machine = (await enroll(request, now=utc_now())).machine
    [token] = run("token", "list")
    assert (token["id"], token["uses"], token["max_uses"]) == (made["id"], 1, 2)
    assert token["email_domains"] == ["acme.example", "b.example"]
    assert made["token"] not in json.dumps(token)
    [listed] = run("machine", "list")
    assert (listed["id"], listed["hostname"], listed["revoked_at"]) == (str(machine.id), "ida-mbp", None)
    assert run("machine", "revoke", str(machine.id)) == {"id": str(machine.id), "revoked": True}
    assert run("token", "revoke", made["id"])["revoked"]
    assert (await machine_by_id(machine.id)).revoked_at
    assert (await deployment_tokens())[0].revoked_at


async def test_people_are_asked_and_told(committed_database: TestDatabase, tmp_path: Path) -> None:
    """Without --yes nothing is ended; what does not exist or cannot be kept is said with exit code 1."""
    made = leashctl(committed_database, tmp_path, "token", "create", "--name", "Laptops")
    assert made.stdout.startswith("ol_deploy_")
    assert "shown only now" in made.stderr
    [token] = await deployment_tokens()
    unasked = leashctl(committed_database, tmp_path, "token", "revoke", str(token.id))
    assert unasked.returncode != 0
    assert leashctl(committed_database, tmp_path, "token", "revoke", str(token.id), "--dry-run").returncode == 0
    assert await deployment_tokens() == [token]
    unknown = leashctl(committed_database, tmp_path, "machine", "revoke", str(uuid7()), "--yes")
    assert (unknown.returncode, "no such machine" in unknown.stderr) == (1, True)
    refused = leashctl(committed_database, tmp_path, "token", "create", "--name", "x", "--days", "0", "--json")
    assert (refused.returncode, json.loads(refused.stderr.splitlines()[-1])["code"]) == (1, "deployment_terms_refused")


def test_settings_are_printed_without_a_database(tmp_path: Path) -> None:
    """Files with their paths, cautions apart; what an agent does not have is told, and changes nothing."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "installer", *words],
            env=os.environ | {"LEASH_STATE__DIRECTORY": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    done = run("agents", "config", "codex")
    assert done.returncode == 0, done.stderr
    assert "# /etc/codex/requirements.toml  (mode 0644)" in done.stdout
    assert "sha256sum -c -" in done.stdout
    assert "Codex goes on" in done.stderr
    made = json.loads(run("agents", "config", "claude", "--http", "--os", "windows", "--json").stdout)
    assert made["files"][0]["path"].endswith("managed-settings.json")
    for odd in (("cline",), ("codex", "--http"), ("clippy",)):
        refused = run("agents", "config", *odd)
        assert refused.returncode != 0
        assert refused.stdout == ""
