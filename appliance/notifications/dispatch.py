"""Sends what is due: each channel has places of its own, so that one that hangs keeps no other waiting."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Final

import structlog

from appliance.approvals.errors import AskUnknownError
from appliance.approvals.queries import ask_by_id
from appliance.approvals.records import Ask, AskState
from appliance.clock import Clock
from appliance.identity.queries import people_by_ids
from appliance.notifications import claims
from appliance.notifications.claims import Claimed
from appliance.notifications.messages import is_ask, message_of
from appliance.notifications.planning import Planner
from appliance.notifications.ports import Failure, Sender, SendError
from appliance.notifications.records import Channel, Message, Target

PLACES: Final = 16
SEND_SECONDS: Final = 20.0
# What comes meanwhile is planned this soon, also while somebody slow is being told.
_AGAIN_SECONDS: Final = 0.5
_CHANNELS: Final = tuple(channel for channel in Channel if channel is not Channel.NONE)
Opener = Callable[[Claimed], Awaitable[Mapping[str, Any] | None]]
log = structlog.get_logger(__name__)


class Dispatcher:
    """Plans and sends until nothing is left to do; meant to be run again and again by one process."""

    def __init__(
        self,
        planner: Planner,
        sender_of: Callable[[Channel], Sender],
        opener: Opener,
        clock: Clock,
        *,
        origin: str,
        is_summary_sent: bool,
        attempts_max: int,
        random: Callable[[], float],
    ) -> None:
        """`sender_of` makes the way out of a channel when it is first needed; `opener` opens addresses."""
        self._planner = planner
        self._sender_of = sender_of
        self._opener = opener
        self._clock = clock
        self._origin = origin
        self._is_summary_sent = is_summary_sent
        self._attempts_max = attempts_max
        self._random = random

    async def run(self) -> None:
        """Plan and send what waits; ends when nothing is due and nothing under way."""
        if not await claims.is_work(self._clock()):
            return
        running: dict[asyncio.Task[None], Claimed] = {}
        try:
            while True:
                planned = await self._planned()
                for claimed in await self._claimed(running.values()):
                    running[asyncio.create_task(self._deliver(claimed))] = claimed
                if not running and not planned:
                    return
                if running:
                    wait = 0.0 if planned else _AGAIN_SECONDS
                    done, _ = await asyncio.wait(running, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        del running[task]
                        task.result()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _planned(self) -> int:
        """Plan what waits; where that fails, what was planned before goes out all the same."""
        try:
            return await self._planner.plan(self._clock())
        except Exception:
            log.exception("notification.plan_failed")
            return 0

    async def _claimed(self, running: Collection[Claimed]) -> list[Claimed]:
        """What can be begun now, by the free places of each channel."""
        taken = Counter(each.channel for each in running)
        busy = Counter(each.destination for each in running)
        full = [destination for destination, count in busy.items() if count >= claims.PER_DESTINATION]
        found = list[Claimed]()
        for channel in _CHANNELS:
            free = PLACES - taken[channel]
            if free > 0:
                found += await claims.claim(channel, full, free, self._clock())
        return found

    async def _deliver(self, claimed: Claimed) -> None:
        """Send one, and write down what came of it; whatever fails, fails for this one alone."""
        try:
            try:
                why = await self._sent(claimed)
            except SendError as problem:
                await self._failed(claimed, problem)
            else:
                end = claims.withdrawn(claimed, why, self._clock()) if why else claims.sent(claimed, self._clock())
                await end
        except Exception:  # nothing is written down: it is sent again when its claim is over
            log.exception("notification.not_written_down", delivery=str(claimed.id))

    async def _sent(self, claimed: Claimed) -> str:
        """Send one; why it was needless, or nothing.

        Raises:
            SendError: it was not taken.
        """
        try:
            ask = await self._ask_of(claimed)
            if why := await self._needless(claimed, ask):
                return why
            fields = await self._opener(claimed)
            if fields is None:
                return "the address was removed"
            message = message_of(
                claimed.notice, self._origin, self._clock(), ask, is_summary_sent=self._is_summary_sent
            )
        except SendError:
            raise
        except Exception as problem:
            log.exception("notification.not_prepared", delivery=str(claimed.id))
            raise SendError(Failure.POSTPONED, type(problem).__name__) from problem
        await self._hand_over(claimed, Target(destination=claimed.destination, address=fields), message)
        return ""

    async def _hand_over(self, claimed: Claimed, target: Target, message: Message) -> None:
        """Give the message to its channel; whatever a channel fails with concerns this one delivery alone."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._sender_of(claimed.channel).send(target, message)
        except SendError:
            raise
        except TimeoutError as problem:
            raise SendError(Failure.LATER, f"no answer in {SEND_SECONDS:g} s") from problem
        except Exception as problem:
            log.exception("notification.channel_failed", channel=claimed.channel.value)
            raise SendError(Failure.POSTPONED, type(problem).__name__) from problem

    async def _failed(self, claimed: Claimed, problem: SendError) -> None:
        log.warning(
            "notification.not_sent", delivery=str(claimed.id), channel=claimed.channel.value,
            attempt=claimed.attempts, why=problem.words,
        )  # fmt: skip
        await claims.failed(claimed, problem, self._attempts_max, self._random(), self._clock())

    async def _ask_of(self, claimed: Claimed) -> Ask | None:
        if not is_ask(claimed.notice.kind) or claimed.notice.about is None:
            return None
        try:
            return await ask_by_id(claimed.notice.about)
        except AskUnknownError:
            return None

    async def _needless(self, claimed: Claimed, ask: Ask | None) -> str:
        """Why a person is not told after all; a program hears of everything, also when it is over."""
        if claimed.person is None:
            return ""
        if is_ask(claimed.notice.kind) and not _is_pending(ask, self._clock()):
            return "the ask has ended"
        people = await people_by_ids([claimed.person])
        return "" if people and people[0].can_come_in else "the person cannot come in any more"


def _is_pending(ask: Ask | None, now: datetime) -> bool:
    return ask is not None and ask.state is AskState.PENDING and ask.expires_at > now
