"""Asks, people who answer them, and what the ledger says of both."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from appliance.actions.records import AskTerms
from appliance.approvals.errors import ApprovalError
from appliance.approvals.interactions import APPROVAL, Interaction
from appliance.approvals.queries import ask_by_id
from appliance.approvals.records import Answerer, AnswerResult, Ask, NewAsk, Resolution
from appliance.approvals.service import Approvals
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.ledger.records import Actor, ActorKind
from tests.support.decisions import IDA, NOON, ledger_of

KEY = b"a" * 32
ACTION_HASH = b"h" * 32
MACHINE = Actor(kind=ActorKind.MACHINE, id=str(IDA.machine_id))
SOON = NOON + timedelta(seconds=1)


def approver(name: str = "Bob", *roles: str, person_id: UUID | None = None, email: str = "") -> Answerer:
    """Somebody who is signed in; an approver unless other roles are given."""
    identifier = person_id or uuid7()
    return Answerer(
        person_id=identifier,
        email=email or f"{name.lower()}@example.org",
        display_name=name,
        roles=frozenset(roles or ("approver",)),
        actor=Actor(kind=ActorKind.PERSON, id=str(identifier), name=name),
    )


def new_ask(
    terms: AskTerms | None = None,
    *,
    attach_key: bytes = b"",
    seconds: float = 600,
    at: datetime = NOON,
    interaction: Interaction = APPROVAL,
) -> NewAsk:
    """What a decision knows of an ask."""
    identifier = uuid7()
    return NewAsk(
        id=identifier, decision_id=uuid7(), machine_id=IDA.machine_id, person_id=IDA.person_id,
        requester_email=IDA.email, agent="claude", project="/src/billing", summary="rm -rf build",
        attach_key=attach_key or identifier.bytes * 2, action_hash=ACTION_HASH, policy_version=1,
        terms=terms or AskTerms(), created_at=at, expires_at=at + timedelta(seconds=seconds),
        interaction=interaction,
    )  # fmt: skip


async def opened(
    approvals: Approvals,
    terms: AskTerms | None = None,
    *,
    seconds: float = 600,
    attach_key: bytes = b"",
    interaction: Interaction = APPROVAL,
) -> Ask:
    """An ask that waits; `seconds` until its expiry."""
    new = new_ask(terms, seconds=seconds, attach_key=attach_key, interaction=interaction)
    async with transaction():
        assert await approvals.open(new, MACHINE)
    return await ask_by_id(new.id)


async def allow(
    approvals: Approvals,
    ask: Ask,
    who: Answerer,
    *,
    guidance: str = "",
    now: datetime = SOON,
    response: Mapping[str, Any] | None = None,
) -> AnswerResult:
    """One person allows what that person saw."""
    return await approvals.answer(
        ask.id, who, Resolution.ALLOW, binding=ask.binding, guidance=guidance, now=now, response=response
    )


async def deny(
    approvals: Approvals, ask: Ask, who: Answerer, *, guidance: str = "", now: datetime = SOON
) -> AnswerResult:
    """One person denies what that person saw."""
    return await approvals.answer(ask.id, who, Resolution.DENY, binding=ask.binding, guidance=guidance, now=now)


async def release(approvals: Approvals, ask: Ask, now: datetime = SOON, action_hash: bytes = ACTION_HASH) -> Ask:
    """The held call takes its release."""
    return await approvals.release(ask.id, action_hash, MACHINE, now)


async def events_of(ask: Ask | UUID) -> list[str]:
    """The ledger's events about an ask, oldest first; a refusal with its code."""
    identifier = ask.id if isinstance(ask, Ask) else ask
    entries = await ledger_of(f"ask:{identifier}")
    return [":".join([event.removeprefix("approval."), *facts.get("code", "").split()]) for event, facts in entries]


def codes(results: list[object]) -> list[str]:
    """What came of many attempts, sorted: `ok`, or the code of the refusal."""
    return sorted(result.code if isinstance(result, ApprovalError) else "ok" for result in results)
