"""Whose hook call it is: machine tokens, answered from memory for at most two seconds."""

import asyncio
import contextvars
import time
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import structlog

from appliance.agents.credentials import hash_token, may_be_machine_token
from appliance.agents.queries import machine_of_token
from appliance.agents.records import AuthenticatedMachine
from appliance.agents.rules import VERSION_MAX, one_line
from appliance.agents.service import CHANNEL as CHANNEL  # noqa: PLC0414 - what `forget` is to be called for
from appliance.clock import Clock
from appliance.database.connection import UNREACHABLE, pooled
from appliance.database.errors import DatabaseError, DatabaseUnreachableError

CACHE_SECONDS: Final = 2.0
CACHE_MAX: Final = 10_000
UNKNOWN_MAX: Final = 1_000
LOOKUP_TIMEOUT_SECONDS: Final = 1.5
SEEN_INTERVAL: Final = timedelta(minutes=1)
_SEEN = """
UPDATE machine SET last_seen_at = $2, client_version = CASE WHEN $3 = '' THEN client_version ELSE $3 END
WHERE id = $1 AND (last_seen_at IS NULL OR last_seen_at < $2)
"""
log = structlog.get_logger(__name__)


class _Known(NamedTuple):
    """What the database said of a token, and when we began to ask (in ticks)."""

    machine: AuthenticatedMachine | None
    asked_at: float


class MachineTokens:
    """Machine tokens of this process; a revocation anywhere empties the memory at once (`forget`).

    A token that is in use is looked up again before its time in memory is over, so that calls do not wait for it.
    """

    def __init__(
        self, clock: Clock, *, ticks: Callable[[], float] = time.monotonic, cache_seconds: float = CACHE_SECONDS
    ) -> None:
        """`ticks` counts seconds and never goes back; nothing is answered from memory after `cache_seconds`."""
        self._clock = clock
        self._ticks = ticks
        self._cache_seconds = cache_seconds
        self._known: dict[bytes, _Known] = {}
        self._unknown: dict[bytes, _Known] = {}
        self._running: dict[bytes, asyncio.Task[AuthenticatedMachine | None]] = {}
        self._seen: dict[UUID, datetime] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._generation = 0

    async def authenticate(self, token: str, *, client_version: str = "") -> AuthenticatedMachine | None:
        """The machine with this token; None if there is none, it is revoked, or its person is disabled.

        Raises:
            DatabaseUnreachableError: nobody can tell.
        """
        if not may_be_machine_token(token):
            return None
        hashed = hash_token(token)
        known = self._known.get(hashed) or self._unknown.get(hashed)
        age = self._ticks() - known.asked_at if known else self._cache_seconds
        if known is not None and age < self._cache_seconds:
            machine = known.machine
            if age >= self._cache_seconds / 2:
                self._look_up(hashed)
        else:
            machine = await asyncio.shield(self._look_up(hashed))
        if machine is not None:
            self._note_seen(machine, client_version)
        return machine

    def forget(self, payload: str) -> None:
        """Handler of the channel: the payload is what has changed, a machine or person; all of it if that is empty."""
        self._generation += 1
        self._running.clear()  # whoever comes now must not join a look-up that began before the change
        self._unknown.clear()
        try:
            changed = UUID(payload)
        except ValueError:
            self._known.clear()
            return
        for hashed, known in list(self._known.items()):
            if known.machine and changed in {known.machine.machine_id, known.machine.person_id}:
                del self._known[hashed]

    async def close(self) -> None:
        """Stop what runs in the background."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _look_up(self, hashed: bytes) -> "asyncio.Task[AuthenticatedMachine | None]":
        """The one running look-up of this token."""
        task = self._running.get(hashed)
        if task is None:
            task = self._running[hashed] = self._start(self._ask(hashed))

            def done(finished: "asyncio.Task[AuthenticatedMachine | None]") -> None:
                if self._running.get(hashed) is finished:
                    del self._running[hashed]
                if not finished.cancelled():
                    finished.exception()  # told to whoever waits; a look-up ahead of time is repeated by the next call

            task.add_done_callback(done)
        return task

    async def _ask(self, hashed: bytes) -> AuthenticatedMachine | None:
        generation, asked_at = self._generation, self._ticks()
        try:
            async with asyncio.timeout(LOOKUP_TIMEOUT_SECONDS):
                machine = await machine_of_token(hashed)
        except UNREACHABLE as problem:
            raise DatabaseUnreachableError from problem
        if generation == self._generation:
            self._remember(hashed, _Known(machine, asked_at))
        return machine

    def _remember(self, hashed: bytes, known: _Known) -> None:
        memory, limit = (self._known, CACHE_MAX) if known.machine else (self._unknown, UNKNOWN_MAX)
        self._known.pop(hashed, None)
        self._unknown.pop(hashed, None)
        if len(memory) >= limit:
            del memory[next(iter(memory))]
        memory[hashed] = known

    def _note_seen(self, machine: AuthenticatedMachine, client_version: str) -> None:
        """Write down at most once a minute that the machine is at work; nobody waits for it."""
        now = self._clock()
        last = self._seen.get(machine.machine_id) or machine.last_seen_at
        if last is not None and now - last < SEEN_INTERVAL:
            return
        if len(self._seen) >= CACHE_MAX:
            self._seen.clear()
        self._seen[machine.machine_id] = now
        # Not in the caller's context: a transaction of the caller is none of ours.
        self._start(self._write_seen(machine.machine_id, now, client_version), contextvars.Context())

    @staticmethod
    async def _write_seen(machine_id: UUID, now: datetime, client_version: str) -> None:
        try:
            async with asyncio.timeout(LOOKUP_TIMEOUT_SECONDS), pooled() as connection:
                await connection.execute(_SEEN, machine_id, now, one_line(client_version, VERSION_MAX))
        except (*UNREACHABLE, DatabaseError) as problem:
            log.warning("agents.last_seen_not_written", machine=str(machine_id), problem=type(problem).__name__)

    def _start(self, work: Coroutine[Any, Any, Any], context: contextvars.Context | None = None) -> "asyncio.Task[Any]":
        task = asyncio.create_task(work, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
