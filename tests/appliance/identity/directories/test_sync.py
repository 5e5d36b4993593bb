"""Sync of directories, from what the directory says to who may come in."""

import asyncio
import contextlib

import asyncpg
import msgspec
import pytest

from appliance.database.connection import current_connection
from appliance.database.transaction import transaction
from appliance.identity import accounts
from appliance.identity.directories import queries
from appliance.identity.directories.changes import changes_of
from appliance.identity.directories.errors import SyncBusyError, SyncOffError
from appliance.identity.directories.plans import Run, RunKind, RunState, What
from appliance.identity.directories.records import Change
from appliance.identity.directories.runs import INTERRUPTED
from appliance.identity.directories.sync import DirectorySync
from appliance.identity.errors import RoleChangeRefusedError
from appliance.identity.records import Role, SessionKind, Source, SourceKind
from appliance.identity.service import Identity
from tests.support.fake_directory import FakeDirectory, Fault
from tests.support.people import HERE, NOW, OPERATOR, ledger_events, ledger_facts, make_owner, make_person
from tests.support.syncing import Build, Hands, enabled, memberships, rows_of

SOURCE = Source(SourceKind.DIRECTORY, "corp")


async def test_people_and_their_groups_come_in(build: Build, corp: FakeDirectory, hands: Hands) -> None:
    """Enabled people with the groups of their groups, an entry in the ledger for each, and the run with its numbers."""
    ida, bob, eve = corp.add("ida", "bob", "eve")
    corp.change(eve, is_disabled=True)
    dev = corp.group("dev", [ida])
    corp.group("all", [dev, bob, eve])
    run = await build().syncs["corp"].run()
    assert (run.state, run.kind, dict(run.counts)) == (RunState.DONE, RunKind.FULL, {"created": 2})
    assert await enabled() == {"ida": True, "bob": True}
    assert await memberships() == {"ida": {"dev", "all"}, "bob": {"all"}}
    events = await ledger_events()
    assert (events["person.provisioned"], events["directory_sync.done"]) == (2, 1)
    [facts] = await ledger_facts("directory_sync.done")
    assert facts == {"directory": "corp", "kind": "full", "counts": {"created": 2}}
    changes = await changes_of(run.id)
    assert sorted((each.what, each.key) for each in changes if each.what is What.CREATED) == sorted(
        (What.CREATED, key) for key in (ida, bob)
    )
    assert all(each.account for each in changes if each.what is What.CREATED)


async def test_later_runs_read_what_is_new(build: Build, corp: FakeDirectory, hands: Hands) -> None:
    """Until the time for a full reading; a run that finds nothing is kept out of the ledger."""
    ida, bob = corp.add("ida", "bob")
    group = corp.group("dev", [ida])
    corp.group("empty", [])
    sync = build().syncs["corp"]
    await sync.run()
    hands.forward(minutes=2)
    quiet = await sync.run()
    assert (quiet.kind, quiet.state, dict(quiet.counts)) == (RunKind.INCREMENTAL, RunState.DONE, {})
    assert (await ledger_events())["directory_sync.done"] == 1
    corp.change(ida, user_name="ada", display_name="Ada", dn="uid=ada,ou=new,dc=example")
    corp.group("dev", [ida, bob])
    corp.add("eve")
    run = await sync.run()
    assert dict(run.counts) == {"created": 1, "refreshed": 1, "groups": 1}
    assert await enabled() == {"ada": True, "bob": True, "eve": True}
    assert await memberships() == {"ada": {"dev"}, "bob": {"dev"}}
    corp.remove(group)
    assert dict((await sync.run()).counts) == {"groups": 2}
    assert await memberships() == {}
    hands.forward(hours=24)
    assert (await sync.run()).kind is RunKind.FULL
    assert corp.reads == ["all", "since", "since", "since", "all"]


@pytest.mark.parametrize("cause", ["gone", "disabled"])
async def test_whoever_leaves_is_out_with_the_commit(
    build: Build, corp: FakeDirectory, hands: Hands, committed: Identity, cause: str
) -> None:
    """Sessions of browsers and devices are dead, the time is measured, and coming back needs no person."""
    ida, _ = corp.add("ida", "bob")
    sync = build().syncs["corp"]
    await sync.run()
    account = await accounts.find_account(SOURCE, ida)
    assert account is not None
    async with transaction():
        tokens = [
            (await committed.sessions.begin(account.person_id, kind, HERE, NOW)).token
            for kind in (SessionKind.BROWSER, SessionKind.DEVICE)
        ]
    assert await committed.sessions.authenticate(tokens[0], NOW) is not None
    hands.forward(seconds=120)
    before = corp.users[ida]
    corp.remove(ida) if cause == "gone" else corp.change(ida, is_disabled=True)
    run = await sync.run()
    committed.sessions.forget()
    assert [await committed.sessions.authenticate(token, NOW) for token in tokens] == [None, None]
    assert dict(run.counts) == {"disabled": 1, "sessions": 2}
    assert run.seconds_to_effect == pytest.approx(120, abs=0.01)
    assert (await ledger_facts("directory_sync.done"))[-1]["seconds_to_effect"] == 120
    assert [change.cause for change in await changes_of(run.id)] == [cause]
    assert (await queries.status_of("corp")).seconds_to_effect == run.seconds_to_effect
    corp.put(before)
    assert (await sync.run()).counts["enabled"] == 1
    assert await enabled() == {"ida": True, "bob": True}


async def test_an_address_that_somebody_has_keeps_the_newcomer_out(
    build: Build, corp: FakeDirectory, committed: Identity
) -> None:
    """People are never merged by address; the run goes on and says who was left out, without their name."""
    await make_owner(committed, NOW, email="ada@example.org")
    ada, _ = corp.add("ada", "bob")
    run = await build().syncs["corp"].run()
    assert dict(run.counts) == {"created": 1, "skipped": 1}
    assert await enabled() == {"bob": True}
    skipped = await changes_of(run.id, what=What.SKIPPED)
    assert [(each.key, each.cause, each.account) for each in skipped] == [(ada, "email_taken", None)]


async def test_whom_an_administrator_disabled_the_directory_does_not_enable(
    build: Build, corp: FakeDirectory, hands: Hands, committed: Identity
) -> None:
    """Whoever closes a door opens it."""
    [ida] = corp.add("ida")
    sync = build().syncs["corp"]
    await sync.run()
    account = await accounts.find_account(SOURCE, ida)
    assert account is not None
    await committed.people.disable(OPERATOR, account.person_id, NOW)
    for is_disabled in (True, False):
        corp.change(ida, is_disabled=is_disabled)
        await sync.run()
    assert await enabled() == {"ida": False}


async def test_a_failure_is_told_once_for_as_long_as_it_lasts(build: Build, corp: FakeDirectory) -> None:
    """With what the server said; the history has one line with a number, the ledger one entry."""
    corp.add("ida")
    sync = build().syncs["corp"]
    await sync.run()
    corp.fault = Fault.ERROR
    run = [await sync.run() for _ in range(3)][-1]
    assert (run.state, run.problem, dict(run.counts)) == (RunState.FAILED, "dc1 said: 51 busy", {"times": 3})
    corp.fault = Fault.TIME_OUT
    await sync.run()
    assert [each.state for each in await queries.runs()] == [RunState.FAILED, RunState.FAILED, RunState.DONE]
    facts = await ledger_facts("directory_sync.failed")
    assert facts == [{"directory": "corp", "code": "directory_unavailable"}] * 2
    corp.fault = Fault.STRANGE
    with pytest.raises(KeyError):
        await sync.run()
    assert (await queries.runs())[0].problem == "KeyError"


class Spoiling(FakeDirectory):
    """Its cursor is what the database cannot keep: the last statement of a run fails."""

    async def read_all(self) -> Change:
        return msgspec.structs.replace(await super().read_all(), cursor="\0")


async def test_a_run_that_fails_at_its_end_changes_nobody(build: Build) -> None:
    """One transaction: neither people nor groups nor their entries in the ledger are there."""
    spoiling = Spoiling("branch")
    spoiling.group("dev", spoiling.add("ida", "bob"))
    with pytest.raises(asyncpg.PostgresError):
        await build(spoiling).syncs["branch"].run()
    assert set((await rows_of("person", "external_account", "identity_group", "directory_page")).values()) == {0}
    assert await ledger_events() == {"directory_sync.failed": 1}


async def test_a_run_that_died_is_marked_by_the_next(build: Build, corp: FakeDirectory) -> None:
    """Killed while it read: nobody had been changed. As long as it lives no other one begins."""
    corp.add("ida")
    sync = build().syncs["corp"]
    corp.fault = Fault.HANG
    running = asyncio.create_task(sync.run())
    await corp.was_read.wait()
    with pytest.raises(SyncBusyError):
        await sync.run()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    corp.fault = Fault.NONE
    assert (await _run_once_free(sync)).state is RunState.DONE
    died = (await queries.runs())[1]
    assert (died.state, died.problem) == (RunState.FAILED, INTERRUPTED)


async def _run_once_free(sync: DirectorySync) -> Run:
    """The next run that can begin: the server needs a moment to see that a connection, and its lock, are gone."""
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(SyncBusyError):
                return await sync.run()
            await asyncio.sleep(0.05)


async def test_a_preview_writes_nothing(build: Build, corp: FakeDirectory) -> None:
    """Not even a run; it shows names, numbers, and whether the brake would hold."""
    tables = ("person", "external_account", "identity_group", "directory_page", "sync_run")
    ida, bob = corp.add("ida", "bob")
    corp.group("dev", [ida])
    directories = build(brake_people=0)
    before = await rows_of(*tables, "sync_change_page", "ledger_entry")
    shown = await directories.preview("corp")
    assert (dict(shown.counts), shown.held) == ({"created": 2}, "")
    assert sorted(user.display_name for user in shown.plan.create) == ["Bob", "Ida"]
    assert await rows_of(*tables, "sync_change_page", "ledger_entry") == before
    await directories.syncs["corp"].run()
    corp.remove(bob)
    assert "brake_people is 0" in (await directories.preview("corp")).held


async def test_one_directory_does_not_wait_for_another(build: Build, corp: FakeDirectory) -> None:
    """Nor touch its people: the same name there is somebody else."""
    branch = FakeDirectory("branch")
    corp.add("ida")
    branch.add("ida", email="ida@branch.example.org")
    corp.fault = Fault.TIME_OUT
    directories = build(branch)
    assert [(await directories.syncs[name].run()).state for name in ("corp", "branch")] == [
        RunState.FAILED,
        RunState.DONE,
    ]
    corp.fault = Fault.NONE
    await directories.syncs["corp"].run()
    branch.remove(*branch.users)
    branch.add("bob")
    await directories.syncs["branch"].run()
    assert await enabled("corp") == {"ida": True}
    assert await enabled("branch") == {"ida": False, "bob": True}


async def test_other_settings_make_a_run_read_everything(build: Build, corp: FakeDirectory) -> None:
    """A filter that was changed changes no entry of the directory."""
    corp.add("ida")
    await build().syncs["corp"].run()
    await build(user_filter="(uid=*)").syncs["corp"].run()
    await build(user_filter="(uid=*)").syncs["corp"].run()
    assert corp.reads == ["all", "all", "since"]


async def test_whoever_comes_in_without_a_change_is_found(build: Build, corp: FakeDirectory) -> None:
    """A subtree moved below the base: its entries are present, and none of them is reported."""
    corp.add("ida", "bob")
    sync = build().syncs["corp"]
    await sync.run()
    [eve] = corp.add("eve")
    corp._changed[eve] = 0
    assert (await sync.run()).kind is RunKind.FULL
    assert corp.reads == ["all", "since", "all"]
    assert (await enabled())["eve"]


async def test_the_last_owner_is_spared(build: Build, corp: FakeDirectory) -> None:
    """A directory that disables everybody does not lock the installation."""
    [ida] = corp.add("ida")
    sync = build().syncs["corp"]
    await sync.run()
    account = await accounts.find_account(SOURCE, ida)
    assert account is not None
    async with transaction():
        await current_connection().execute(
            "INSERT INTO person_role (id, person, role) VALUES ($1, $1, 'owner')", account.person_id
        )
    corp.change(ida, is_disabled=True)
    assert (await sync.run()).counts["spared"] == 1
    assert await enabled() == {"ida": True}


async def test_only_whoever_manages_people_starts_a_run(build: Build, corp: FakeDirectory, committed: Identity) -> None:
    """And only of a directory that there is an account to read with."""
    member = await make_person(committed, Role.MEMBER, "m@example.org", NOW)
    with pytest.raises(RoleChangeRefusedError):
        await build().sync(member.actor, "corp")
    assert (await build().sync(OPERATOR, "corp")).state is RunState.DONE
    with pytest.raises(SyncOffError):
        await build(bind="direct", bind_template="{user}").sync(OPERATOR, "corp")
