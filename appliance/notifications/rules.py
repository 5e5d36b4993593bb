"""When and how somebody is told: pure decisions."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from appliance.approvals.records import Answerer, Ask
from appliance.approvals.rules import REQUESTER, groups_and_scoped, is_requester
from appliance.notifications.errors import PreferencesRefusedError
from appliance.notifications.kinds import CHOSEN, KINDS
from appliance.notifications.records import PERSONAL, Channel, Kind, Preferences, Severity

DAY_MINUTES: Final = 24 * 60
# What is nearer to the end than this is told to everybody who is left: nobody could still answer in halves of it.
SHORTEST_STEP: Final = timedelta(seconds=30)
FIRST_WAIT: Final = timedelta(seconds=5)
LONGEST_WAIT: Final = timedelta(hours=1)
ZONE_MAX: Final = 64


class Turn(msgspec.Struct, frozen=True):
    """When one person is told; `due_at` is None if their quiet hours outlast the ask."""

    person: UUID
    step: int
    due_at: datetime | None


def is_told(ask: Ask, answerer: Answerer) -> bool:
    """Whether the ask's own terms name the person; owners may answer every ask, but are not told of each."""
    own = is_requester(ask, answerer)
    if own and not ask.terms.allows_self:
        return False
    roles = answerer.roles | groups_and_scoped(answerer, ask.project) | ({REQUESTER} if own else frozenset())
    return not roles.isdisjoint(ask.terms.roles)


def severity_of(kind: Kind, ask: Ask | None) -> Severity:
    """How urgent it is: an ask is where its policy wants more of people than one plain allow."""
    if ask is None or kind is not Kind.ASK_OPENED:
        return KINDS[kind].severity
    is_grave = ask.terms.quorum > 1 or ask.terms.step_up or ask.terms.match_number
    return Severity.HIGH if is_grave else Severity.NORMAL


def is_quiet(preferences: Preferences, moment: datetime) -> bool:
    """Whether the moment lies in the person's quiet hours, by the clock on their wall."""
    begin, end = preferences.quiet_from, preferences.quiet_until
    if begin is None or end is None or begin == end:
        return False
    local = moment.astimezone(zone_of(preferences.time_zone))
    minute = local.hour * 60 + local.minute
    return begin <= minute < end if begin < end else minute >= begin or minute < end


def heard_at(preferences: Preferences, severity: Severity, moment: datetime) -> datetime:
    """The moment, or the end of the quiet hours that it lies in."""
    if not is_quiet(preferences, moment) or (severity is Severity.HIGH and preferences.wakes_for_high):
        return moment
    zone, minute = zone_of(preferences.time_zone), preferences.quiet_until or 0
    today = moment.astimezone(zone).replace(hour=minute // 60, minute=minute % 60, second=0, microsecond=0)
    # Where clocks are put back, an hour of the wall comes twice: its end may be either of the two.
    ends = [(today + timedelta(days=days)).replace(fold=fold).astimezone(UTC) for days in (0, 1, 2) for fold in (0, 1)]
    return min(end for end in ends if end > moment and not is_quiet(preferences, end))


def wants(preferences: Preferences, channel: Channel, kind: Kind) -> bool:
    """Whether the person wants to hear of this kind by this channel; some kinds nobody can do without."""
    return not KINDS[kind].is_chosen or f"{channel}:{kind}" not in preferences.muted


def turns(
    ordered: Sequence[UUID],
    others: Sequence[UUID],
    *,
    at_once: int,
    created_at: datetime,
    expires_at: datetime,
    heard: Callable[[UUID, datetime], datetime],
) -> list[Turn]:
    """Who is told when: the on-call order one by one, each at half the time that is left, then everybody else.

    Whoever sleeps is told when they wake, if the ask still waits then, and the next one has their turn at once.

    Args:
        ordered: the on-call order of those who may answer; empty: everybody is told at once.
        others: who else may answer.
        at_once: how many are told first, as many as must answer.
        created_at: of the ask.
        expires_at: of the ask.
        heard: when somebody would hear of something that is told at a moment.
    """
    told, moment, step, left = list[Turn](), created_at, 0, max(1, at_once)
    groups = [[person] for person in ordered] + ([list(others)] if others else [])
    for people in groups:
        awake = [person for person in people if heard(person, moment) == moment]
        for person in people:
            due = moment if person in awake else heard(person, moment)
            told.append(Turn(person, step, due if due < expires_at else None))
        if awake and expires_at - moment > SHORTEST_STEP:
            left -= 1
            if left <= 0:
                moment, step = moment + (expires_at - moment) / 2, step + 1
    return told


def wait_after(failures: int, jitter: float) -> timedelta:
    """How long a destination is left alone after so many failures in a row; `jitter` is from 0 to 1."""
    doubled: timedelta = min(FIRST_WAIT * 2 ** min(failures - 1, 12), LONGEST_WAIT)
    return doubled * (0.75 + jitter / 2)


def zone_of(name: str) -> ZoneInfo:
    """The time zone of a name that `prepare` has let through; UTC if this machine does not know it any more."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def prepare(preferences: Preferences) -> Preferences:
    """The preferences as they are kept.

    Raises:
        PreferencesRefusedError: no minutes of a day, half of the quiet hours, no time zone, or an unknown pair.
    """
    times = (preferences.quiet_from, preferences.quiet_until)
    if (times[0] is None) != (times[1] is None):
        raise PreferencesRefusedError("Quiet hours need a beginning and an end")
    if any(each is not None and not 0 <= each < DAY_MINUTES for each in times):
        raise PreferencesRefusedError("Quiet hours are times of a day, from 00:00 to 23:59")
    name = preferences.time_zone
    try:
        is_zone = 0 < len(name) <= ZONE_MAX and bool(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        is_zone = False
    if not is_zone:
        raise PreferencesRefusedError(f"{name!r:.80} is not a time zone such as Europe/Berlin")
    known = {f"{channel}:{kind}" for channel in PERSONAL for kind in CHOSEN}
    if unknown := preferences.muted - known:
        raise PreferencesRefusedError(f"{min(unknown)!r:.80} is not a channel and a kind such as email:ask.opened")
    return preferences
