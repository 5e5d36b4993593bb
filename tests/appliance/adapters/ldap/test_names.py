"""Names on their way to a directory: escaping, templates, and one form for distinguished names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.adapters.ldap import names, requests

_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)


@given(_TEXT)
def test_a_value_arrives_in_a_filter_as_it_is(value: str) -> None:
    """Whatever the text, the filter is one equality test whose value is that text."""
    sent = requests.search(
        1, "dc=x", f"(uid={names.in_filter(value)})", ["uid"], scope=requests.SUBTREE, limit=2, controls=[]
    )
    wanted = value.encode()
    assert b"\x04\x03uid" in sent
    assert b"\x04" + (bytes([len(wanted)]) if len(wanted) < 128 else b"\x81" + bytes([len(wanted)])) + wanted in sent
    assert b"\xa3" in sent


@given(_TEXT)
def test_a_value_stays_one_part_of_a_distinguished_name(value: str) -> None:
    """What is typed into a template of a name cannot add, end or leave a part of it."""
    bound = names.bind_name("uid={user},ou=people,dc=x", value)
    assert bound is not None
    assert names.normal(bound).endswith(",ou=people,dc=x")
    inside = bound.removesuffix(",ou=people,dc=x")
    assert all(inside[at - 1] == "\\" for at, char in enumerate(inside) if char in ',+";<>')


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CN=Ida,DC=X", "cn=ida, dc=x"),
        ("cn=Smith\\, J\\C3\\B6rg,dc=x", "CN=smith\\2c jörg , dc=X"),
        ("cn=a  b,dc=x", "cn=A b,dc=x"),
        ("cn=a+sn=b,dc=x", "SN=B + CN=A,dc=x"),
        ("cn=\\#1,dc=x", "cn=\\231,dc=x"),
        ("cn=a\\\\b,dc=x", "cn=a\\5cb,dc=x"),
    ],
)
def test_names_that_mean_the_same_are_the_same(one: str, other: str) -> None:
    """Case, spaces, order within a part, and the two ways to escape."""
    assert names.normal(one) == names.normal(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("cn=a\\,b,dc=x", "cn=a,b=c,dc=x"), ("cn=a\\+sn=b,dc=x", "cn=a+sn=b,dc=x"), ("cn=a,dc=x", "cn=b,dc=x")],
)
def test_names_that_mean_something_else_differ(one: str, other: str) -> None:
    """An escaped separator separates nothing."""
    assert names.normal(one) != names.normal(other)


@given(_TEXT)
def test_the_normal_form_is_its_own(value: str) -> None:
    """Normalising twice changes nothing."""
    once = names.normal(names.bind_name("cn={user},dc=x", value) or "")
    assert names.normal(once) == once


@pytest.mark.parametrize("password", [b"", b"\0", b"\0\0"])
def test_an_anonymous_bind_cannot_be_written(password: bytes) -> None:
    """The last place before the network refuses it too, as it does an empty name."""
    with pytest.raises(requests.UnsendableError):
        requests.bind(1, "cn=x", password, with_policy=False)
    with pytest.raises(requests.UnsendableError):
        requests.bind(1, " ", b"right", with_policy=False)
