"""Counts sign-in attempts per address, per account and per pair of them, for all processes together."""

from datetime import datetime
from typing import Any, Final

import msgspec

from appliance.database.connection import current_connection
from appliance.database.transaction import transaction
from appliance.identity import events
from appliance.identity.allowance import Count, after_attempt, allowances, network_of
from appliance.identity.changes import NOBODY, personal_of, record
from appliance.identity.errors import SignInThrottledError
from appliance.identity.records import Origin
from appliance.identity.sealing import KeyedHash

# Adds what is missing and locks all of it, in one order for everybody.
_LOCK: Final = """
INSERT INTO sign_in_throttle AS t (key, failures, turned_away, last_at)
SELECT key, 0, 0, $2 FROM unnest($1::bytea[]) key ORDER BY key
ON CONFLICT (key) DO UPDATE SET turned_away = t.turned_away
RETURNING *
"""
_COUNT: Final = """
UPDATE sign_in_throttle SET failures = $2, last_at = $3, blocked_until = $4, turned_away = 0 WHERE key = $1
"""
_TURN_AWAY: Final = "UPDATE sign_in_throttle SET turned_away = turned_away + 1 WHERE key = ANY ($1)"
_GIVE_BACK: Final = """
UPDATE sign_in_throttle SET failures = greatest(failures - $2, 0), blocked_until = NULL WHERE key = $1
"""
_EVERYTHING: Final = 2**30


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One sign-in attempt's counters, by the name of their allowance, and where it comes from."""

    keys: dict[str, bytes]
    origin: Origin


class Throttle:
    """An attempt is counted as a failure before it is checked, so that a burst cannot outrun the count."""

    def __init__(self, attempts_per_minute: int, hashing: KeyedHash) -> None:
        """`hashing` keeps addresses and accounts out of the table."""
        self._allowances = allowances(attempts_per_minute)
        self._hashing = hashing

    def attempt(self, account: str, origin: Origin) -> Attempt:
        """The counters of an attempt on an account (as it was typed) from somewhere."""
        caller = network_of(origin.address)
        keys = {
            "account": self._hashing.of("account", account),
            "address": self._hashing.of("address", caller),
            "pair": self._hashing.of("pair", account, caller),
        }
        return Attempt(keys=keys, origin=origin)

    async def take(self, attempt: Attempt, now: datetime) -> None:
        """Count the attempt.

        Raises:
            SignInThrottledError: it must not even be checked; the ledger says so once per waiting time.
        """
        async with transaction():
            keys = sorted(attempt.keys.values())
            rows = {row["key"]: row for row in await current_connection().fetch(_LOCK, keys, now)}
            blocked = {
                name: rows[key] for name, key in attempt.keys.items() if (rows[key]["blocked_until"] or now) > now
            }
            if blocked:
                await self._turn_away(attempt, blocked, now)
            else:
                await self._count(attempt, rows, now)
        if blocked:
            wait = max(row["blocked_until"] for row in blocked.values()) - now
            raise SignInThrottledError(1 + int(wait.total_seconds()))

    async def give_back(self, attempt: Attempt, *, has_succeeded: bool) -> None:
        """Take the attempt out of the count again, because it was no failure; a success clears the pair's."""
        async with transaction():
            given = [
                (key, _EVERYTHING if has_succeeded and name == "pair" else 1)
                for name, key in sorted(attempt.keys.items(), key=lambda item: item[1])
            ]
            await current_connection().executemany(_GIVE_BACK, given)

    async def _count(self, attempt: Attempt, rows: dict[bytes, Any], now: datetime) -> None:
        counted = []
        for name, key in attempt.keys.items():
            before = Count(failures=rows[key]["failures"], last_at=rows[key]["last_at"])
            after = after_attempt(before, self._allowances[name], now)
            counted.append((key, after.failures, after.last_at, after.blocked_until))
        await current_connection().executemany(_COUNT, counted)

    @staticmethod
    async def _turn_away(attempt: Attempt, blocked: dict[str, Any], now: datetime) -> None:
        await current_connection().execute(_TURN_AWAY, [row["key"] for row in blocked.values()])
        fresh = sorted(name for name, row in blocked.items() if not row["turned_away"])
        if fresh:
            until = max(row["blocked_until"] for row in blocked.values())
            facts = {"counters": fresh, "until": until.isoformat()}
            personal = personal_of(attempt.origin)
            await record(NOBODY, events.SIGN_IN_THROTTLED, "service:sign_in", now, facts=facts, personal=personal)
