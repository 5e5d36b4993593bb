"""What directories do by themselves, and what they tell of it."""

import asyncio

import msgspec

from appliance.config.sign_in import Directory as DirectorySettings
from appliance.database.connection import read_connection
from appliance.identity.directories import queries
from appliance.identity.directories.jobs import forget_quiet, jobs
from appliance.identity.directories.plans import RunKind, RunState
from appliance.identity.directories.records import Change, DirectoryGroup
from tests.support.fake_directory import URL, FakeDirectory, Fault
from tests.support.syncing import Build, Hands, enabled

DEFAULT_SECONDS = next(
    field.default for field in msgspec.structs.fields(DirectorySettings) if field.name == "sync_seconds"
)
RUN_SECONDS = 55


async def test_each_directory_has_its_own_job(build: Build, corp: FakeDirectory, hands: Hands) -> None:
    """At its own interval, and none where there is no account to read with or sync is off."""
    corp.add("ida")
    made = jobs(build(FakeDirectory("branch"), sync_seconds=60), hands)
    names = ["directories.sync_corp", "directories.sync_branch", "directories.forget_quiet_runs"]
    assert [(job.name, job.every_seconds) for job in made] == list(zip(names, (60.0, 60.0, 3600.0), strict=True))
    await made[0].run()
    assert await enabled() == {"ida": True}
    for off in ({"sync_seconds": 0}, {"bind": "direct", "bind_template": "{user}@x"}):
        assert [job.name for job in jobs(build(**off), hands)] == names[2:]


async def test_two_schedulers_at_once_do_no_harm(build: Build, corp: FakeDirectory, hands: Hands) -> None:
    """One of them reads, the others go away; everybody is there once."""
    corp.group("staff", corp.add(*(f"p{number}" for number in range(50))))
    await asyncio.gather(*(jobs(build(), hands)[0].run() for _ in range(4)))
    assert len(await enabled()) == 50
    assert {run.state for run in await queries.runs()} == {RunState.DONE}


async def test_runs_that_found_nothing_are_forgotten(build: Build, corp: FakeDirectory, hands: Hands) -> None:
    """After two days; those that did something stay, and so does what the next run begins with."""
    corp.add("ida")
    sync = build().syncs["corp"]
    for _ in range(3):
        await sync.run()
        hands.forward(minutes=2)
    await forget_quiet(hands())
    assert len(await queries.runs()) == 3
    hands.forward(days=3)
    for _ in range(2):
        await forget_quiet(hands())
    assert [run.kind for run in await queries.runs()] == [RunKind.INCREMENTAL, RunKind.FULL]
    async with read_connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM sync_change_page") == 1


async def test_health_is_told_what_is_wrong(build: Build, corp: FakeDirectory, hands: Hands) -> None:
    """A sentence each: unencrypted connections, hosts that are away, sync that fails, a run that waits."""
    ida, *_ = corp.add("ida", "bob")
    directories = build(brake_people=0)
    await directories.syncs["corp"].run()
    assert await directories.statements() == ()
    corp.change(ida, is_disabled=True)
    held = await directories.syncs["corp"].run()
    corp.fault = Fault.TIME_OUT
    await directories.syncs["corp"].run()
    assert await directories.statements() == (
        f"Directory corp: {URL} does not answer: time_out",
        "Directory corp: sync waits for a person. It would disable 1 people; brake_people is 0 " + f"(run {held.id})",
        "Directory corp: sync fails (last good 2026-03-01 12:00 UTC): TimeoutError: no answer within 5 s",
    )
    [unsafe, *_] = await build(allow_unencrypted=True).statements()
    assert unsafe == "Directory corp: allow_unencrypted is set; passwords may cross the network in the clear"
    await directories.close()
    assert corp.is_closed


async def test_health_tells_which_names_several_groups_have(build: Build, corp: FakeDirectory) -> None:
    """Three of them by name; policies see none of these."""
    ida, nobody = corp.add("ida"), frozenset[str]()
    corp.group("Alone", ida)
    for number in range(4):
        corp.group(f"Team {number}", ida)
        corp.put(
            DirectoryGroup(key=f"other-{number}", dn=f"cn={number},ou=b", name=f"Team {number}", member_dns=nobody)
        )
    directories = build()
    await directories.syncs["corp"].run()
    told = "several groups have the same name, so that policies see none of them by it"
    assert await directories.statements() == (f"Directory corp: {told}: Team 0, Team 1, Team 2 and 1 more",)


class SlowDirectory(FakeDirectory):
    """It takes nearly a minute to answer, and to fail."""

    def __init__(self, hands: Hands) -> None:
        super().__init__("slow")
        self._hands = hands

    async def read_all(self) -> Change:
        """Everything, as it was when the reading began."""
        try:
            return await super().read_all()
        finally:
            self._hands.forward(seconds=RUN_SECONDS)

    async def read_since(self, cursor: str) -> Change:
        """What is new, as it was when the reading began."""
        try:
            return await super().read_since(cursor)
        finally:
            self._hands.forward(seconds=RUN_SECONDS)


async def test_at_defaults_whoever_left_is_out_in_five_minutes(build: Build, hands: Hands) -> None:
    """Also if they left just when a run had read them, runs take a minute, and the next one fails."""
    slow = SlowDirectory(hands)
    ida, *_ = slow.add("ida", "bob")
    job = jobs(build(slow), hands)[1]
    assert (job.name, job.every_seconds) == ("directories.sync_slow", DEFAULT_SECONDS)
    left_at = hands()
    await job.run()
    slow.change(ida, is_disabled=True)
    for fault in (Fault.TIME_OUT, Fault.NONE):
        hands.forward(seconds=job.every_seconds - RUN_SECONDS)
        slow.fault = fault
        await job.run()
    measured = (await queries.status_of("slow")).seconds_to_effect
    assert await enabled("slow") == {"ida": False, "bob": True}
    assert measured is not None
    assert 2 * DEFAULT_SECONDS < measured <= (hands() - left_at).total_seconds() <= 300
