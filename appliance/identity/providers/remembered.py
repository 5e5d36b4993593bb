"""What was fetched from a provider, kept for a while: fetched seldom, and kept longer while the provider is down."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

import structlog

from appliance.identity.providers.errors import Fault, ProviderUnavailableError

T = TypeVar("T")
FRESH: Final = timedelta(hours=1)
STALE: Final = timedelta(hours=24)
APART: Final = timedelta(seconds=30)
log = structlog.get_logger(__name__)


class Remembered(Generic[T]):
    """One document: an hour old at most, a day while it cannot be fetched, and asked for every 30 s at most."""

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        """`read` fetches and checks it; nothing is known yet."""
        self._read = read
        self._value: T | None = None
        self._read_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._problem: ProviderUnavailableError | None = None
        self._turn = asyncio.Lock()

    async def get(self, now: datetime, *, is_enough: Callable[[T], bool] = lambda _: True) -> T:
        """The document; fetched anew if it is old or not enough, and if the last attempt is 30 s ago.

        Raises:
            ProviderUnavailableError: there is none that could be used.
        """
        known = self._known(now, FRESH)
        if known is not None and is_enough(known):
            return known
        async with self._turn:  # who waited for another's fetch finds its result
            known = self._known(now, FRESH)
            if (known is None or not is_enough(known)) and self._may_try(now):
                await self._fetch(now)
        kept = self._known(now, STALE)
        if kept is None:
            raise self._problem or ProviderUnavailableError(Fault.UNREACHABLE)
        return kept

    def _known(self, now: datetime, life: timedelta) -> T | None:
        return self._value if self._read_at is not None and now - self._read_at < life else None

    def _may_try(self, now: datetime) -> bool:
        return self._tried_at is None or not timedelta() <= now - self._tried_at < APART

    async def _fetch(self, now: datetime) -> None:
        self._tried_at = now
        try:
            self._value = await self._read()
        except ProviderUnavailableError as problem:
            self._problem = problem
            log.warning("provider.unavailable", fault=problem.fault.value, problem=problem.detail)
            return
        self._read_at, self._problem = now, None
