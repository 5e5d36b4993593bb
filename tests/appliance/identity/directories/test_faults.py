"""Whatever a directory does wrong, in whatever order, it puts nobody out."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.database.connection import current_connection
from appliance.database.transaction import transaction
from appliance.identity.directories.plans import RunState
from appliance.identity.directories.service import Directories
from tests.support.fake_directory import FakeDirectory, Fault
from tests.support.syncing import Hands, enabled, memberships
from tests.support.syncing import settings as directory_settings

NAMES = ("ida", "bob", "eve", "kim")
BAD = [fault for fault in Fault if fault not in {Fault.NONE, Fault.HANG}]
TABLES = "sync_run, sync_change_page, directory_page, identity_group, external_account, person"
steps = st.one_of(
    st.tuples(st.just("fail"), st.sampled_from(BAD)),
    st.tuples(st.just("fail"), st.sampled_from(BAD)),
    st.tuples(st.just("succeed")),
    st.tuples(st.just("disable"), st.sampled_from(NAMES)),
    st.tuples(st.just("enable"), st.sampled_from(NAMES)),
    st.tuples(st.just("delete"), st.sampled_from(NAMES)),
    st.tuples(st.just("wait"), st.integers(1, 30)),
)


@dataclass
class World:
    """The directory, and who could come in after the last run that read it completely."""

    corp: FakeDirectory
    directories: Directories
    hands: Hands
    people: dict[str, bool] = field(default_factory=dict)
    groups: dict[str, set[str]] = field(default_factory=dict)

    async def fail(self, fault: Fault) -> None:
        """A run with a fault: nobody loses anything, though the directory may have changed as well."""
        self.corp.fault = fault
        try:
            run = await self.directories.syncs["corp"].run()
        except KeyError:
            assert fault is Fault.STRANGE
        else:
            assert run.state is RunState.FAILED
        assert (await enabled(), await memberships()) == (self.people, self.groups)

    async def succeed(self) -> None:
        """A run without: everybody is as the directory says."""
        self.corp.fault = Fault.NONE
        assert (await self.directories.syncs["corp"].run()).state is RunState.DONE
        self.people, self.groups = await enabled(), await memberships()
        there = {user.user_name: not user.is_disabled for user in self.corp.users.values()}
        assert self.people == {name: there.get(name, False) for name in self.people}
        assert {name for name, is_there in there.items() if is_there} <= self.people.keys()

    async def disable(self, name: str) -> None:
        self._set(name, is_disabled=True)

    async def enable(self, name: str) -> None:
        if name not in {user.user_name for user in self.corp.users.values()}:
            self.corp.group("staff", {*self.corp.users, *self.corp.add(name)})
        self._set(name, is_disabled=False)

    async def delete(self, name: str) -> None:
        if len(self.corp.users) > 1:  # of a directory without anybody nothing is believed
            self.corp.remove(*(key for key, user in self.corp.users.items() if user.user_name == name))

    async def wait(self, hours: int) -> None:
        self.hands.forward(hours=hours)

    def _set(self, name: str, *, is_disabled: bool) -> None:
        for key, user in list(self.corp.users.items()):
            if user.user_name == name:
                self.corp.change(key, is_disabled=is_disabled)


@pytest.mark.usefixtures("committed_database")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, min_size=3, max_size=14))
async def test_no_sequence_of_faults_disables_anyone(path: list[tuple[Any, ...]]) -> None:
    """Errors, time-outs, lost connections, empty and partial results, full or incremental, between real changes."""
    async with transaction():
        await current_connection().execute(f"DELETE FROM {TABLES.replace(', ', '; DELETE FROM ')}")  # noqa: S608
    corp, hands = FakeDirectory(), Hands()
    corp.group("staff", corp.add(*NAMES))
    directories = Directories([corp], {"corp": directory_settings()}, hands)
    world = World(corp, directories, hands)
    await world.succeed()
    for step in path:
        await getattr(world, step[0])(*step[1:])
    await world.succeed()
