"""`leashctl people` against a real database, each call a process of its own."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from appliance.clock import utc_now
from appliance.database.transaction import transaction
from appliance.identity import accounts
from appliance.identity.records import Limits, LinkPurpose, NewLink, Source, SourceKind
from appliance.identity.service import Identity, build_identity
from appliance.keys import load_or_create_keys
from tests.support.people import OPERATOR, Someone, claim, ledger_events
from tests.support.postgres import TestDatabase


class Line:
    """`leashctl people` of one installation, whose public address is example.org."""

    def __init__(self, database: TestDatabase, state: Path) -> None:
        self.environ = os.environ | {
            "LEASH_STATE__DIRECTORY": str(state),
            "LEASH_SERVER__PUBLIC_URL": "https://leash.example.org",
            "LEASH_DATABASE__SERVICE_URL": database.service_url,
        }

    async def run(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command; it must end with `code`."""
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "installer", "people", *words],
            env=self.environ, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done

    async def json(self, *words: str) -> Any:  # noqa: ANN401 - any JSON
        """The JSON that a command prints."""
        return json.loads((await self.run(*words, "--json")).stdout)


@pytest.fixture
def line(committed_database: TestDatabase, tmp_path: Path) -> Line:
    """The command line."""
    return Line(committed_database, tmp_path)


async def test_from_the_owner_link_to_a_person_who_is_let_in_no_more(line: Line, tmp_path: Path) -> None:
    """Owner link, claim, invitation, roles, script session, reset, disabling: each by one command, each recorded."""
    identity = build_identity(
        load_or_create_keys(tmp_path).derive("identity"),
        limits=Limits(),
        sign_in_attempts_per_minute=10,
        owner_link_minutes=60,
        issuer="OpenLeash",
    )
    link = await line.json("owner-link")
    assert link["url"] == f"https://leash.example.org/claim/{link['token']}"
    owner = await _claimed(identity, link["token"], "ada@example.org")
    refused = await line.run("owner-link", code=1)
    assert "--another" in refused.stderr
    assert (await line.json("owner-link", "--another"))["token"] != link["token"]

    invited = await line.json("invite", "--email", "mia@example.org", "--name", "Mia", "--role", "member")
    await line.run("grant", "mia@example.org", "approver")
    made = await line.json("session", "create", "--person", owner.email, "--minutes", "5")
    signed_in = await identity.sessions.authenticate(made["token"], utc_now())
    assert signed_in
    assert signed_in.person_id == owner.id
    people = await line.json("list")
    assert [(each["email"], each["state"], each["roles"]) for each in people] == [
        ("ada@example.org", "active", ["owner"]),
        ("mia@example.org", "invited", ["approver", "member"]),
    ]
    first = await line.run("list", "--limit", "1")
    assert (first.stdout.split()[0], first.stderr) == (owner.email, f"There are more: --after {owner.email}\n")
    rest = await line.run("list", "--after", owner.email, "--role", "approver")
    assert (rest.stdout.split()[0], rest.stderr) == ("mia@example.org", "")

    again = await line.json("reset", "mia@example.org", "--yes")
    assert again["token"] != invited["token"]
    await line.run("take", "mia@example.org", "approver", "--yes")
    await line.run("disable", "mia@example.org", "--dry-run")
    assert (await line.json("list"))[1]["state"] == "invited"
    await line.run("disable", "mia@example.org", code=1)  # nobody says yes
    await line.run("disable", "mia@example.org", "--yes")
    assert (await line.json("list"))[1]["state"] == "disabled"
    await line.run("enable", "mia@example.org")
    assert (await line.json("session", "revoke-all", "--person", owner.email, "--yes"))["ended"] == 3
    assert await identity.sessions.authenticate(owner.token, utc_now()) is None
    events = await ledger_events()
    for event in ("owner_link.created", "person.invited", "person.disabled", "person.enabled", "sessions.revoked"):
        assert events[event], event
    identity.close()


async def _claimed(identity: Identity, token: str, email: str) -> Someone:
    """Two live sessions: the browser's, and a script's."""
    link = NewLink(token=token, expires_at=utc_now(), purpose=LinkPurpose.OWNER, link_id=uuid4())
    return await claim(identity, link, utc_now(), email=email, display_name="Ada")


async def test_an_account_is_taken_from_its_person(line: Line) -> None:
    """By its source, once somebody has said yes; its person's only way in stays."""
    corp = Source(SourceKind.DIRECTORY, "corp")
    profile = accounts.Profile(key="ida", user_name="ida", display_name="Ida", email="ida@example.org")
    async with transaction():
        person = await accounts.provision(corp.actor, corp, profile, utc_now())
    told = await line.run("unlink", "ida@example.org", "directory:corp", "--yes", "--json", code=1)
    assert json.loads(told.stderr.splitlines()[-1])["code"] == "unlink_refused"
    assert "0 accounts" in (await line.run("unlink", "ida@example.org", "directory:lab", "--yes", code=1)).stderr
    staff = Source(SourceKind.PROVIDER, "staff")
    async with transaction():
        await accounts.link(OPERATOR, staff, profile, person, utc_now())
    await line.run("unlink", "ida@example.org", "directory:corp", "--dry-run")
    assert len(await accounts.accounts_of_person(person)) == 2
    assert (await line.json("unlink", "ida@example.org", "directory:corp", "--yes"))["sessions"] == 0
    assert [each.source for each in await accounts.accounts_of_person(person)] == [staff]


async def test_refusals_are_told_in_words_and_in_json(line: Line) -> None:
    """With an exit code, for scripts and for people; nothing of it is a trace."""
    unknown = await line.run("disable", "nobody@example.org", "--yes", code=1)
    assert "There is no such person" in unknown.stderr
    as_json = await line.run("session", "create", "--person", "nobody@example.org", "--json", code=1)
    assert json.loads(as_json.stderr.splitlines()[-1])["code"] == "person_unknown"
    for words in (
        ("invite", "--email", "x", "--name", "X", "--role", "member"),
        ("invite", "--email", "x@example.org", "--name", "\u202e", "--role", "member"),
    ):
        assert "Traceback" not in (await line.run(*words, code=1)).stderr
    await line.run("grant", "x@example.org", "emperor", code=2)
