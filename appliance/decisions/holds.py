"""Holding a call until people have answered its ask, and letting exactly that call go."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from appliance.approvals import events as approval_events
from appliance.approvals.errors import ApprovalError
from appliance.approvals.queries import ask_by_id
from appliance.approvals.records import Ask, AskState
from appliance.approvals.service import Approvals
from appliance.approvals.waiters import ShuttingDownError, Waiters
from appliance.clock import Clock
from appliance.database.connection import UNREACHABLE
from appliance.database.errors import DatabaseError
from appliance.database.transaction import transaction
from appliance.decisions.errors import NotRecordedError
from appliance.ledger.records import Actor, LedgerEntry
from appliance.ledger.service import append

_UNREACHABLE = (*UNREACHABLE, DatabaseError)
RETRY_SECONDS = 0.5


class Held(NamedTuple):
    """How a hold ended.

    Attributes:
        words: for the agent.
        released: the ask that let it go, with what people answered; None if it may not go.
    """

    words: str
    released: Ask | None = None


class Holds:
    """The held calls of this process."""

    def __init__(self, approvals: Approvals, waiters: Waiters, clock: Clock, *, timeout_seconds: float = 1.5) -> None:
        """`waiters` is fed by the process's listener; `timeout_seconds` bounds each wait for the database."""
        self._approvals = approvals
        self._waiters = waiters
        self._clock = clock
        self._timeout_seconds = timeout_seconds

    async def until_answered(
        self,
        ask_id: UUID,
        event: asyncio.Event,
        *,
        action_hash: bytes,
        actor: Actor,
        seconds: float,
        is_gone: Callable[[], bool] = lambda: False,
    ) -> Held:
        """Wait for the ask's end, `seconds` at most.

        Raises:
            NotRecordedError: the release could not be made durable; deny.
        """
        until = asyncio.get_running_loop().time() + seconds
        while True:
            if is_gone():  # nobody would hear of a release: leave the ask to a repeat of the call
                return await self._hold_ended(ask_id, actor, "The caller hung up.")
            ask = await self._read(ask_id)
            if ask is not None and ask.state is not AskState.PENDING:
                return await self._end(ask, action_hash, actor)
            left = until - asyncio.get_running_loop().time()
            now = self._clock()
            expiry = (ask.expires_at - now).total_seconds() + 0.05 if ask is not None else RETRY_SECONDS
            if ask is not None and ask.expires_at <= now:
                await self._expire(now)
                continue
            try:
                if not await self._waiters.wait(event, min(left, expiry)) and expiry >= left:
                    return await self._hold_ended(ask_id, actor, "The ask is still waiting for an answer.", ask)
            except ShuttingDownError as problem:
                return await self._hold_ended(ask_id, actor, problem.summary + ".")

    async def _read(self, ask_id: UUID) -> Ask | None:
        """The ask; None while the database is away: the call is held on."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await ask_by_id(ask_id)
        except _UNREACHABLE:
            return None

    async def _expire(self, now: datetime) -> None:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._approvals.expire_due(now)
        except _UNREACHABLE as problem:
            raise NotRecordedError from problem

    async def _end(self, ask: Ask, action_hash: bytes, actor: Actor) -> Held:
        if ask.state is AskState.DENIED:
            return Held(denial_of(ask))
        if ask.state is AskState.EXPIRED:
            return Held("Nobody answered in time, so the ask was denied.")
        try:
            async with asyncio.timeout(self._timeout_seconds):
                released = await self._approvals.release(ask.id, action_hash, actor, self._clock())
        except ApprovalError as refusal:
            return Held(f"{refusal.detail}. {refusal.next_step}")
        except _UNREACHABLE as problem:
            raise NotRecordedError from problem
        by = f" by {released.resolved_by}" if released.resolved_by else ""
        said = f": {released.guidance}" if released.guidance else ""
        return Held(f"Allowed{by}{said}", released)

    async def _hold_ended(self, ask_id: UUID, actor: Actor, why: str, ask: Ask | None = None) -> Held:
        """Record that the call was answered before the ask was; the ask lives on."""
        # The number itself is for a person's eyes: an agent that knew it could show it to whoever answers.
        wants_number = ask is not None and ask.terms.match_number
        number = " Your person sees a number on the page of this ask, for whoever may answer." if wants_number else ""
        words = f"{why} Nothing was run. Repeat the same call to wait on: ask {ask_id}.{number}"
        try:
            async with asyncio.timeout(self._timeout_seconds), transaction():
                await append(
                    LedgerEntry(event=approval_events.HOLD_ENDED, actor=actor, subject=f"ask:{ask_id}"),
                    now=self._clock(),
                )
        except _UNREACHABLE as problem:
            raise NotRecordedError from problem
        return Held(words)


def denial_of(ask: Ask) -> str:
    """The agent's deny reason: who denied, and the person's guidance."""
    by = f"Denied by {ask.resolved_by}" if ask.resolved_by else "Denied"
    return f"{by}: {ask.guidance}" if ask.guidance else f"{by}."


def expires_at(now: datetime, seconds: float) -> datetime:
    """`now` plus `seconds`, cut to milliseconds as the binding writes it."""
    moment = datetime.fromtimestamp(now.timestamp() + seconds, tz=now.tzinfo)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
