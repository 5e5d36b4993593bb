"""Asks and answers as plain values."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from appliance.actions.records import AskTerms
from appliance.approvals.interactions import AttentionKind, Interaction
from appliance.identity.records import ScopedRole
from appliance.ledger.records import Actor


class AskState(StrEnum):
    """Where an ask stands; only the first one and `allowed` can change."""

    PENDING = "pending"
    ALLOWED = "allowed"  # answered; the call has not been let go yet
    RELEASED = "released"  # the one call that it was for has been let go
    DENIED = "denied"
    EXPIRED = "expired"


class Resolution(StrEnum):
    """What a person answers."""

    ALLOW = "allow"
    DENY = "deny"


class NewAsk(msgspec.Struct, frozen=True, kw_only=True):
    """What the decision knows of an ask before it is opened.

    Attributes:
        decision_id: the decision that asks; its ledger payload holds what the approver sees.
        attach_key: 32 bytes that a repeated hook call has again.
        action_hash: SHA-256 of the canonical action with all arguments (RFC 8785); never stored as it is.
        expires_at: after that it is denied.
        interaction: what people are asked, of the masked call.
    """

    id: UUID
    decision_id: UUID
    machine_id: UUID
    person_id: UUID | None
    requester_email: str
    agent: str
    project: str
    summary: str
    attach_key: bytes
    action_hash: bytes
    policy_version: int
    terms: AskTerms
    created_at: datetime
    expires_at: datetime
    interaction: Interaction = msgspec.field(default_factory=Interaction)


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """An ask as stored.

    Attributes:
        binding: SHA-256 over the canonical action's hash, requester, policy version, nonce and expiry, as hex.
        guidance: the answering person's words to the agent.
        resolved_by: display name of who ended it; empty for expiry.
        allows: how many people have allowed it so far, of `terms.quorum`.
        interaction: what people are asked, with secrets masked.
        answers: what was answered to the agent's questions, by their text; labels, or words with secrets masked.
    """

    id: UUID
    decision_id: UUID
    created_at: datetime
    expires_at: datetime
    machine_id: UUID
    person_id: UUID | None
    requester_email: str
    agent: str
    project: str
    summary: str
    policy_version: int
    terms: AskTerms
    binding: str
    state: AskState
    guidance: str = ""
    resolved_at: datetime | None = None
    resolved_by: str = ""
    released_at: datetime | None = None
    allows: int = 0
    attention_kind: AttentionKind = AttentionKind.APPROVAL
    interaction: Interaction = msgspec.field(default_factory=Interaction)
    answers: Mapping[str, str | tuple[str, ...]] = msgspec.field(default_factory=dict)


class Answerer(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers: a person who is signed in, never a name from a request.

    Attributes:
        actor: for the ledger.
        roles: the person's roles at this moment, those that hold for every project.
        scoped: roles and approver groups that hold for some projects alone.
        groups: names of the person's groups.
        is_proven: the person has proved a moment ago, in this very session, who they are.
    """

    person_id: UUID
    email: str
    display_name: str
    roles: frozenset[str]
    actor: Actor
    scoped: frozenset[ScopedRole] = frozenset()
    groups: frozenset[str] = frozenset()
    is_proven: bool = False


class AnswerResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an answer.

    Attributes:
        ask: the ask after it; still pending while the quorum is not complete.
        is_repeat: the same person had given the same answer before.
    """

    ask: Ask
    is_repeat: bool
