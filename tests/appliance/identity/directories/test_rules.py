"""What follows from a reading, without a database: the brake, nested groups, who is gone and who is not."""

from datetime import timedelta
from fractions import Fraction
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.identity.directories.errors import DirectoryIncompleteError
from appliance.identity.directories.plans import Brake, Cause, Entry, Known, Plan
from appliance.identity.directories.records import Change, DirectoryGroup, DirectoryUser
from appliance.identity.directories.rules import check_reading, held_by, is_quiet, needs_everything, plan
from tests.support.people import NOW


def user(name: str, *, is_disabled: bool = False, dn: str = "") -> DirectoryUser:
    return DirectoryUser(
        key=name, dn=dn or f"uid={name}", user_name=name, display_name=name, email="", is_disabled=is_disabled
    )


def group(name: str, *members: str) -> DirectoryGroup:
    return DirectoryGroup(key=name, dn=f"cn={name}", name=name, member_dns=frozenset(members))


def known(*names: str, is_disabled: bool = False, seen_before: float = 60) -> dict[str, Known]:
    return {
        name: Known(
            id=uuid4(),
            key=name,
            person_id=uuid4(),
            is_disabled=is_disabled,
            seen_at=NOW - timedelta(seconds=seen_before),
        )
        for name in names
    }


def everything(*entries: DirectoryUser | DirectoryGroup) -> Change:
    return Change(
        cursor="1",
        users=tuple(each for each in entries if isinstance(each, DirectoryUser)),
        groups=tuple(each for each in entries if isinstance(each, DirectoryGroup)),
        gone=(),
        present=frozenset(entry.key for entry in entries),
        is_complete=True,
    )


def news(present: set[str], *entries: DirectoryUser | DirectoryGroup, gone: tuple[str, ...] = ()) -> Change:
    whole = everything(*entries)
    return Change(
        cursor="2",
        users=whole.users,
        groups=whole.groups,
        gone=gone,
        present=whole.present | present,
        is_complete=False,
    )


def entries_of(planned: Plan) -> dict[str, Entry]:
    return {entry.key: entry for entry in planned.remember}


def disabled(planned: Plan) -> dict[str, Cause]:
    return {each.account.key: each.cause for each in planned.disable}


@given(st.integers(0, 400), st.data(), st.integers(0, 100), st.integers(0, 60))
def test_the_brake_holds_at_its_threshold_exactly(people: int, data: st.DataObject, percent: int, most: int) -> None:
    """A run happens if it disables just as many as either limit says, and one more person stops it."""
    leaving = data.draw(st.integers(0, people))
    names = [f"p{number}" for number in range(people)]
    accounts = known(*names) | known("long-gone", is_disabled=True)
    change = everything(user("new"), *(user(name, is_disabled=at < leaving) for at, name in enumerate(names)))
    planned = plan(accounts, {}, {}, {}, change, started_at=NOW)
    assert len(planned.disable) == leaving
    is_held = bool(held_by(Brake(percent=percent, people=most), planned, accounts, {}))
    assert is_held == (leaving > most or leaving > Fraction(people * percent, 100))


@given(
    st.dictionaries(st.integers(0, 9), st.frozensets(st.integers(0, 14), max_size=5), max_size=10), st.integers(1, 12)
)
def test_nested_groups_are_followed_to_the_depth(inside: dict[int, frozenset[int]], depth: int) -> None:
    """Cycles included: who is reached over at most `depth` steps is a member, nobody else (10 to 14: people)."""
    people = [user(str(number)) for number in range(10, 15)]
    groups = [
        group(str(each), *(f"cn={member}" if member < 10 else f"uid={member}" for member in members))
        for each, members in inside.items()
    ]
    planned = plan({}, {}, {}, {}, everything(*people, *groups), started_at=NOW, depth=depth)
    expected = {}
    for person in range(10, 15):
        found, level = set[int](), {person}
        for _ in range(depth):
            level = {each for each, members in inside.items() if members & level}
            found |= level
        if found:
            expected[str(person)] = frozenset(map(str, found))
    assert {each.key: each.after for each in planned.regroup} == expected


def test_whoever_is_renamed_or_moved_stays_who_they_are() -> None:
    """Also in their groups, where the directory reports the move and no change of the group."""
    first = plan({}, {}, {}, {}, everything(user("ida"), group("dev", "uid=ida")), started_at=NOW)
    change = news({"dev"}, user("ida", dn="uid=ida,ou=new"))
    again = plan(known("ida"), {"dev": "dev"}, {"ida": frozenset({"dev"})}, entries_of(first), change, started_at=NOW)
    assert (again.create, again.disable, again.regroup, again.refresh) == ((), (), (), ())
    renamed = msgspec.structs.replace(user("ida"), user_name="ada")
    told = plan(known("ida"), {}, {}, entries_of(first), news({"dev"}, renamed), started_at=NOW)
    assert [each.user_name for each in told.refresh] == ["ada"]


def test_only_a_complete_reading_says_that_somebody_is_gone() -> None:
    """An incremental one says it of people whom a reading has shown before, and of those told as deleted."""
    accounts = known("ida", "bob", "jit")
    entries = entries_of(plan({}, {}, {}, {}, everything(user("ida"), user("bob")), started_at=NOW))
    assert disabled(plan(accounts, {}, {}, entries, news({"bob"}), started_at=NOW)) == {"ida": Cause.GONE}
    deleted = news({"bob", "ida"}, gone=("jit",))
    assert disabled(plan(accounts, {}, {}, entries, deleted, started_at=NOW)) == {"jit": Cause.GONE}
    complete = everything(user("bob"))
    assert disabled(plan(accounts, {}, {}, entries, complete, started_at=NOW)).keys() == {"ida", "jit"}


def test_whoever_came_while_the_reading_ran_is_not_gone() -> None:
    """Somebody's first sign-in can be newer than the page on which they would stand; their groups stay too."""
    accounts = known("bob") | known("jit", seen_before=-1)
    members = {"jit": frozenset({"dev"})}
    planned = plan(accounts, {"dev": "dev"}, members, {}, everything(user("bob"), group("dev")), started_at=NOW)
    assert (planned.disable, planned.regroup) == ((), ())


def test_disabled_people_are_neither_made_nor_refreshed() -> None:
    """And are taken over with what is new about them when they come back."""
    off = user("ida", is_disabled=True)
    planned = plan({}, {}, {}, {}, everything(off), started_at=NOW)
    assert planned.create == ()
    accounts = known("ida", is_disabled=True)
    back = plan(accounts, {}, {}, entries_of(planned), news(set(), user("ida")), started_at=NOW)
    assert ([each.key for each in back.enable], [each.key for each in back.refresh]) == (["ida"], ["ida"])


def test_nobody_is_made_where_the_configuration_says_so() -> None:
    """With create_people = false only linked accounts are kept up to date."""
    change = everything(user("ida"), user("bob"))
    planned = plan(known("bob"), {}, {}, {}, change, started_at=NOW, creates_people=False)
    assert (planned.create, [each.key for each in planned.refresh]) == ((), ["bob"])


def test_a_reading_without_anybody_is_not_believed() -> None:
    """Whether it is complete or not, as long as somebody is known."""
    entries = entries_of(plan({}, {}, {}, {}, everything(user("ida"), group("dev")), started_at=NOW))
    for change in (everything(), everything(group("dev")), news({"dev"}), news(set())):
        with pytest.raises(DirectoryIncompleteError, match="shows nobody"):
            check_reading(known("ida"), entries, change)
    check_reading({}, {}, everything())
    check_reading(known("ida"), entries, news({"ida"}))


def test_groups_that_all_vanish_are_held() -> None:
    """Whoever lost the right to read groups would otherwise lose everybody's roles."""
    planned = plan(known("ida"), {"dev": "dev"}, {}, {}, everything(user("ida")), started_at=NOW)
    assert "none of 1 groups" in held_by(Brake(percent=100, people=9), planned, known("ida"), {"dev": "dev"})


def test_whoever_came_in_by_a_sign_in_is_met_once() -> None:
    """By what the reading tells of them anyway, and else by a reading of everybody."""
    assert needs_everything({"ida", "bob"}, {"bob"}, news({"ida", "bob"}))
    assert needs_everything({"ida"}, {"gone"}, news({"ida"}))
    assert not needs_everything({"ida"}, {"bob"}, news({"ida", "bob"}, user("bob")))
    assert not needs_everything({"ida"}, {"bob"}, everything(user("ida")))


def test_what_came_in_without_a_change_needs_everything() -> None:
    """A subtree that was moved below the base changes none of its entries."""
    assert needs_everything({"ida"}, (), news({"ida", "moved-in"}))
    assert not needs_everything({"ida"}, (), news({"ida"}, user("bob")))
    assert is_quiet({"ida"}, news({"ida"}))
    assert not is_quiet({"ida", "bob"}, news({"ida"}))
