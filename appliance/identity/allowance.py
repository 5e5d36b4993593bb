"""How many failed sign-in attempts are borne before a caller or an account has to wait: pure decisions."""

import ipaddress
from datetime import datetime, timedelta
from typing import Final

import msgspec

MINUTE: Final = timedelta(minutes=1)
_IPV6_SITE_BITS: Final = 64


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """What one kind of counter bears.

    Attributes:
        failures: every so many failures there is a wait.
        forgives_every: one failure is forgotten after each such time.
        first_wait: length of the first wait; each further one is twice as long.
        longest_wait: the limit of that.
    """

    failures: int
    forgives_every: timedelta
    first_wait: timedelta = MINUTE
    longest_wait: timedelta = 15 * MINUTE


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """Failures so far; `last_at` is the moment up to which forgiving has been reckoned."""

    failures: int
    last_at: datetime
    blocked_until: datetime | None = None


def allowances(attempts_per_minute: int) -> dict[str, Allowance]:
    """The allowance of each kind of counter.

    An address may be a whole office: it waits a minute and is forgiven as fast as it may try. An account and the pair
    of both stand for guessing at one person, and wait longer each time. The pair bears half of what the account does,
    so that one caller alone never closes an account to everybody else.
    """
    slow = 6 * MINUTE
    return {
        "account": Allowance(failures=attempts_per_minute, forgives_every=slow),
        "address": Allowance(
            failures=attempts_per_minute, forgives_every=MINUTE / attempts_per_minute, longest_wait=MINUTE
        ),
        "pair": Allowance(failures=max(1, attempts_per_minute // 2), forgives_every=slow),
    }


def after_attempt(count: Count, allowance: Allowance, now: datetime) -> Count:
    """The count with one more attempt, which is a failure until it has succeeded; it may be the last for a while."""
    forgiven = max(0, (now - count.last_at) // allowance.forgives_every)
    left = max(0, count.failures - forgiven)
    reckoned = count.last_at + forgiven * allowance.forgives_every if left else now
    failures = left + 1
    waits, rest = divmod(failures, allowance.failures)
    if rest:
        return Count(failures=failures, last_at=reckoned)
    wait = min(allowance.first_wait * 2 ** min(waits - 1, 10), allowance.longest_wait)
    return Count(failures=failures, last_at=reckoned, blocked_until=now + wait)


def network_of(address: str) -> str:
    """What counts as one caller: an IPv4 address, or the /64 that one IPv6 site has to itself."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _IPV6_SITE_BITS), strict=False))
