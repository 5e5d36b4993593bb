"""`leashctl groups` against a real database, each call a process of its own."""

import json

from appliance.database.transaction import transaction
from appliance.identity import accounts, groups
from appliance.identity.records import Source, SourceKind
from tests.installer.conftest import Leashctl
from tests.support.people import NOW
from tests.support.postgres import TestDatabase

CORP = Source(SourceKind.DIRECTORY, "corp")


async def told() -> None:
    """A directory has told of two groups with the same member."""
    profile = accounts.Profile(key="ida", user_name="ida", display_name="Ida", email="")
    async with transaction():
        await accounts.provision(CORP.actor, CORP, profile, NOW)
        members = {"ida": frozenset({"a", "b"})}
        await groups.set_members(CORP.actor, CORP, {"a": "Leads", "b": "Everybody"}, members, NOW)


async def test_groups_are_listed_granted_and_revoked(committed_database: TestDatabase, leashctl: Leashctl) -> None:
    """For people and for programs; what is refused has an exit code and a next step."""
    await told()

    def run(*words: str, code: int = 0) -> str:
        done = leashctl("groups", *words, LEASH_DATABASE__SERVICE_URL=committed_database.service_url)
        assert done.returncode == code, done.stderr
        return done.stdout or done.stderr

    granted = json.loads(run("grant", "Leads", "approver", "--project", "/srv/pay", "--json"))
    assert granted["grants"] == [{"role": "approver", "project": "/srv/pay"}]
    run("grant", "directory:corp/Leads", "group:payments")
    lines = [" ".join(line.split()) for line in run("list").splitlines()]
    assert lines == [
        "directory:corp/Everybody 1 members -",
        "directory:corp/Leads 1 members approver in /srv/pay, group:payments",
    ]
    run("revoke", "Leads", "group:payments", "--dry-run")
    assert len(json.loads(run("list", "--json"))[1]["grants"]) == 2
    run("revoke", "Leads", "group:payments", "--yes")
    assert json.loads(run("list", "--json"))[1]["grants"] == granted["grants"]
    assert json.loads(run("grant", "Nobody", "member", "--json", code=1))["code"] == "group_unknown"
    assert json.loads(run("grant", "Leads", "boss", "--json", code=1))["code"] == "grant_refused"
