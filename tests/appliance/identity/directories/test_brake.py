"""A run that would disable too many people waits for a person, and a bad one is taken back."""

import pytest

from appliance.database.connection import read_connection
from appliance.identity import accounts, groups
from appliance.identity.directories import queries
from appliance.identity.directories.changes import changes_of
from appliance.identity.directories.errors import RunClosedError, RunOutgrownError, RunUnknownError
from appliance.identity.directories.plans import RunKind, RunState, What
from appliance.identity.directories.service import Directories
from appliance.identity.errors import RoleChangeRefusedError
from appliance.identity.records import Role, Source, SourceKind
from appliance.identity.service import Identity
from tests.support.fake_directory import FakeDirectory, Fault
from tests.support.people import NOW, OPERATOR, ledger_events, ledger_facts, make_person
from tests.support.syncing import Build, Hands, enabled, memberships

SOURCE = Source(SourceKind.DIRECTORY, "corp")
NAMES = [f"p{number:02}" for number in range(20)]


@pytest.fixture
async def directories(build: Build, corp: FakeDirectory, hands: Hands) -> Directories:
    """Twenty people in one group, two of whom may be disabled at once."""
    corp.group("staff", corp.add(*NAMES))
    made = build(brake_percent=10, brake_people=25)
    await made.syncs["corp"].run()
    hands.forward(minutes=2)
    return made


def leave(corp: FakeDirectory, *names: str) -> None:
    """Disable people in the directory."""
    for key, user in list(corp.users.items()):
        if user.user_name in names:
            corp.change(key, is_disabled=True)


async def out() -> set[str]:
    """Names of people who may not come in."""
    return {name for name, is_enabled in (await enabled()).items() if not is_enabled}


async def test_at_the_threshold_a_run_happens_and_above_it_waits(directories: Directories, corp: FakeDirectory) -> None:
    """Two of twenty are 10%; of eighteen, two are more, and nothing at all is changed, groups included."""
    leave(corp, "p00", "p01")
    assert (await directories.syncs["corp"].run()).state is RunState.DONE
    leave(corp, "p02", "p03")
    corp.group("other", [*corp.users][:5])
    before = await memberships()
    run = await directories.syncs["corp"].run()
    assert (run.state, run.problem) == (RunState.HELD, "It would disable 2 of 18 people; brake_percent is 10")
    assert await out() == {"p00", "p01"}
    assert await memberships() == before
    assert {each.cause for each in await changes_of(run.id, what=What.DISABLED)} == {"disabled"}
    assert (await ledger_events())["directory_sync.held"] == 1


async def test_a_held_run_is_not_held_again_and_again(directories: Directories, corp: FakeDirectory) -> None:
    """Its identifier stays as long as it shows everybody who would be disabled; one more person makes a new one."""
    leave(corp, "p00", "p01", "p02")
    held = await directories.syncs["corp"].run()
    assert (await directories.syncs["corp"].run()).id == held.id
    leave(corp, "p03")
    grown = await directories.syncs["corp"].run()
    assert grown.id != held.id
    assert [(run.id, run.state) for run in await queries.runs()][:2] == [
        (grown.id, RunState.HELD),
        (held.id, RunState.REJECTED),
    ]
    assert (await queries.status_of("corp")).held == grown


async def test_a_directory_that_recovers_needs_nobody(directories: Directories, corp: FakeDirectory) -> None:
    """Once a run may happen again, the held one is over."""
    leave(corp, *NAMES)
    held = await directories.syncs["corp"].run()
    for key in corp.users:
        corp.change(key, is_disabled=False)
    assert (await directories.syncs["corp"].run()).state is RunState.DONE
    assert (await queries.run_by_id(held.id)).state is RunState.REJECTED
    with pytest.raises(RunClosedError):
        await directories.confirm_run(OPERATOR, held.id)
    assert await out() == set()


async def test_a_person_lets_it_happen(directories: Directories, corp: FakeDirectory, hands: Hands) -> None:
    """Whoever came back meanwhile stays; everything else of the run happens too."""
    leave(corp, *NAMES[:6])
    held = await directories.syncs["corp"].run()
    hands.forward(minutes=3)
    corp.change(next(key for key, user in corp.users.items() if user.user_name == "p05"), is_disabled=False)
    corp.add("new")
    done = await directories.confirm_run(OPERATOR, held.id)
    assert (done.id, done.state, done.resolved_by) == (held.id, RunState.DONE, "leashctl")
    assert await out() == set(NAMES[:5])
    assert "new" in await enabled()
    assert done.seconds_to_effect == pytest.approx(300, abs=0.01)
    assert (await ledger_events())["directory_sync.confirmed"] == 1
    assert (await directories.syncs["corp"].run()).kind is RunKind.INCREMENTAL


async def test_nobody_is_disabled_whom_nobody_was_shown(directories: Directories, corp: FakeDirectory) -> None:
    """One more at the time of confirming: nothing happens, and the new difference waits."""
    leave(corp, *NAMES[:6])
    held = await directories.syncs["corp"].run()
    leave(corp, "p06")
    with pytest.raises(RunOutgrownError) as refused:
        await directories.confirm_run(OPERATOR, held.id)
    assert await out() == set()
    assert (await queries.run_by_id(held.id)).state is RunState.REJECTED
    assert (await directories.confirm_run(OPERATOR, refused.value.run_id)).state is RunState.DONE
    assert await out() == set(NAMES[:7])


async def test_no_group_is_taken_that_nobody_was_shown(directories: Directories, corp: FakeDirectory) -> None:
    """A group that loses its members between looking and confirming: nothing happens, and the new run shows it."""
    corp.group("other", corp.users)
    await directories.syncs["corp"].run()
    leave(corp, *NAMES[:6])
    corp.group("other", [])
    held = await directories.syncs["corp"].run()
    corp.group("staff", [])
    before = await memberships()
    with pytest.raises(RunOutgrownError) as refused:
        await directories.confirm_run(OPERATOR, held.id)
    assert (await out(), await memberships()) == (set(), before)
    lost = [each for each in await changes_of(refused.value.run_id, what=What.GROUPS) if len(each.before) == 2]
    assert len(lost) == len(NAMES)
    assert (await directories.confirm_run(OPERATOR, refused.value.run_id)).state is RunState.DONE
    assert (await out(), await memberships()) == (set(NAMES[:6]), {})


async def test_whoever_was_shown_as_leaving_may_leave_groups_with_it(
    directories: Directories, corp: FakeDirectory
) -> None:
    """An entry that is deleted between looking and confirming takes no more than access did."""
    leave(corp, *NAMES[:6])
    held = await directories.syncs["corp"].run()
    corp.remove(next(key for key, user in corp.users.items() if user.user_name == "p00"))
    assert (await directories.confirm_run(OPERATOR, held.id)).state is RunState.DONE
    assert "p00" not in await memberships()


async def test_a_reading_without_groups_needs_a_look_of_its_own(directories: Directories, corp: FakeDirectory) -> None:
    """Also where nobody is in them; the run that shows it, and everything else at once, can be confirmed."""
    corp.group("staff", [])
    await directories.syncs["corp"].run()
    leave(corp, *NAMES[:6])
    held = await directories.syncs["corp"].run()
    corp.remove(*list(corp.groups))
    with pytest.raises(RunOutgrownError) as refused:
        await directories.confirm_run(OPERATOR, held.id)
    assert [group.name for group in await groups.groups_of(SOURCE)] == ["staff"]
    shown = await queries.run_by_id(refused.value.run_id)
    assert "It would disable 6 of 20 people" in shown.problem
    assert "none of 1 groups" in shown.problem
    assert (await directories.confirm_run(OPERATOR, shown.id)).state is RunState.DONE
    assert await groups.groups_of(SOURCE) == ()


async def test_a_confirmed_run_that_cannot_read_stays_held(directories: Directories, corp: FakeDirectory) -> None:
    """The error reaches whoever confirmed, who may try again."""
    leave(corp, *NAMES[:6])
    held = await directories.syncs["corp"].run()
    for fault in (Fault.ERROR, Fault.EMPTY, Fault.PARTIAL):
        corp.fault = fault
        with pytest.raises(Exception, match=r"busy|nobody|sizeLimit"):
            await directories.confirm_run(OPERATOR, held.id)
    assert (await queries.run_by_id(held.id)).state is RunState.HELD
    assert await out() == set()


async def test_a_refused_run_does_not_come_back_by_itself(directories: Directories, corp: FakeDirectory) -> None:
    """Scheduled runs that would do the same fail and say so; a person sees the difference again."""
    leave(corp, *NAMES[:6])
    held = await directories.syncs["corp"].run()
    assert (await directories.reject_run(OPERATOR, held.id)).state is RunState.REJECTED
    for _ in range(2):
        run = await directories.syncs["corp"].run()
        assert run.state is RunState.FAILED
        assert str(held.id) in run.problem
    assert (await directories.sync(OPERATOR, "corp")).state is RunState.HELD
    assert await out() == set()
    with pytest.raises(RunClosedError):
        await directories.reject_run(OPERATOR, held.id)


async def test_undoing_gives_back_what_a_run_took(directories: Directories, corp: FakeDirectory) -> None:
    """People and memberships; a role that somebody gave meanwhile stays, and the next run does not take it again."""
    key = next(key for key, user in corp.users.items() if user.user_name == "p00")
    staff = next(iter(corp.groups))
    corp.group("staff", [other for other in corp.users if other != key])
    leave(corp, "p00", "p01")
    bad = await directories.syncs["corp"].run()
    assert await out() == {"p00", "p01"}
    assert "p00" not in await memberships()
    account = await accounts.find_account(SOURCE, key)
    assert account is not None
    undone = await directories.undo_run(OPERATOR, bad.id)
    assert (undone.state, await out(), (await memberships())["p00"]) == (RunState.UNDONE, set(), {"staff"})
    assert (await ledger_facts("directory_sync.undone"))[0] == {"directory": "corp", "enabled": 2, "memberships": 1}
    again = await directories.syncs["corp"].run()
    assert (again.state, again.kind) == (RunState.HELD, RunKind.FULL)
    assert "gave back" in again.problem
    assert staff in corp.groups
    with pytest.raises(RunClosedError):
        await directories.undo_run(OPERATOR, bad.id)


async def test_after_an_undo_a_directory_that_is_right_again_needs_nobody(
    directories: Directories, corp: FakeDirectory
) -> None:
    """The guard is over with the first run that takes nothing of it."""
    leave(corp, "p00")
    bad = await directories.syncs["corp"].run()
    await directories.undo_run(OPERATOR, bad.id)
    corp.change(next(key for key, user in corp.users.items() if user.user_name == "p00"), is_disabled=False)
    assert (await directories.syncs["corp"].run()).state is RunState.DONE
    leave(corp, "p00")
    assert (await directories.syncs["corp"].run()).state is RunState.DONE
    assert await out() == {"p00"}


async def test_only_whoever_manages_people_decides(
    directories: Directories, corp: FakeDirectory, committed: Identity
) -> None:
    """An approver's attempt is in the ledger, and an unknown run is none."""
    approver = await make_person(committed, Role.APPROVER, "a@example.org", NOW)
    leave(corp, *NAMES[:6])
    held = await directories.syncs["corp"].run()
    for decide in (directories.confirm_run, directories.reject_run, directories.undo_run):
        with pytest.raises(RoleChangeRefusedError):
            await decide(approver.actor, held.id)
    facts = await ledger_facts("role_change.refused")
    assert [each["change"] for each in facts] == ["confirm_sync", "reject_sync", "undo_sync"]
    with pytest.raises(RunUnknownError):
        await directories.confirm_run(OPERATOR, approver.id)


async def test_the_history_holds_nothing_personal(directories: Directories, corp: FakeDirectory) -> None:
    """Neither names nor addresses nor distinguished names stand in the tables of sync."""
    leave(corp, *NAMES[:6])
    await directories.syncs["corp"].run()
    async with read_connection() as connection:
        for table in ("sync_run", "sync_change_page", "directory_page"):
            rows = await connection.fetch(f"SELECT t::text AS text FROM {table} t")  # noqa: S608 - our own names
            assert rows
            assert not [row["text"] for row in rows if "p0" in row["text"].lower() or "@" in row["text"]]
