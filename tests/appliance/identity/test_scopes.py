"""Which projects a pattern means; Python and PostgreSQL must agree, because one answers and the other lists."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from appliance.database.connection import read_connection
from appliance.identity.errors import GrantRefusedError
from appliance.identity.records import ScopedRole
from appliance.identity.scopes import expression_of, is_approver_group, is_within, prepare_grant, roles_within

WITHIN = [
    ("/srv/pay", "/srv/pay"),
    ("/srv/pay/api", "/srv/pay"),
    ("/home/ida/src/pay", "/home/*/pay"),
    ("/home/ida/pay/api", "/home/*/pay"),
    ("C:\\work\\pay\\api", "C:\\work\\pay"),
    ("/srv/a+b (c)/x", "/srv/a+b (c)"),
    ("/srv/a\nb", "/srv/*"),
    ("pay", "pay"),
    ("/anything", "*"),
    ("/x", "/"),
]
OUTSIDE = [
    ("/srv/payments", "/srv/pay"),
    ("/srv", "/srv/pay"),
    ("/srv/pay/../core", "/srv/pay"),
    ("/srv/pay/..", "/srv/pay"),
    ("..\\pay", "*"),
    ("/SRV/PAY", "/srv/pay"),
    ("/srv/aXb", "/srv/a.b"),
    ("", "*"),
    ("/srv/pay", ""),
    ("x/srv/pay", "/srv/pay"),
]


@pytest.mark.parametrize(("project", "pattern"), WITHIN)
def test_a_project_is_within_its_pattern(project: str, pattern: str) -> None:
    """The folder itself, whatever is below it, and what a star stands for."""
    assert is_within(project, pattern)


@pytest.mark.parametrize(("project", "pattern"), OUTSIDE)
def test_other_projects_are_not(project: str, pattern: str) -> None:
    """Neither a folder that begins alike, nor a path that climbs out, nor no path at all."""
    assert not is_within(project, pattern)


def test_roles_hold_for_their_own_projects() -> None:
    """Roles and approver groups alike."""
    scoped = {ScopedRole("approver", "/srv/pay"), ScopedRole("group:leads", "/srv/*"), ScopedRole("security", "/etc")}
    assert roles_within(scoped, "/srv/pay/api") == {"approver", "group:leads"}
    assert roles_within(scoped, "/") == frozenset()


def test_many_stars_take_no_longer_than_one() -> None:
    """An administrator's pattern must not hold a worker up."""
    assert not is_within("/" + "a" * 4_000, "*" * 300 + "b")
    assert not is_within("/" + "a" * 4_000, "*a" * 100 + "b")


def test_an_approver_group_has_a_name_that_no_directory_group_can_have() -> None:
    """Those have their source in front of them."""
    assert is_approver_group("group:payments-leads")
    for text in ("payments", "group:", "group:9", "group:a b", "group:directory:corp/Leads", "group:" + "a" * 64):
        assert not is_approver_group(text), text


def test_a_grant_is_stored_in_one_form() -> None:
    """Without spaces around it, and without the slash at the end of a folder."""
    assert prepare_grant(" approver ", " /srv/pay// ") == ("approver", "/srv/pay")
    assert prepare_grant("group:x", "/") == ("group:x", "/")
    with pytest.raises(GrantRefusedError, match="boss"):
        prepare_grant("boss", "")


TEXTS = st.text(st.sampled_from("/\\.*ab+()[]{}^$|? -#&~\u00e9\n"), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # nothing is written
@given(TEXTS, TEXTS)
@example("/srv/pay/api", "/srv/pay")
async def test_the_database_agrees(rolled_back_database: object, project: str, pattern: str) -> None:
    """Of any path and any pattern; `..` is looked for beside the expression on both sides."""
    async with read_connection() as connection:
        found = await connection.fetchval(
            "SELECT $1::text ~ $2::text AND $1 !~ '(^|[/\\\\])[.][.]([/\\\\]|$)'",
            project,
            expression_of(pattern),
        )
    assert (bool(found) and bool(project) and bool(pattern)) == is_within(project, pattern)
