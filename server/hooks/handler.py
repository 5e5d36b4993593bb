"""The hot path: an agent's hook call in, the agent's own allow or deny out.

Installed hooks are plain curl commands, and their agents go on after anything but a 200 in their own words. So every
doubt here is a 200 with a native deny.
"""

import asyncio
import time
import traceback
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any, Final

import msgspec
import structlog
from litestar.types import Receive, Scope, Send

from appliance.agents import dialects
from appliance.agents.body import parse
from appliance.agents.errors import AgentsError
from appliance.bootstrap import Road
from appliance.config import Config
from appliance.database.identifiers import uuid7
from appliance.decisions.errors import DecisionError, TooManyPendingError
from appliance.decisions.records import Call, Requester
from appliance.errors import LeashError
from server.bodies import BODY_SECONDS
from server.headers import RawHeaders
from server.hooks.deadlines import Deadline, Deadlines
from server.hooks.errors import (
    BodySlowError,
    CallerGoneError,
    DecisionTimeoutError,
    MachineRateError,
    TokenRefusedError,
    VersionRefusedError,
)
from server.hooks.incoming import Incoming
from server.hooks.reading import Envelope, envelope_of, is_spoken
from server.rates import Buckets

# What a held call gets on top of its hold: time for the release, or for the record that the hold has ended.
AFTER_HOLD_SECONDS: Final = 4.0
_HEADERS: Final[RawHeaders] = [
    (b"content-type", b"application/json; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
# Refusals that are counted, and enter the ledger as numbers: strangers must not be able to fill it.
_COUNTED: Final[Mapping[type[LeashError], str]] = {
    TokenRefusedError: "token",
    VersionRefusedError: "version",
    MachineRateError: "rate",
    TooManyPendingError: "pending",
}
_ENCODE: Final = msgspec.json.Encoder().encode
log = structlog.get_logger("hooks")


class Hooks:
    """Answers `POST /v1/hooks/{agent}/{event}` for agents and events that have a dialect."""

    def __init__(self, config: Config, *, body_seconds: float = BODY_SECONDS) -> None:
        """Every call is denied until `open` was given a road."""
        hooks = config.hooks
        self._limits = hooks
        self._decision_seconds = hooks.decision_timeout_seconds
        self._body_seconds = body_seconds
        self._buckets = Buckets(hooks.requests_per_second, hooks.burst)
        self._deadlines = Deadlines()
        self._road: Road | None = None

    def open(self, road: Road | None) -> None:
        """Let `road` decide from now on; None denies everything."""
        self._road = road

    async def answer(self, agent: str, event: str, scope: Scope, receive: Receive, send: Send) -> None:
        """One call, as ASGI."""
        headers = _HEADERS
        try:
            envelope = envelope_of(scope)
            headers = _HEADERS + envelope.echoed
            content = _ENCODE(await self._answered(agent, event, envelope, receive))
        except Exception as failure:  # noqa: BLE001 - every doubt denies, in words that the agent obeys
            request_id = str(uuid7())
            error = failure if isinstance(failure, LeashError) else LeashError()
            content = _ENCODE(dialects.deny(agent, event, words_of(error)))
            headers = [*headers, (b"x-request-id", request_id.encode())]
            with suppress(Exception):  # a log that cannot be written must not take the deny away
                self._note(agent, event, error, failure, request_id)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content, "more_body": False})

    async def _answered(self, agent: str, event: str, envelope: Envelope, receive: Receive) -> Mapping[str, Any]:
        incoming = Incoming(
            receive, envelope.length, bytes_max=self._limits.request_bytes_max, seconds=self._body_seconds
        )
        try:
            with self._deadlines.limit(self._decision_seconds) as limit:
                road = self._road
                if road is None:
                    raise DecisionError
                requester = await self._admitted(road, envelope)
                road.sightings.note(requester.machine_id, agent, envelope.client_version)
                hold = min(self._limits.hold_seconds, dialects.hold_seconds(agent, event, envelope.timeout_seconds))
                call = Call(requester=requester, agent=agent, event=event, body={})
                return await self._decided(road, call, incoming, limit, hold)
        except TimeoutError:
            raise DecisionTimeoutError from None
        finally:
            if not incoming.is_over:
                await incoming.drain()

    async def _admitted(self, road: Road, envelope: Envelope) -> Requester:
        """Whose call it is.

        Raises:
            VersionRefusedError, TokenRefusedError, MachineRateError: it is not looked at.
            DatabaseUnreachableError: nobody can tell.
        """
        if not is_spoken(envelope.version):
            raise VersionRefusedError
        machine = await road.tokens.authenticate(envelope.token, client_version=envelope.client_version)
        if machine is None:
            raise TokenRefusedError
        if not self._buckets.admit(machine.machine_id, time.monotonic()):
            raise MachineRateError
        return Requester(
            machine_id=machine.machine_id, person_id=machine.person_id, email=machine.email, groups=machine.groups
        )

    async def _decided(
        self, road: Road, call: Call, incoming: Incoming, limit: Deadline, hold_seconds: float
    ) -> Mapping[str, Any]:
        """The reply of the decision road, which also records what cannot be understood."""
        limits = self._limits
        # The agent has waited since it began to send: so long ago that a slow body is part of its time.
        hold_until = incoming.began_at + hold_seconds
        try:
            body = parse(
                await incoming.whole(limit, self._decision_seconds),
                bytes_max=limits.request_bytes_max,
                depth_max=limits.depth_max,
                members_max=limits.members_max,
            )
        except (AgentsError, BodySlowError) as problem:
            return await road.decisions.refuse(call, problem)

        def hung_up() -> Coroutine[Any, Any, None]:
            # Asked for when the hold begins: from now on people are waited for.
            limit.reschedule(max(hold_until, asyncio.get_running_loop().time()) + AFTER_HOLD_SECONDS)
            return incoming.until_gone()

        told = Call(requester=call.requester, agent=call.agent, event=call.event, body=body)
        return await road.decisions.decide(told, hung_up=hung_up, hold_until=hold_until)

    def _note(self, agent: str, event: str, error: LeashError, failure: Exception, request_id: str) -> None:
        """Count a deny that has no entry of its own, and log why."""
        reason = _COUNTED.get(type(error))
        if self._road is not None and not isinstance(error, CallerGoneError):
            if reason is not None:
                self._road.refusals.count(reason)
            else:
                self._road.writer.count_unrecorded()
        about = {"request_id": request_id, "agent": agent, "hook_event": event, "code": error.code}
        if failure is error:
            log.info("hook.denied", **about)
            return
        # Neither its message nor its values: they can hold what the agent sent.
        frames = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(failure.__traceback__)]
        log.error("hook.failed", **about, kind=type(failure).__name__, frames=frames)


def words_of(error: LeashError) -> str:
    """What the agent reads of an error."""
    stop = "" if error.detail[-1:] in {".", "!", "?"} else "."
    return f"{error.detail}{stop} {error.next_step}".strip()
