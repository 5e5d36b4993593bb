"""`leashctl provisioning` against a real database, each call a process of its own."""

import json
from typing import Any
from uuid import uuid4

from appliance.clock import utc_now
from appliance.identity.provisioning.tokens import authenticate, tokens
from tests.installer.conftest import Leashctl
from tests.support.postgres import TestDatabase


async def test_a_token_is_made_listed_and_ended(committed_database: TestDatabase, leashctl: Leashctl) -> None:
    """The whole life by command line; the list never holds a token."""

    def run(*words: str) -> Any:  # noqa: ANN401 - any JSON value
        words = ("provisioning", "token", *words, "--json")
        done = leashctl(*words, LEASH_DATABASE__SERVICE_URL=committed_database.service_url)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    made = run("create", "--provider", "entra", "--days", "7")
    assert set(made) == {"token", "id", "expires_at", "url"}
    assert made["url"].endswith("/scim/v2")
    assert (await authenticate(made["token"], utc_now())).provider == "entra"
    [listed] = run("list")
    assert (listed["id"], listed["provider"], listed["name"], listed["revoked_at"]) == (
        made["id"],
        "entra",
        "entra",
        None,
    )
    assert made["token"] not in json.dumps(listed)
    assert run("revoke", made["id"]) == {"id": made["id"], "revoked": True}
    assert (await tokens())[0].revoked_at


async def test_people_are_asked_and_told(committed_database: TestDatabase, leashctl: Leashctl) -> None:
    """Without --yes nothing is ended; what does not exist or cannot be is said with exit code 1."""

    def run(*words: str) -> tuple[int, str, str]:
        done = leashctl("provisioning", "token", *words, LEASH_DATABASE__SERVICE_URL=committed_database.service_url)
        return done.returncode, done.stdout, done.stderr

    code, told, hint = run("create", "--provider", "okta")
    assert (code, told[:4], "shown only now" in hint) == (0, "olp_", True)
    [token] = await tokens()
    assert (token.expires_at - token.created_at).days == 365
    assert run("revoke", str(token.id))[0] != 0
    assert run("revoke", str(token.id), "--dry-run")[0] == 0
    assert (await tokens())[0].revoked_at is None
    assert "okta" in run("list")[1]
    assert run("revoke", str(uuid4()), "--yes")[0] == 1
    assert run("create", "--provider", "Not A Name")[0] == 1
