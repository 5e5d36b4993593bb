"""`leashctl identity` against a real OpenLDAP and a real database, each call a process of its own."""

import asyncio
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from appliance.agents.records import DeploymentTerms, EnrolmentRequest
from appliance.agents.service import create_deployment_token, enroll
from appliance.clock import utc_now
from tests.installer.conftest import Leashctl
from tests.support import slapd
from tests.support.people import OPERATOR, ledger_facts
from tests.support.postgres import TestDatabase
from tests.support.slapd import Slapd, dn_of, group, person

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def server() -> Iterator[Slapd]:
    """Three people and a group within a group."""
    nested = group("staff", f"cn=leads,{slapd.GROUPS}")
    with slapd.slapd(person("ida") + person("ben") + person("eve")) as running:
        running.add(group("leads", dn_of("ida")) + nested)
        yield running


@pytest.fixture
def environ(server: Slapd, committed_database: TestDatabase) -> dict[str, str]:
    """The directory `corp` and the database, as variables; the brake holds from the second person on."""
    corp = {
        "KIND": "ldap",
        "URLS": server.ldaps,
        "CA_FILE": str(server.authority.file),
        "BIND_DN": slapd.SERVICE,
        "BIND_PASSWORD": slapd.SERVICE_PASSWORD,
        "USER_BASE": slapd.PEOPLE,
        "GROUP_BASE": slapd.GROUPS,
        "BRAKE_PEOPLE": "1",
    }
    named = {f"LEASH_DIRECTORIES__CORP__{key}": value for key, value in corp.items()}
    return {**named, "LEASH_DATABASE__SERVICE_URL": committed_database.service_url}


@pytest.fixture
def run(leashctl: Leashctl, environ: dict[str, str]) -> Run:
    """A command with JSON for an answer; what it says on the other stream if it is to fail."""

    def command(*words: str, code: int = 0, **changed: str) -> Any:  # noqa: ANN401 - any JSON value
        done = leashctl("identity", *words, "--json", **{**environ, **changed})
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout or done.stderr)

    return command


async def test_each_part_is_tested_and_says_what_to_do(run: Run, leashctl: Leashctl, environ: dict[str, str]) -> None:
    """All parts in their order with times; a wrong password of ours fails from bind on, with a next step."""
    told = run("test", "--user", "ida")
    assert [(each["section"], each["is_ok"]) for each in told] == [
        ("reach", True), ("tls", True), ("bind", True), ("find-user", True), ("groups", True),
    ]  # fmt: skip
    assert sum(each["seconds"] for each in told) > 0
    assert told[0]["host"]
    assert "leads" in told[-1]["said"]
    [wrong] = run("test", "--section", "bind", code=1, LEASH_DIRECTORIES__CORP__BIND_PASSWORD="wrong")
    assert not wrong["is_ok"]
    assert wrong["next_step"]
    assert run("test", "--directory", "nobody", code=1)["code"] == "directory_unknown"
    lines = leashctl("identity", "test", **environ).stdout.splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["corp", "reach", "ok"], ["corp", "tls", "ok"], ["corp", "bind", "ok"],
    ]  # fmt: skip


async def test_a_section_about_somebody_needs_a_name(leashctl: Leashctl, environ: dict[str, str]) -> None:
    """It is a wrong command line, not a failure."""
    assert leashctl("identity", "test", "--section", "groups", **environ).returncode == 2


async def test_sync_from_dry_run_to_undo(server: Slapd, run: Run, leashctl: Leashctl, environ: dict[str, str]) -> None:
    """A dry run changes nothing; a run shows its difference; the brake holds, and one may confirm and undo."""
    before = run("sync", "corp", "--dry-run")
    assert before["counts"] == {"created": 3}
    assert run("runs", "corp") == []
    done = run("sync", "corp")
    assert (done["state"], done["counts"]["created"]) == ("done", 3)
    assert {line["who"] for line in done["changes"] if line["what"] == "created"} == {"ida", "ben", "eve"}
    server.modify(f"dn: cn=staff,{slapd.GROUPS}\nchangetype: modify\nadd: member\nmember: {dn_of('ben')}\n")
    [moved] = run("sync", "corp")["changes"]
    assert (moved["what"], moved["who"], moved["gained"]) == ("groups", "ben", ["staff"])
    server.delete(dn_of("ben"), dn_of("eve"))
    try:
        held = run("sync", "corp", "--full", code=1)
        assert (held["state"], {line["who"] for line in held["changes"]}) == ("held", {"ben", "eve"})
        asked = leashctl("identity", "confirm", held["id"], **environ)
        assert asked.returncode != 0
        assert re.search(r"disabled +ben +gone", asked.stderr)
        assert run("confirm", held["id"], "--yes")["state"] == "done"
        assert run("confirm", held["id"], "--yes", code=1)["code"] == "sync_run_closed"
        assert run("undo", held["id"], "--yes")["state"] == "undone"
        again = run("sync", "corp", code=1)
        assert again["state"] == "held"
        assert run("reject", again["id"], "--yes")["state"] == "rejected"
        states = [each["state"] for each in run("runs", "corp")]
        assert states == ["rejected", "undone", "done", "done"]
    finally:
        server.add(person("ben") + person("eve"))


async def test_whois_says_where_everything_comes_from(run: Run, leashctl: Leashctl, environ: dict[str, str]) -> None:
    """By user name or address: groups with their way, roles with their reason, sessions and machines."""
    run("sync", "corp")
    assert leashctl("groups", "grant", "staff", "auditor", **environ).returncode == 0
    assert leashctl("people", "grant", "ida@example.test", "approver", **environ).returncode == 0
    made = await create_deployment_token(OPERATOR, DeploymentTerms(name="Laptops"), now=utc_now())
    request = EnrolmentRequest(
        deployment_token=made.token, hostname="laptop-7", platform="linux", email="ida@example.test"
    )
    await enroll(request, now=utc_now())
    known = run("whois", "ida")
    who = known["who"]
    assert who["person"]["email"] == "ida@example.test"
    assert [each["user_name"] for each in who["accounts"]] == ["ida"]
    assert who["directories"][0]["user"]["dn"] == dn_of("ida")
    assert [(each["name"], each["way"]) for each in who["groups"]] == [
        ("leads", ["leads"]), ("staff", ["leads", "staff"]),
    ]  # fmt: skip
    assert [(each["role"], each["by"]) for each in who["roles"]] == [
        ("approver", "assigned"), ("auditor", "directory:corp/staff"),
    ]  # fmt: skip
    assert [each["hostname"] for each in known["machines"]] == ["laptop-7"]
    told = leashctl("identity", "whois", "ida@example.test", **environ).stdout
    assert "leads > staff" in told
    assert "laptop-7" in told
    assert run("whois", "nobody", code=1)["code"] == "person_unknown"


async def test_whois_knows_whom_only_the_directory_knows(run: Run) -> None:
    """Before the first sync nobody is here, and whoever asks learns that the directory has them."""
    who = run("whois", "eve")["who"]
    assert (who["person"], who["directories"][0]["user"]["user_name"]) == (None, "eve")


async def test_signing_in_is_tried_by_the_password_of_the_terminal(
    leashctl: Leashctl, environ: dict[str, str], tmp_path: Path
) -> None:
    """The right one and a wrong one; both are in the ledger, no option takes a password, none is printed."""
    words = ("identity", "test", "--directory", "corp", "--section", "sign-in", "--user", "ida")
    wanted = {**environ, "LEASH_STATE__DIRECTORY": str(tmp_path / "state")}
    code, told = await asyncio.to_thread(on_a_terminal, words, wanted, slapd.PASSWORD)
    assert (code, "they would get an account here" in told, "leads, staff" in told) == (0, True, True), told
    code, told = await asyncio.to_thread(on_a_terminal, words, wanted, "guess-42")
    assert (code, "FAILED" in told, "guess-42" in told) == (1, True, False), told
    assert [each["outcome"] for each in await ledger_facts("directory.sign_in_tried")] == ["let_in", "wrong"]
    assert "--password" not in leashctl("identity", "test", "--help").stdout


def on_a_terminal(words: tuple[str, ...], environ: dict[str, str], password: str) -> tuple[int, str]:
    """Exit code and everything that a terminal shows, of a command that is given a password there."""
    ours, theirs = pty.openpty()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LEASH_")}
    with subprocess.Popen(  # noqa: S603 - our own command
        ["/usr/bin/setsid", "--ctty", "--wait", sys.executable, "-P", "-m", "installer", *words],
        env={**clean, **environ}, stdin=theirs, stdout=theirs, stderr=theirs,
    ) as process:  # fmt: skip
        os.close(theirs)
        told = b""
        while b"ida: " not in told:  # the space comes when nothing is shown any more
            told += os.read(ours, 1024)
        os.write(ours, f"{password}\n".encode())
        with suppress(OSError):  # the other end is closed
            while piece := os.read(ours, 1024):
                told += piece
    os.close(ours)
    return process.returncode, " ".join(told.decode().split())


async def test_a_provider_is_tested(run: Run) -> None:
    """One that does not answer fails with a next step; one that nobody configured is said to be unknown."""
    staff = {"LEASH_PROVIDERS__STAFF__ISSUER": "https://127.0.0.1:9", "LEASH_PROVIDERS__STAFF__CLIENT_ID": "leash"}
    allowed = {**staff, "LEASH_PROVIDERS__STAFF__ALLOW_PRIVATE_ADDRESSES": "true"}
    [refused] = run("providers", "test", "staff", code=1, **staff)
    assert (refused["section"], "allow_private_addresses" in refused["next_step"]) == ("discovery", True)
    [unreachable] = run("providers", "test", "staff", code=1, **allowed)
    assert not unreachable["is_good"]
    assert run("providers", "test", "nobody", code=1)["code"] == "provider_unknown"
