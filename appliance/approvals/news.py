"""Tells open streams that an ask has changed: only those of people who may see it."""

from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

import structlog

from appliance.approvals.queries import asks_by_id
from appliance.approvals.records import Answerer, Ask, AskState
from appliance.approvals.rules import is_named, is_requester
from appliance.database.connection import UNREACHABLE
from appliance.database.errors import DatabaseError
from appliance.feed import Feed
from appliance.identity.records import MachineReader, Reader
from appliance.identity.rules import Permission, is_permitted
from appliance.wakening import Wakening

TOPIC: Final = "approvals"
OPENED: Final = "asks opened"  # beside the other, unless every ask that it tells of has had its answer
TOGETHER_MAX: Final = 200  # of more asks at once everybody hears: reading them would cost more than it saves
log = structlog.get_logger(__name__)


class AskNews:
    """Hears the identifiers of asks, and reads once per burst whom they concern."""

    def __init__(self, feed: Feed[Reader]) -> None:
        """Nothing is known yet."""
        self._feed = feed
        self._changed = set[str]()
        self._wakening = Wakening(self._tell)

    def heard(self, payload: str) -> None:
        """One ask has changed, or, with an empty payload, nobody knows what was missed."""
        if not payload:
            self._tell_everybody()
        elif len(self._feed):
            self._changed.add(payload)
            self._wakening.wake(payload)

    async def start(self) -> None:
        """Begin to tell."""
        await self._wakening.start()

    async def stop(self) -> None:
        """End."""
        await self._wakening.stop()

    async def _tell(self) -> None:
        changed, self._changed = self._changed, set()
        if len(changed) > TOGETHER_MAX:
            self._tell_everybody()
            return
        try:
            asks = await asks_by_id([UUID(each) for each in changed])
        except (*UNREACHABLE, DatabaseError, ValueError) as problem:
            # A page that is told too much asks for what it may see; one that is told nothing waits for ever.
            log.warning("approvals.audience_not_read", problem=str(problem))
            self._tell_everybody()
            return
        self._feed.publish(TOPIC, _seeing(asks))
        self._feed.publish(OPENED, _seeing([ask for ask in asks if ask.state is AskState.PENDING]))

    def _tell_everybody(self) -> None:
        for topic in (TOPIC, OPENED):
            self._feed.publish(topic)


def _seeing(asks: Sequence[Ask]) -> Callable[[Reader], bool]:
    return lambda who: any(may_see(who, ask) for ask in asks)


def may_see(signed_in: Reader, ask: Ask) -> bool:
    """Whether the person may see every ask, asks it by an agent of theirs, or is named by it; a machine its own."""
    if isinstance(signed_in, MachineReader):
        return ask.machine_id == signed_in.machine_id
    if is_permitted(signed_in.roles, Permission.APPROVALS_READ):
        return True
    answerer = Answerer(
        person_id=signed_in.person_id,
        email=signed_in.email,
        display_name=signed_in.display_name,
        roles=frozenset(role.value for role in signed_in.roles),
        actor=signed_in.actor,
        scoped=signed_in.scoped,
        groups=signed_in.groups,
    )
    return is_requester(ask, answerer) or is_named(ask, answerer)
