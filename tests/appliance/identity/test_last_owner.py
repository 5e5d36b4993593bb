"""Whatever sources say, in whatever order: an owner can come in, and nobody loses what a person assigned to them."""

from collections.abc import Awaitable, Callable
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.database.connection import current_connection
from appliance.identity.errors import DisabledElsewhereError, LastOwnerError
from appliance.identity.queries import has_owner, person_by_id
from appliance.identity.records import Role, Source
from appliance.identity.service import Identity
from tests.appliance.identity.external import CORP, STAFF, disable, enable, group, provision, tell
from tests.support.people import NOW, OPERATOR

KEYS: Final = ("ann", "bea", "cai")
GROUPS: Final = ("owners", "others")
SOURCES: Final = (CORP, STAFF)
_source = st.sampled_from(SOURCES)
_key = st.sampled_from(KEYS)
_keys = st.lists(_key, max_size=3, unique=True)
_members = st.dictionaries(_key, st.frozensets(st.sampled_from(GROUPS)), max_size=3)
_names = st.frozensets(st.sampled_from(GROUPS)).map(lambda keys: {key: key.title() for key in keys})
Step = Callable[[Identity], Awaitable[object]]


def _telling(source: Source, names: dict[str, str], members: dict[str, frozenset[str]], is_complete: bool) -> Step:  # noqa: FBT001 - drawn
    return lambda _identity: tell(names, members, is_complete=is_complete, source=source)


def _by_hand(key: str, source: Source, verb: str) -> Step:
    async def step(identity: Identity) -> None:
        person, change = await provision(key, source=source), getattr(identity.people, verb)
        await change(OPERATOR, person, *([Role.OWNER] if verb.endswith("_role") else []), NOW)

    return step


def _grant(source: Source, verb: str) -> Step:
    async def step(identity: Identity) -> None:
        await tell({"owners": "Owners"}, {}, is_complete=False, source=source)
        change = getattr(identity.group_grants, verb)
        await change(OPERATOR, (await group("owners", source=source)).id, "owner", NOW)

    return step


STEPS: Final = st.one_of(
    st.builds(lambda key, source: lambda _identity: provision(key, source=source), _key, _source),
    st.builds(lambda keys, source: lambda _identity: disable(*keys, source=source), _keys, _source),
    st.builds(lambda keys, source: lambda _identity: enable(*keys, source=source), _keys, _source),
    st.builds(_telling, _source, _names, _members, st.booleans()),
    st.builds(_by_hand, _key, _source, st.sampled_from(("revoke_role", "disable", "enable"))),
    st.builds(_grant, _source, st.sampled_from(("grant", "revoke"))),
)


@pytest.mark.parametrize("is_direct", [True, False])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=1, max_size=10))
async def test_no_order_of_tellings_loses_the_last_owner_or_an_assigned_role(
    identity: Identity,
    is_direct: bool,  # noqa: FBT001 - a case
    steps: list[Step],
) -> None:
    """One owner to begin with: by assignment, or by a group alone; what identity refuses changes nothing."""
    connection = current_connection()
    await connection.execute("SAVEPOINT before")
    try:
        for source in SOURCES:
            for key in KEYS:
                await provision(key, source=source)
        first = await provision("ann")
        if is_direct:
            await identity.people.grant_role(OPERATOR, first, Role.OWNER, NOW)
        else:
            await _grant(CORP, "grant")(identity)
            await tell({}, {"ann": frozenset({"owners"})}, is_complete=False)
        bea = await provision("bea")
        await identity.people.grant_role(OPERATOR, bea, Role.AUDITOR, NOW)
        assert await has_owner()
        refused = 0
        for step in steps:
            try:
                await step(identity)
            except (LastOwnerError, DisabledElsewhereError):
                refused += 1
            assert await has_owner(), "nobody can come in as owner"
        assert refused <= len(steps)
        assert (await person_by_id(bea)).direct_roles == {Role.AUDITOR}
    finally:
        await connection.execute("ROLLBACK TO SAVEPOINT before")
