"""By which way somebody is in a group."""

from appliance.identity.directories.nesting import dn_token, key_token
from appliance.identity.directories.plans import Entry
from appliance.identity.whois import ways_into


def group(name: str, *members: str) -> Entry:
    """A group with members by their keys."""
    tokens = frozenset(key_token(member) for member in members)
    return Entry(key=name, is_group=True, dn=dn_token(name), name=name.title(), members=tokens)


def test_the_shortest_way_is_told_and_cycles_do_no_harm() -> None:
    """From the group that somebody is in directly to the outermost one; groups of others are not."""
    groups = [group("a", "ida", "c"), group("b", "a"), group("c", "b", "ida"), group("d", "c"), group("other", "ben")]
    assert ways_into(groups, "ida", 10) == {
        "a": ("A",),
        "c": ("C",),
        "b": ("A", "B"),
        "d": ("C", "D"),
    }


def test_the_depth_is_that_of_the_settings() -> None:
    """Direct groups are at depth 1."""
    groups = [group("a", "ida"), group("b", "a"), group("c", "b")]
    assert list(ways_into(groups, "ida", 2)) == ["a", "b"]
    assert ways_into(groups, "nobody", 10) == {}
