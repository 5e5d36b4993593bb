"""Who may answer an ask, and what an answer is bound to."""

from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from appliance.actions.records import AskTerms
from appliance.approvals.errors import NotAnAnswererError, SelfApprovalError
from appliance.approvals.records import Answerer, Ask, AskState
from appliance.approvals.rules import binding_of, check_answerer, is_named, is_requester, nonce
from appliance.identity.records import ScopedRole
from tests.support.asks import ACTION_HASH, KEY, approver, new_ask
from tests.support.decisions import IDA


def ask_with(**terms: object) -> Ask:
    new = new_ask(AskTerms(**terms))  # type: ignore[arg-type]
    same = {name: getattr(new, name) for name in new.__struct_fields__ if name not in {"attach_key", "action_hash"}}
    return Ask(**same, binding=binding_of(KEY, new, ACTION_HASH), state=AskState.PENDING)


def ida(*roles: str, email: str = IDA.email, person_id: UUID | None = IDA.person_id) -> Answerer:
    """The person whose agent asks."""
    return approver("Ida", *(roles or ("member",)), person_id=person_id, email=email)


ASK = ask_with()
CHANGES = {
    "id": UUID(int=5),
    "machine_id": UUID(int=6),
    "person_id": None,
    "policy_version": 2,
    "expires_at": ASK.expires_at + timedelta(milliseconds=1),
}


def test_the_stored_ask_has_the_binding_of_the_new_one() -> None:
    """64 hex digits; the same ask gives the same one in every process."""
    assert binding_of(KEY, ASK, ACTION_HASH) == ASK.binding
    assert len(bytes.fromhex(ASK.binding)) == 32


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_is_bound_changes_the_binding(name: str) -> None:
    """Ask, requester, policy version and expiry."""
    changed = msgspec.structs.replace(ASK, **{name: CHANGES[name]})
    assert binding_of(KEY, changed, ACTION_HASH) != ASK.binding


def test_another_action_or_another_installation_has_another_binding() -> None:
    """Every argument is in the action's hash; the nonce is made with the installation's key."""
    assert binding_of(KEY, ASK, b"i" * 32) != ASK.binding
    assert binding_of(b"b" * 32, ASK, ACTION_HASH) != ASK.binding
    assert nonce(KEY, ASK.id) != nonce(KEY, UUID(int=5))
    assert nonce(KEY, ASK.id).hex() not in ASK.binding


@pytest.mark.parametrize(
    ("who", "terms"),
    [
        (approver("Bob", "approver"), {}),
        (approver("Bob", "member", "approver"), {"roles": ("approver",)}),
        (approver("Sam", "security"), {"roles": ("approver", "security")}),
        (ida("member"), {}),
        (ida("member"), {"roles": ("requester",)}),
        (ida("approver"), {"roles": ("approver",)}),
        (approver("Owen", "owner"), {"roles": ("security",)}),
        (approver("Owen", "owner"), {"roles": ("approver",), "allows_self": False}),
        (approver("Bob", "approver"), {"allows_self": False}),
    ],
)
def test_one_of_the_named_roles_may_answer(who: Answerer, terms: dict[str, object]) -> None:
    """So may the owner, always, and the requester where the policy names them."""
    check_answerer(ask_with(**terms), who)


@pytest.mark.parametrize(
    ("who", "terms"),
    [
        (approver("Mia", "member"), {}),
        (approver("Bob", "approver"), {"roles": ("security",)}),
        (approver("Alf", "administrator"), {}),
        (approver("Ann", "auditor"), {}),
        (ida("member"), {"roles": ("approver",)}),
        (approver("Mia", "member"), {"roles": ()}),
    ],
)
def test_everybody_else_may_not(who: Answerer, terms: dict[str, object]) -> None:
    """The refusal names the roles."""
    ask = ask_with(**terms)
    with pytest.raises(NotAnAnswererError) as raised:
        check_answerer(ask, who)
    assert raised.value.detail.endswith(", ".join(ask.terms.roles))


@pytest.mark.parametrize(
    "who",
    [
        ida("approver"),
        ida("owner"),
        ida("approver", person_id=UUID(int=8)),
        ida("approver", person_id=UUID(int=8), email="IDA@Example.ORG"),
        ida("approver", email="other@example.org"),
    ],
)
def test_nobody_answers_their_own_ask_where_the_policy_says_so(who: Answerer) -> None:
    """Known by account or by address, whatever its case; not even the owner."""
    with pytest.raises(SelfApprovalError):
        check_answerer(ask_with(allows_self=False), who)


def test_an_ask_of_nobody_is_nobodys_own() -> None:
    """A machine without a person does not make people without an address its requester."""
    ask = msgspec.structs.replace(ASK, person_id=None, requester_email="")
    assert not is_requester(ask, approver("Bob", email=" "))
    assert not is_requester(ask, msgspec.structs.replace(approver("Bob"), email=""))


def test_an_approver_group_answers_what_names_it() -> None:
    """And nothing else; a group of a directory that has the same name is none."""
    ask = ask_with(roles=("group:payments",))
    member = msgspec.structs.replace(approver("Bob", "member"), groups=frozenset({"payments", "directory:corp/x"}))
    check_answerer(ask, member)
    assert is_named(ask, member)
    for groups in ({"directory:corp/payments"}, {"payment"}, {"group:payments"}, set()):
        other = msgspec.structs.replace(member, groups=frozenset(groups))
        assert not is_named(ask, other)
        with pytest.raises(NotAnAnswererError):
            check_answerer(ask, other)
    assert not is_named(ASK, member)


def test_a_role_for_one_project_answers_its_asks_alone() -> None:
    """The ask's project decides; roles that hold everywhere are not scoped ones."""
    ask = ask_with(roles=("approver", "group:leads"))
    for role in ("approver", "group:leads"):
        inside = msgspec.structs.replace(approver("Bob", "member"), scoped=frozenset({ScopedRole(role, "/src")}))
        check_answerer(ask, inside)
        assert is_named(ask, inside)
    for scope in (ScopedRole("approver", "/srv"), ScopedRole("security", "/src")):
        outside = msgspec.structs.replace(approver("Bob", "member"), scoped=frozenset({scope}))
        assert not is_named(ask, outside)
        with pytest.raises(NotAnAnswererError):
            check_answerer(ask, outside)
    assert not is_named(ask, approver("Bob", "approver"))


def test_a_group_does_not_let_anybody_answer_their_own_ask() -> None:
    """Where the policy wants somebody else."""
    ask = ask_with(roles=("group:payments",), allows_self=False)
    with pytest.raises(SelfApprovalError):
        check_answerer(ask, msgspec.structs.replace(ida(), groups=frozenset({"payments"})))
