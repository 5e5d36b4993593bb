"""What is told, to whom, by which way: frozen values that cross the feature's boundary."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec


class Kind(StrEnum):
    """What there is to tell; `kinds.KINDS` says how each is worded and who hears of it."""

    ASK_OPENED = "ask.opened"
    ASK_ENDED = "ask.ended"
    ASKS_MANY = "asks.many"
    ASK_FATIGUE = "ask.fatigue"
    BREAK_GLASS = "break_glass"
    DIRECTORY_HELD = "directory.held"
    DIRECTORY_FAILING = "directory.failing"
    COVERAGE_TAMPERED = "coverage.tampered"
    COVERAGE_SILENT = "coverage.silent"
    DELIVERY_DEAD = "delivery.dead"
    TEST = "test"


class Severity(StrEnum):
    """Whether it may wake somebody who lets himself be woken."""

    NORMAL = "normal"
    HIGH = "high"


class Channel(StrEnum):
    """A way to reach somebody."""

    WEB_PUSH = "web_push"
    NTFY = "ntfy"
    EMAIL = "email"
    WEBHOOK = "webhook"
    SLACK = "slack"
    TEAMS = "teams"
    NONE = "none"  # in the log only: nobody could be reached this way


PERSONAL = (Channel.WEB_PUSH, Channel.NTFY, Channel.EMAIL)
SHARED = (Channel.WEBHOOK, Channel.SLACK, Channel.TEAMS)


class DeliveryState(StrEnum):
    """Where a delivery stands; only `waiting` changes by itself."""

    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"  # given up: too many failures, too late, or refused for good
    WITHDRAWN = "withdrawn"  # nobody needs it any more: the ask has ended, or somebody left
    UNREACHABLE = "unreachable"  # the person has no channel for this kind


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something for the outbox.

    Attributes:
        about: the ask or another thing with an identifier that it is about; None for others.
        name: of a thing without an identifier, such as a directory; never personal.
        person: tells this person alone; None tells whoever the kind is for.
        destination: tells this address or webhook alone.
        once: only the first notice with this text is kept; empty for any number.
        expires_at: after that nobody is told any more.
    """

    kind: Kind
    created_at: datetime
    expires_at: datetime
    about: UUID | None = None
    name: str = ""
    person: UUID | None = None
    destination: UUID | None = None
    once: str = ""


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A notice as it lies in the outbox."""

    id: UUID
    kind: Kind
    created_at: datetime
    expires_at: datetime
    about: UUID | None
    name: str
    person: UUID | None
    destination: UUID | None


class NewDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that the planner has decided on.

    Attributes:
        step: place in the on-call order; 0 is told at once.
        state: `waiting`, or `unreachable` for the log.
        expires_at: another end than the notice's own.
    """

    notification: Stored
    person: UUID | None
    channel: Channel
    destination: UUID
    due_at: datetime
    step: int = 0
    state: DeliveryState = DeliveryState.WAITING
    outcome: str = ""
    expires_at: datetime | None = None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the delivery log: who, by what, when, and what came of it; no content."""

    id: UUID
    notification: UUID
    kind: str
    about: UUID | None
    person: UUID | None
    channel: str
    destination: UUID
    state: DeliveryState
    step: int
    created_at: datetime
    due_at: datetime
    ended_at: datetime | None
    attempts: int
    outcome: str


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel sends.

    Attributes:
        id: stable over every attempt and every channel, so that whoever receives it twice can tell.
        tag: what it is about: a later message with the same tag takes the place of an earlier one.
        url: the page that shows it after sign-in.
        title, body: words for people; without content unless the installation is set to send a summary.
        seconds_left: how long it is worth keeping by somebody in between.
    """

    id: str
    tag: UUID
    kind: Kind
    url: str
    title: str
    body: str
    severity: Severity
    occurred_at: datetime
    seconds_left: int


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message goes.

    Attributes:
        address: the opened fields of the channel: `url`, `secret`, `p256dh`, `auth`, `email` and the like.
    """

    destination: UUID
    address: Mapping[str, Any]


class OwnAddress(msgspec.Struct, frozen=True, kw_only=True):
    """A personal channel as its person sees it; never the address itself.

    Attributes:
        last_problem: why the last attempt failed; empty after a good one.
    """

    id: UUID
    channel: Channel
    label: str
    created_at: datetime
    last_ok_at: datetime | None
    blocked_until: datetime | None
    last_problem: str


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A program or chat that is told, as administrators see it; never its address or secret.

    Attributes:
        kinds: what it is told; empty is everything.
        host: of its address.
        old_secret_until: until then both secrets sign; None outside of a rotation.
    """

    id: UUID
    name: str
    channel: Channel
    kinds: tuple[str, ...]
    host: str
    created_at: datetime
    created_by: str
    old_secret_until: datetime | None
    last_ok_at: datetime | None
    blocked_until: datetime | None
    last_problem: str


class NewSecret(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook's signing secret, told only now; empty for chats, which sign nothing."""

    webhook: UUID
    secret: str


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """What one person wants to hear, and when not.

    Attributes:
        quiet_from, quiet_until: minutes of the day in `time_zone`; None for no quiet hours.
        wakes_for_high: kinds of high severity come in quiet hours too.
        muted: pairs `channel:kind` that the person does not want.
    """

    quiet_from: int | None = None
    quiet_until: int | None = None
    time_zone: str = "UTC"
    wakes_for_high: bool = True
    muted: frozenset[str] = frozenset()
