"""Pure decisions: who may do what, and which texts are taken."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.identity.errors import EmailRefusedError, NameRefusedError, PasswordRefusedError
from appliance.identity.records import Role
from appliance.identity.rules import (
    PERMISSIONS,
    Permission,
    is_permitted,
    may_manage,
    permissions_of,
    prepare_email,
    prepare_name,
    prepare_new_password,
    prepare_password,
    shown,
)

ANYTHING = st.one_of(st.none(), st.integers(), st.booleans(), st.lists(st.text()), st.text(), st.binary())


def test_every_role_has_its_permissions_and_owners_have_all() -> None:
    """Somebody without roles has none."""
    assert set(PERMISSIONS) == set(Role)
    assert PERMISSIONS[Role.OWNER] == set(Permission)
    assert permissions_of(()) == frozenset()
    assert not is_permitted((), Permission.DECISIONS_READ_OWN)
    assert permissions_of({Role.AUDITOR, Role.APPROVER}) == PERMISSIONS[Role.AUDITOR] | PERMISSIONS[Role.APPROVER]


def test_duties_are_apart() -> None:
    """Who manages people writes no policy and answers nothing; auditors change nothing at all."""
    changing = {each for each in Permission if each.value.rpartition(".")[2] not in {"read", "read_own", "verify"}}
    assert not PERMISSIONS[Role.AUDITOR] & changing
    assert not PERMISSIONS[Role.MEMBER] & changing
    assert not PERMISSIONS[Role.ADMINISTRATOR] & {Permission.POLICIES_PUBLISH, Permission.APPROVALS_ANSWER}
    assert not PERMISSIONS[Role.SECURITY] & {Permission.PEOPLE_MANAGE, Permission.AGENTS_MANAGE}


@pytest.mark.parametrize("role", Role)
def test_only_owners_manage_owners(role: Role) -> None:
    """And nobody manages anybody without the permission."""
    assert may_manage({role}, {Role.OWNER, Role.MEMBER}) == (role is Role.OWNER)
    assert may_manage({role}, {Role.MEMBER}) == (role in {Role.OWNER, Role.ADMINISTRATOR})
    assert not may_manage((), ())


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Ada@Example.ORG", "ada@example.org"),
        (" ada@example.org\t", "ada@example.org"),
        ("zu\u0308rich@example.org", "zürich@example.org"),
        ("H\u0331@example.org", "\u1e96@example.org"),
        ("\u0130\u0316@example.org", "i\u0316\u0307@example.org"),
        ("o'hara+leash@example.co.uk", "o'hara+leash@example.co.uk"),
        ("ada@localhost", "ada@localhost"),
    ],
)
def test_addresses_have_one_form(typed: str, stored: str) -> None:
    """However they are typed."""
    assert prepare_email(typed) == prepare_email(stored) == stored


@pytest.mark.parametrize(
    "typed",
    [
        "", "@", "ada", "ada@", "@example.org", "ada@@example.org", "a da@example.org", "ada@exa mple.org",
        "ada@.org", "ada@example..org", "ada@-example.org", "ada@example-.org", "a\x00@example.org",
        "a\u200b@example.org", "ada@example.org\u202e", '"ada"@example.org', "<ada@example.org>",
        "a,b@example.org", "a" * 65 + "@example.org", "a@" + "b" * 64 + ".org", "a@" + "b." * 130 + "org",
        "*)(uid=*))(|(uid=*", "\ud800@example.org", None, 5, ["ada@example.org"], b"ada@example.org",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(typed: object) -> None:
    """Bad shapes, invisible characters, wrong types."""
    with pytest.raises(EmailRefusedError):
        prepare_email(typed)


@given(ANYTHING)
def test_texts_are_taken_or_refused_but_never_break(anything: object) -> None:
    """What is taken is stable, normalised and storable."""
    for prepare, error in ((prepare_email, EmailRefusedError), (prepare_name, NameRefusedError)):
        try:
            taken = prepare(anything)
        except error:
            continue
        assert prepare(taken) == taken
        assert unicodedata.is_normalized("NFC", taken)
        assert "\x00" not in taken
        assert taken.encode()
    try:
        assert prepare_password(prepare_password(anything)) == prepare_password(anything)
        prepare_new_password(anything, "ada@example.org")
    except PasswordRefusedError:
        pass
    assert len(shown(anything, 10).encode()) <= 40


def test_a_new_password_counts_what_is_seen() -> None:
    """Spaces, joiners and accents do not lengthen it; a few words do well."""
    assert prepare_new_password("a few plain words", "ada@example.org") == "a few plain words"
    for hollow in ("a b c d e f g h i j k", "abcdefghijk" + "\u0301" * 9, "abcdefghijk\u200d\u200d\u200d"):
        with pytest.raises(PasswordRefusedError):
            prepare_new_password(hollow, "ada@example.org")
    with pytest.raises(PasswordRefusedError):
        prepare_new_password("my ADA@example.org!", "ada@example.org")
