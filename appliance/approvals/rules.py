"""Who may answer, and what an approval is bound to (pure)."""

import hashlib
import hmac
from datetime import datetime
from uuid import UUID

from appliance.approvals.errors import (
    NotAnAnswererError,
    NumberMissingError,
    NumberWrongError,
    ProofMissingError,
    SelfApprovalError,
)
from appliance.approvals.records import Answerer, Ask, NewAsk
from appliance.identity.effective import GROUP_PREFIX
from appliance.identity.scopes import roles_within
from appliance.ledger.canonical import canonical_text

REQUESTER = "requester"  # a role name in policies: the person whose agent asks
OWNER = "owner"
GUIDANCE_MAX = 500


def kept_guidance(text: str) -> str:
    """A person's words as they are kept: at most GUIDANCE_MAX characters that the database can hold."""
    return text.strip().encode(errors="replace").decode().replace("\0", "\ufffd")[:GUIDANCE_MAX]


def nonce(key: bytes, ask_id: UUID) -> bytes:
    """The ask's nonce: 32 bytes that only this installation can compute.

    It does not lie in the database, so nobody can search there for what a binding was made of.
    """
    return hmac.digest(key, ask_id.bytes, hashlib.sha256)


def binding_of(key: bytes, ask: NewAsk | Ask, action_hash: bytes) -> str:
    """SHA-256 (hex) of the canonical record of what is approved (RFC 8785).

    It covers the action with every argument, the requester, the policy version, the nonce and the expiry.
    """
    record = {
        "action": action_hash.hex(),
        "ask": str(ask.id),
        "expires_at": _instant(ask.expires_at),
        "machine": str(ask.machine_id),
        "nonce": nonce(key, ask.id).hex(),
        "person": str(ask.person_id or ""),
        "policy_version": ask.policy_version,
    }
    return hashlib.sha256(canonical_text(record).encode()).hexdigest()


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def is_requester(ask: Ask, answerer: Answerer) -> bool:
    """Whether the answering person is the one whose agent asks, by account or by e-mail."""
    same_account = ask.person_id is not None and ask.person_id == answerer.person_id
    same_mail = bool(ask.requester_email) and ask.requester_email.casefold() == answerer.email.casefold()
    return same_account or same_mail


def groups_and_scoped(answerer: Answerer, project: str) -> frozenset[str]:
    """What the person is besides roles that hold everywhere: in approver groups, or with a role for this project."""
    return frozenset(f"{GROUP_PREFIX}{name}" for name in answerer.groups) | roles_within(answerer.scoped, project)


def is_named(ask: Ask, answerer: Answerer) -> bool:
    """Whether the ask is one for an approver group of the person, or for a role that they have for its project.

    Such people see and answer the ask, and need no permission that would open everybody's asks to them.
    """
    return not groups_and_scoped(answerer, ask.project).isdisjoint(ask.terms.roles)


def check_proof(ask: Ask, answerer: Answerer) -> None:
    """Check that whoever allows has proved who they are, where the policy wants that; a deny is not checked.

    Raises:
        ProofMissingError: they have not.
    """
    if ask.terms.step_up and not answerer.is_proven:
        raise ProofMissingError


def number_of(key: bytes, ask_id: UUID) -> str:
    """The two digits that the requester of an ask sees; the database does not know them."""
    digest = hmac.digest(key, b"number" + ask_id.bytes, hashlib.sha256)
    return str(int.from_bytes(digest) % 90 + 10)


def check_number(ask: Ask, right: str, given: str) -> None:
    """Check that whoever allows has heard the number from the requester, where the policy wants that.

    Under the ask's lock: whoever sends several numbers at once has sent one.

    Raises:
        NumberMissingError, NumberWrongError: they have not.
    """
    if not ask.terms.match_number:
        return
    if not given.strip():
        raise NumberMissingError
    if not hmac.compare_digest(given.strip().encode(errors="replace"), right.encode()):
        raise NumberWrongError


def check_answerer(ask: Ask, answerer: Answerer) -> None:
    """Check the policy's terms; the owner can always answer, unless the ask is the owner's own and that is refused.

    Raises:
        SelfApprovalError: own ask, and the policy wants somebody else.
        NotAnAnswererError: none of the named roles.
    """
    own = is_requester(ask, answerer)
    if own and not ask.terms.allows_self:
        raise SelfApprovalError
    roles = answerer.roles | groups_and_scoped(answerer, ask.project) | ({REQUESTER} if own else frozenset())
    if not roles & {*ask.terms.roles, OWNER}:
        raise NotAnAnswererError(f"The policy names: {', '.join(ask.terms.roles)}")
