"""The main road: a hook call is understood, inspected, judged, recorded, perhaps asked about, and answered."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from appliance.actions.records import Action, Inspection, Kind, Moment, Outcome, Verdict
from appliance.agents import dialects
from appliance.agents.errors import AgentsError
from appliance.approvals import events as approval_events
from appliance.approvals.interactions import interaction_of
from appliance.approvals.queries import count_pending, open_ask_for
from appliance.approvals.records import Ask, NewAsk
from appliance.approvals.responses import answered_input
from appliance.approvals.service import Approvals
from appliance.approvals.waiters import Waiters
from appliance.clock import Clock
from appliance.config import Config
from appliance.database.connection import UNREACHABLE, current_connection
from appliance.database.errors import DatabaseError
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.decisions import rules
from appliance.decisions.errors import NotRecordedError, TooManyPendingError
from appliance.decisions.holds import Held, Holds, expires_at
from appliance.decisions.records import Call, DecisionRow, Recorded
from appliance.decisions.statements import RECORD, record_arguments
from appliance.decisions.writer import DecisionWriter
from appliance.errors import LeashError
from appliance.ledger.records import Actor, ActorKind, LedgerEntry
from appliance.ledger.service import append, prepare
from appliance.policy.records import Subject
from appliance.policy.store import PolicyStore
from appliance.protection.service import Protection

Reply = Mapping[str, Any]
HungUp = Callable[[], Coroutine[Any, Any, None]]
_UNREACHABLE = (*UNREACHABLE, DatabaseError)
# Repeats of one call that wait at the same time; each keeps its payload in memory, and one of them is let go at most.
HELD_PER_ASK_MAX = 32


class Decisions:
    """Decides hook calls; every method ends in the agent's native reply or raises a LeashError that means deny."""

    def __init__(
        self,
        config: Config,
        *,
        key: bytes,
        protection: Protection,
        policies: PolicyStore,
        writer: DecisionWriter,
        approvals: Approvals,
        waiters: Waiters,
        clock: Clock,
    ) -> None:
        """`key` makes the attach keys; every process of the installation has the same."""
        self._config = config
        self._key = key
        self._protection = protection
        self._policies = policies
        self._writer = writer
        self._approvals = approvals
        self._waiters = waiters
        self._masks_results = config.hooks.mask_results
        self._timeout_seconds = config.database.commit_timeout_seconds
        self._holds = Holds(approvals, waiters, clock, timeout_seconds=self._timeout_seconds)
        self._clock = clock

    async def decide(self, call: Call, *, hung_up: HungUp | None = None, hold_until: float | None = None) -> Reply:
        """Answer one hook call in the agent's own words; held while people answer, if policy asks.

        `hung_up` returns when the caller is gone; it is awaited only while the call is held. `hold_until`, by the
        loop's time, ends the hold for a caller who waits since before this; by default a whole hold begins now.

        Raises:
            LeashError: no decision could be made or kept; the caller renders the native deny.
        """
        try:
            action = dialects.read(call.agent, call.event, call.body)
            inspection = self._protection.inspect(action)
            shown = masked_action(action, inspection)
            verdict = self._judge(call, shown, inspection)
        except AgentsError as problem:
            return await self.refuse(call, problem)
        if verdict.outcome is not Outcome.ASK:
            await self._writer.write(self._recorded(call, shown, inspection, verdict))
            reply = self._reply(call, is_allowed=verdict.outcome is Outcome.ALLOW, reason=verdict.reason)
            is_masked = inspection.findings and verdict.outcome is Outcome.ALLOW and self._masks_results
            return reply if not is_masked else self._masked_result(action, reply, inspection)
        if action.moment not in {Moment.BEFORE_TOOL, Moment.PROMPT}:
            # What is over cannot be asked about: nothing would wait for the answer.
            denied = msgspec.structs.replace(verdict, outcome=Outcome.DENY, ask=None)
            await self._writer.write(self._recorded(call, shown, inspection, denied))
            return self._reply(call, is_allowed=False, reason=verdict.reason)
        hashed = rules.action_hash(action)
        attach = rules.attach_key(self._key, call.requester, action, hashed, verdict.ask)
        return await self._ask(_Asked(call, action, shown, inspection, verdict, hashed, attach, hung_up, hold_until))

    def _judge(self, call: Call, shown: Action, inspection: Inspection) -> Verdict:
        requester = call.requester
        person, groups = str(requester.person_id or ""), tuple(sorted(requester.groups))
        subject = Subject(machine=str(requester.machine_id), person=person, groups=groups)
        return self._policies.evaluate(shown, inspection.masked_facts, inspection.findings, subject)

    def _reply(self, call: Call, *, is_allowed: bool, reason: str, answered: Mapping[str, Any] | None = None) -> Reply:
        if call.is_relayed:
            return {"decision": (Outcome.ALLOW if is_allowed else Outcome.DENY).value, "reason": reason}
        if is_allowed:
            return dialects.allow(call.agent, call.event, reason, answered)
        return dialects.deny(call.agent, call.event, reason)

    def _masked_result(self, action: Action, allowed: Reply, inspection: Inspection) -> Reply:
        """An allow that keeps the secrets in a tool's result from the model, where the agent takes another result."""
        if action.moment is not Moment.AFTER_TOOL:
            return allowed
        return dialects.with_masked_output(action.agent, action.event, dict(allowed), action.body, inspection.masked)

    async def refuse(self, call: Call, problem: LeashError) -> Reply:
        """Deny a call that could not be understood, and record that."""
        action = Action(agent=call.agent, event=call.event, moment=Moment.BEFORE_TOOL, kind=Kind.TOOL)
        verdict = Verdict(
            outcome=Outcome.DENY, policy_version=self._policies.version, policies=(),
            reason=self._protection.mask_text(f"The call could not be understood: {problem.detail}"),
        )  # fmt: skip
        inspection = self._protection.inspect(action)
        await self._writer.write(self._recorded(call, action, inspection, verdict))
        return self._reply(call, is_allowed=False, reason=verdict.reason)

    def _recorded(
        self, call: Call, shown: Action, inspection: Inspection, verdict: Verdict, ask_id: UUID | None = None
    ) -> Recorded:
        now = self._clock()
        entry = rules.entry_of(shown, inspection.masked_facts, inspection.findings, verdict, call.requester)
        prepared = prepare(entry, now=now)
        row = DecisionRow(
            id=prepared.id, created_at=now, machine_id=call.requester.machine_id, person_id=call.requester.person_id,
            agent=shown.agent, event=shown.event, kind=str(shown.kind), tool=_plain(shown.tool),
            project=_plain(shown.project), session=_plain(shown.session), outcome=str(verdict.outcome),
            policy_version=verdict.policy_version, policies=" ".join(policy.id for policy in verdict.policies),
            secrets=len(inspection.findings), reason=_plain(verdict.reason), summary=rules.summary_of(shown),
            ask_id=ask_id,
        )  # fmt: skip
        return Recorded(row=row, entry=prepared)

    async def _ask(self, asked: "_Asked") -> Reply:
        """Open an ask, or join the one that this very call has open, and hold the call."""
        new_id = uuid7()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                existing = await open_ask_for(asked.attach_key, self._clock())
                if existing is not None:
                    await self._reattach(existing, asked.actor)
        except _UNREACHABLE as problem:
            raise NotRecordedError from problem
        ask_id = existing.id if existing else new_id
        if self._waiters.held(ask_id) >= HELD_PER_ASK_MAX:
            return await self._deny_asked(asked, f"{TooManyPendingError.summary}. {TooManyPendingError.next_step}")
        with self._waiters.join(ask_id) as event:
            try:
                if existing is None and not await self._open(new_id, asked):
                    return await self._ask(asked)  # the same call opened one at this very moment: join that
            except TooManyPendingError as problem:
                return await self._deny_asked(asked, f"{problem.detail}. {problem.next_step}")
            held = await self._hold(ask_id, event, asked)
        if held.released is None:
            return self._reply(asked.call, is_allowed=False, reason=held.words)
        answered = answered_input(asked.action, held.released.interaction, held.released.answers)
        return self._reply(asked.call, is_allowed=True, reason=held.words, answered=answered)

    async def _deny_asked(self, asked: "_Asked", reason: str) -> Reply:
        """Deny what policy would ask about, and record that."""
        denied = msgspec.structs.replace(asked.verdict, outcome=Outcome.DENY, ask=None, reason=reason)
        await self._writer.write(self._recorded(asked.call, asked.shown, asked.inspection, denied))
        return self._reply(asked.call, is_allowed=False, reason=reason)

    async def _hold(self, ask_id: UUID, event: asyncio.Event, asked: "_Asked") -> Held:
        watch = asyncio.create_task(asked.hung_up()) if asked.hung_up else None
        if watch is not None:
            watch.add_done_callback(lambda _done: event.set())
        call, until = asked.call, asked.hold_until
        now = asyncio.get_running_loop().time()
        whole = min(self._config.hooks.hold_seconds, dialects.hold_seconds(call.agent, call.event))
        try:
            return await self._holds.until_answered(
                ask_id,
                event,
                action_hash=asked.action_hash,
                actor=asked.actor,
                seconds=whole if until is None else until - now,
                is_gone=lambda: watch is not None and watch.done(),
            )
        finally:
            if watch is not None:
                watch.cancel()

    async def _reattach(self, ask: Ask, actor: Actor) -> None:
        async with transaction():
            entry = LedgerEntry(event=approval_events.REATTACHED, actor=actor, subject=f"ask:{ask.id}")
            await append(entry, now=self._clock())

    async def _open(self, ask_id: UUID, asked: "_Asked") -> bool:
        """Decision, ask and both ledger entries in one commit; False if the same call has an ask already."""
        now, requester, verdict = self._clock(), asked.call.requester, asked.verdict
        terms = verdict.ask
        if terms is None:
            raise NotRecordedError("The policy asks, but nobody may answer")
        recorded = self._recorded(asked.call, asked.shown, asked.inspection, verdict, ask_id)
        new = NewAsk(
            id=ask_id, decision_id=recorded.row.id, machine_id=requester.machine_id, person_id=requester.person_id,
            requester_email=requester.email, agent=asked.call.agent, project=recorded.row.project,
            summary=recorded.row.summary, attach_key=asked.attach_key, action_hash=asked.action_hash,
            policy_version=verdict.policy_version, terms=terms, created_at=now,
            expires_at=expires_at(now, terms.expires_seconds), interaction=interaction_of(asked.shown),
        )  # fmt: skip
        limit = self._config.approvals.pending_max_per_machine
        try:
            async with asyncio.timeout(self._timeout_seconds), transaction():
                if await count_pending(now, requester.machine_id) >= limit:
                    raise TooManyPendingError
                if not await self._approvals.open(new, asked.actor):
                    return False
                await current_connection().fetchval(RECORD, *record_arguments([recorded]))
        except _UNREACHABLE as problem:
            raise NotRecordedError from problem
        return True


class _Asked(NamedTuple):
    """A call that policy asks about.

    Its raw payload lives here, in memory, and no longer than the hold.
    """

    call: Call
    action: Action
    shown: Action
    inspection: Inspection
    verdict: Verdict
    action_hash: bytes
    attach_key: bytes
    hung_up: HungUp | None
    hold_until: float | None

    @property
    def actor(self) -> Actor:
        """The machine that asks."""
        return Actor(kind=ActorKind.MACHINE, id=str(self.call.requester.machine_id))


def masked_action(action: Action, inspection: Inspection) -> Action:
    """The action as it may be kept and shown: read again from the masked body."""
    if not inspection.findings:
        return action
    return dialects.read(action.agent, action.event, inspection.masked)


def _plain(text: str) -> str:
    """`text` as PostgreSQL can keep it: it has no NUL."""
    return text.replace("\0", "\ufffd")
