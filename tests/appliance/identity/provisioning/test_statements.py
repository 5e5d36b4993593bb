"""Filters as SQL: whatever is asked, the database understands it, and answers of one's own provider alone."""

from contextlib import suppress
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.identity.provisioning.conditions import (
    Comparison,
    Condition,
    Either,
    Every,
    Not,
    Operator,
    Present,
    Some,
)
from appliance.identity.provisioning.errors import FilterRefusedError
from appliance.identity.provisioning.groups import create_group
from appliance.identity.provisioning.queries import list_groups, list_users
from appliance.identity.provisioning.records import GroupContent, Query
from appliance.identity.provisioning.statements import GROUP, USER, Attributes
from appliance.identity.provisioning.users import create_user
from appliance.identity.service import Identity
from tests.appliance.identity.provisioning.test_users import ENTRA, OKTA, content
from tests.support.people import NOW

_VALUES = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(["true", "2026-01-01T00:00:00Z", "'; DROP TABLE scim_user; --", "%_\\", "$1"]),
    st.booleans(),
    st.none(),
    st.integers(),
    st.floats(),
)


def conditions(attributes: Attributes) -> st.SearchStrategy[Condition]:
    """Every way to ask of one kind of resource, also some that make no sense."""

    def tests(names: list[str]) -> st.SearchStrategy[Condition]:
        name = st.sampled_from([*names, "nothing", "provider"])
        return st.one_of(st.builds(Comparison, name, st.sampled_from(Operator), _VALUES), st.builds(Present, name))

    inside = [
        st.builds(Some, st.just(multiple), _joined(tests(list(elements.columns))))
        for multiple, elements in attributes.multiple.items()
    ]
    return _joined(st.one_of(tests([*attributes.single, *attributes.multiple]), *inside))


def _joined(plain: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    def extend(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
        parts = st.lists(inner, min_size=1, max_size=3).map(tuple)
        return st.one_of(st.builds(Every, parts), st.builds(Either, parts), st.builds(Not, inner))

    return st.recursive(plain, extend, max_leaves=4)


def queries(attributes: Attributes) -> st.SearchStrategy[Query]:
    """Such a filter in any order."""
    sort_by = st.sampled_from(["", *attributes.single])
    return st.builds(Query, condition=conditions(attributes), sort_by=sort_by, is_descending=st.booleans())


@pytest.fixture
async def others(identity: Identity) -> frozenset[UUID]:
    """A user and a group of another provider, who must never be seen."""
    await create_user(ENTRA, content(), NOW)
    user = await create_user(OKTA, content(email=""), NOW)
    group = await create_group(
        OKTA, GroupContent(display_name="Others", external_id="", members=frozenset({user.id})), NOW
    )
    return frozenset({user.id, group.id})


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=queries(USER))
async def test_every_filter_of_users_is_answered_or_refused(others: frozenset[UUID], query: Query) -> None:
    """No fault of the database, and nobody of another provider."""
    with suppress(FilterRefusedError):
        page = await list_users(ENTRA, query)
        assert page.total <= 1
        assert others.isdisjoint(user.id for user in page.users)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=queries(GROUP))
async def test_every_filter_of_groups_is_answered_or_refused(others: frozenset[UUID], query: Query) -> None:
    """As of users."""
    with suppress(FilterRefusedError):
        assert (await list_groups(ENTRA, query)).total == 0
