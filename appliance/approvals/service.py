"""The verbs of approvals: open, answer, release, expire."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from appliance.agents.queries import has_machine_ended
from appliance.approvals import events, rules
from appliance.approvals.answers import Previous, count_waiting, previous_answer, record_answer
from appliance.approvals.errors import (
    ApprovalError,
    AskClosedError,
    AskExpiredError,
    BindingMismatchError,
    NumberWrongError,
)
from appliance.approvals.interactions import APPROVAL, Interaction
from appliance.approvals.ports import AskNotices, NoNotices
from appliance.approvals.queries import ask_by_id, ask_of, locked_ask
from appliance.approvals.records import Answerer, AnswerResult, Ask, AskState, NewAsk, Resolution
from appliance.approvals.responses import Answers, answers_of, check_agreement
from appliance.approvals.rules import GUIDANCE_MAX as GUIDANCE_MAX  # noqa: PLC0414 - a limit that pages show
from appliance.database.connection import current_connection
from appliance.database.transaction import transaction
from appliance.ledger.records import Actor, ActorKind, LedgerEntry
from appliance.ledger.service import append

CHANNEL = "leash_asks"
SYSTEM = Actor(kind=ActorKind.SYSTEM, id="approvals")
_OPEN = """
INSERT INTO ask (id, decision_id, created_at, expires_at, machine_id, person_id, requester_email, agent, project,
  summary, attach_key, policy_version, roles, quorum, allows_self, step_up, match_number, binding, attention_kind,
  interaction, state, guidance, resolved_by, response)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
  'pending', '', '', '')
ON CONFLICT (attach_key) WHERE state IN ('pending', 'allowed') DO NOTHING
RETURNING id
"""

_WRONG_NUMBER = "The number was not the one that the requester sees."


async def announce(ask_id: UUID) -> None:
    """Tell every process, when the running transaction commits, that the ask has changed."""
    await current_connection().execute("SELECT pg_notify($1, $2)", CHANNEL, str(ask_id))


class Approvals:
    """Pending asks of this installation."""

    def __init__(self, key: bytes, notices: AskNotices | None = None, *, mask: Callable[[str], str]) -> None:
        """`key` makes the nonces; every process of the installation has the same. `mask` hides secrets in a text."""
        self._key = key
        self._notices = notices or NoNotices()
        self._mask = mask

    async def open(self, new: NewAsk, actor: Actor) -> bool:
        """Open an ask inside the running transaction, with its ledger entry; False if the same call has one open."""
        binding = rules.binding_of(self._key, new, new.action_hash)
        terms = new.terms
        await self._expire_attached(new.attach_key, new.created_at)
        opened = await current_connection().fetchval(
            _OPEN, new.id, new.decision_id, new.created_at, new.expires_at, new.machine_id, new.person_id,
            new.requester_email, new.agent, new.project, new.summary, new.attach_key, new.policy_version,
            list(terms.roles), terms.quorum, terms.allows_self, terms.step_up, terms.match_number, binding,
            new.interaction.attention_kind.value, _encoded(new.interaction),
        )  # fmt: skip
        if opened is None:
            return False
        facts = {
            "binding": binding, "decision": str(new.decision_id), "expires_at": new.expires_at.isoformat(),
            "policy_version": new.policy_version, "quorum": terms.quorum, "roles": list(terms.roles),
            **({"step_up": True} if terms.step_up else {}),
            **({"match_number": True} if terms.match_number else {}),
        }  # fmt: skip
        await append(
            LedgerEntry(event=events.OPENED, actor=actor, subject=f"ask:{new.id}", facts=facts), now=new.created_at
        )
        await self._notices.opened(new.id, new.created_at, new.expires_at)
        await announce(new.id)
        return True

    async def answer(
        self,
        ask_id: UUID,
        answerer: Answerer,
        resolution: Resolution,
        *,
        binding: str,
        guidance: str,
        now: datetime,
        response: Mapping[str, Any] | None = None,
        number: str = "",
    ) -> AnswerResult:
        """Count one person's answer to what that person saw (`binding` is the shown one).

        The first committed answer wins, and its identical repeat gets it again, whatever words come with it. Of
        answers that wait at the same instant, or before the quorum is complete, any deny ends the ask. Of `response`
        only `answers` to the agent's questions are read, see `responses.answers_of`. A wrong `number` is a deny: there
        are ninety of them, and nobody shall try them all.

        Raises:
            AskUnknownError, AskClosedError, AskExpiredError, SelfApprovalError, NotAnAnswererError,
            BindingMismatchError, ProofMissingError, NumberMissingError, NumberWrongError, ResponseRefusedError: the
            refusal is in the ledger.
        """
        given = _Given(resolution, binding, self._mask(rules.kept_guidance(guidance)), response, number)
        try:
            return await self._answer(ask_id, answerer, given, now)
        except NumberWrongError:  # its refusal is in the ledger already, together with the deny
            raise
        except ApprovalError as refusal:
            await self._record_refusal(ask_id, answerer, resolution, refusal, now)
            raise

    async def _answer(self, ask_id: UUID, answerer: Answerer, given: "_Given", now: datetime) -> AnswerResult:
        wrong: NumberWrongError | None = None
        previous: Previous | None = None
        async with transaction():
            ask = await ask_by_id(ask_id)
            rules.check_answerer(ask, answerer)
            if given.binding != ask.binding:
                raise BindingMismatchError
            if given.resolution is Resolution.DENY:
                previous = await self._written(ask_id, answerer, given, {}, now)
            else:
                try:
                    ask, previous = await self._allow(ask_id, answerer, given, now)
                except NumberWrongError as refusal:
                    wrong = refusal
                    await self._deny_guess(ask_id, answerer, refusal, now)
        if wrong is not None:
            raise wrong
        if given.resolution is Resolution.DENY:
            async with transaction():
                ask = await self._count(await locked_ask(ask_id), answerer, now)
        # What was allowed and not fetched in time has expired; who allowed it is told so again.
        was_allowed = previous is not None and previous.is_counted and ask.allows >= ask.terms.quorum
        if ask.state is AskState.EXPIRED and not was_allowed:
            raise AskExpiredError
        if not _agrees(ask.state, given.resolution):
            raise AskClosedError(_closed(ask))
        return AnswerResult(ask=ask, is_repeat=previous is not None)

    @staticmethod
    async def _written(
        ask_id: UUID, answerer: Answerer, given: "_Given", answers: Answers, now: datetime
    ) -> Previous | None:
        previous = await record_answer(ask_id, answerer, given.resolution, given.guidance, answers, now)
        if previous is not None and previous.resolution is not given.resolution:
            raise AskClosedError(f"You already answered this ask: {previous.resolution}")
        return previous

    async def _allow(
        self, ask_id: UUID, answerer: Answerer, given: "_Given", now: datetime
    ) -> tuple[Ask, Previous | None]:
        """Check, write down and count an allow, all under the ask's lock: what others did meanwhile is seen."""
        ask = await locked_ask(ask_id)
        answers = self._answers_of(ask, given)
        if await previous_answer(ask_id, answerer) is None:
            rules.check_proof(ask, answerer)
            if ask.state is AskState.PENDING:  # of an ask that has ended, nobody learns its number
                rules.check_number(ask, self.number_of(ask_id), given.number)
        previous = await self._written(ask_id, answerer, given, answers, now)
        return await self._count(ask, answerer, now), previous

    async def _deny_guess(self, ask_id: UUID, answerer: Answerer, refusal: NumberWrongError, now: datetime) -> None:
        """In the transaction and under the lock that a wrong number was read in: there is no second guess."""
        await self._record_refusal(ask_id, answerer, Resolution.ALLOW, refusal, now)
        await record_answer(ask_id, answerer, Resolution.DENY, _WRONG_NUMBER, {}, now)
        await self._count(await locked_ask(ask_id), answerer, now)

    def number_of(self, ask_id: UUID) -> str:
        """The number that an ask's requester sees, where its policy wants one; for the requester's eyes alone."""
        return rules.number_of(self._key, ask_id)

    def _answers_of(self, ask: Ask, given: "_Given") -> Answers:
        """The answers to the agent's questions, as everybody gave them so far; none once the ask has ended."""
        if ask.state is not AskState.PENDING:
            return {}
        answers = answers_of(given.response, ask.interaction, self._mask)
        check_agreement(ask.answers, answers)
        return answers

    async def _count(self, ask: Ask, answerer: Answerer, now: datetime) -> Ask:
        """Under the ask's lock: expire it, or count what waits, denies first."""
        if ask.state is not AskState.PENDING:
            return ask
        if ask.expires_at <= now:
            await self._end(ask, AskState.EXPIRED, SYSTEM, now)
            return await ask_by_id(ask.id)
        return await count_waiting(ask, answerer, now, self._end)

    @staticmethod
    async def _record_refusal(
        ask_id: UUID, answerer: Answerer, resolution: Resolution, refusal: ApprovalError, now: datetime
    ) -> None:
        facts = {"code": refusal.code, "resolution": resolution.value}
        entry = LedgerEntry(event=events.REFUSED, actor=answerer.actor, subject=f"ask:{ask_id}", facts=facts)
        async with transaction():
            await append(entry, now=now)

    async def release(self, ask_id: UUID, action_hash: bytes, actor: Actor, now: datetime) -> Ask:
        """Let the one call go that the approval is bound to; a second caller gets a refusal.

        Args:
            ask_id: the ask that the call waits for.
            action_hash: of the live call's canonical action.
            actor: the machine.
            now: aware.

        Raises:
            BindingMismatchError: the live call is not the approved one.
            AskExpiredError: allowed, but too long ago.
            AskClosedError: not allowed, released before, or the machine has lost its access meanwhile.
        """
        async with transaction():
            ask = await locked_ask(ask_id)
            problem: ApprovalError | None = None
            if ask.state is not AskState.ALLOWED:
                problem = AskClosedError(_closed(ask))
            elif ask.expires_at <= now:
                await self._end(ask, AskState.EXPIRED, SYSTEM, now)
                problem = AskExpiredError()
            elif rules.binding_of(self._key, ask, action_hash) != ask.binding:
                problem = BindingMismatchError()
            elif await has_machine_ended(ask.machine_id):  # a call may have been held for long since it was let in
                problem = AskClosedError("The machine that asks has lost its access")
            subject, facts = f"ask:{ask.id}", {"binding": ask.binding, "decision": str(ask.decision_id)}
            if problem is None:
                await current_connection().execute(
                    "UPDATE ask SET state = 'released', released_at = $2 WHERE id = $1", ask.id, now
                )
                await append(LedgerEntry(event=events.RELEASED, actor=actor, subject=subject, facts=facts), now=now)
                await announce(ask.id)
            else:
                refused = {**facts, "code": problem.code}
                entry = LedgerEntry(event=events.RELEASE_REFUSED, actor=actor, subject=subject, facts=refused)
                await append(entry, now=now)
        if problem is not None:
            raise problem
        return ask

    async def expire_due(self, now: datetime, *, limit: int = 500) -> int:
        """End what has passed its expiry unanswered or unreleased; how many."""
        async with transaction():
            rows = await current_connection().fetch(
                "SELECT a.*, 0 AS allows FROM ask a WHERE state IN ('pending', 'allowed') AND expires_at <= $1 "
                "ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED",
                now,
                limit,
            )
            for row in rows:
                await self._end(ask_of(row), AskState.EXPIRED, SYSTEM, now)
        return len(rows)

    async def _expire_attached(self, attach_key: bytes, now: datetime) -> None:
        """Inside the running transaction: end an overdue ask that a new one for the same call would collide with."""
        row = await current_connection().fetchrow(
            "SELECT a.*, 0 AS allows FROM ask a WHERE attach_key = $1 AND state IN ('pending', 'allowed') "
            "AND expires_at <= $2 FOR UPDATE",
            attach_key,
            now,
        )
        if row is not None:
            await self._end(ask_of(row), AskState.EXPIRED, SYSTEM, now)

    async def _end(
        self, ask: Ask, state: AskState, actor: Actor, now: datetime, *, guidance: str = "", resolved_by: str = ""
    ) -> None:
        """As `end`, and those who were told of the ask hear that it is over."""
        await end(ask, state, actor, now, guidance=guidance, resolved_by=resolved_by)
        await self._notices.ended(ask.id, now)


class _Given(NamedTuple):
    """What one person answers."""

    resolution: Resolution
    binding: str
    guidance: str
    response: Mapping[str, Any] | None
    number: str


def _encoded(interaction: Interaction) -> str:
    return "" if interaction == APPROVAL else msgspec.json.encode(interaction).decode()


def _agrees(state: AskState, resolution: Resolution) -> bool:
    """Whether an answer and the ask's state are not opposite; what somebody allowed may have expired since."""
    opposite = {AskState.DENIED} if resolution is Resolution.ALLOW else {AskState.ALLOWED, AskState.RELEASED}
    return state not in opposite


def _closed(ask: Ask) -> str:
    is_open = ask.state is AskState.PENDING
    return "This ask still waits for an answer" if is_open else f"This ask was already {ask.state.value}"


async def end(
    ask: Ask, state: AskState, actor: Actor, now: datetime, *, guidance: str = "", resolved_by: str = ""
) -> None:
    """Inside the running transaction and under the ask's lock: give it its outcome, with its ledger entry."""
    await current_connection().execute(
        "UPDATE ask SET state = $2, guidance = $3, resolved_at = $4, resolved_by = $5 WHERE id = $1",
        ask.id,
        state.value,
        guidance,
        now,
        resolved_by,
    )
    event = {AskState.ALLOWED: events.ALLOWED, AskState.DENIED: events.DENIED, AskState.EXPIRED: events.EXPIRED}[state]
    facts = {"binding": ask.binding, "decision": str(ask.decision_id)}
    payload: dict[str, Any] = {"guidance": guidance} if guidance else {}
    if state is AskState.ALLOWED and ask.answers:
        payload["answers"] = ask.answers
    await append(LedgerEntry(event=event, actor=actor, subject=f"ask:{ask.id}", facts=facts, payload=payload), now=now)
    await announce(ask.id)
