"""Whose view a client asks for, and what it is made of: frozen values."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from appliance.approvals.records import Answerer

DEVICES_MAX: Final = 50  # of one person; the one that was used longest ago makes room
SKILLS_MAX: Final = 500  # of one machine or session's person


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """Whose view it is: a person's, or that of a machine, which sees what it has done itself and nothing else.

    Whoever enrols a machine by a deployment token claims an address; were the machine shown what the address' person
    sees, the claim would be worth a sign-in.

    Attributes:
        person_id: the person who is signed in, or None for a machine.
        machine_id: the machine, or None for a person.
        answerer: the person as one who answers asks.
        may_answer: whether the person's roles let them answer asks that do not name them.
    """

    person_id: UUID | None = None
    machine_id: UUID | None = None
    answerer: Answerer | None = None
    may_answer: bool = False


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """A decision, with what became of its ask; every text in it is masked.

    Attributes:
        policies: identifiers, separated by spaces.
        ask_state: as `AskState`; empty without an ask.
        person_name: whose machine it was; empty if nobody's.
    """

    id: UUID
    created_at: datetime
    machine_id: UUID
    agent: str
    event: str
    kind: str
    tool: str
    project: str
    session: str
    outcome: str
    policy_version: int
    policies: str
    secrets: int
    reason: str
    summary: str
    ask_id: UUID | None
    hostname: str
    person_name: str
    ask_state: str
    guidance: str
    resolved_at: datetime | None
    resolved_by: str


class AgentSession(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation with an agent, as far as its hook calls tell.

    Attributes:
        mcp_servers: names of MCP servers that it called.
        asks, denies: how many of its calls were asked about and denied.
    """

    machine_id: UUID
    hostname: str
    agent: str
    session: str
    project: str
    first_at: datetime
    last_at: datetime
    calls: int
    asks: int
    denies: int
    mcp_servers: tuple[str, ...]


class SessionSpans(msgspec.Struct, frozen=True, kw_only=True):
    """Conversations since midnight (UTC), and of the last 24 hours, 7 and 30 days: how many, and how long."""

    today_sessions: int
    today_seconds: int
    day_sessions: int
    day_seconds: int
    week_sessions: int
    week_seconds: int
    month_sessions: int
    month_seconds: int


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """How many decisions were alike: same agent, outcome, policies and outcome of the ask."""

    agent: str
    outcome: str
    policies: str
    ask_state: str
    count: int


class DeviceReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a phone says of itself at each launch."""

    platform: str
    name: str
    app_version: str


class SkillReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a desktop says of an instruction file of an agent; its content is not kept.

    Attributes:
        content_hash: SHA-256 of the file in hexadecimal, as the desktop says; empty if it says none.
        status: the desktop's own word, e.g. `observed` or `suspicious`.
        risk_score: the desktop's own, 0 to 100.
    """

    agent: str
    scope: str
    project: str
    name: str
    path: str
    content_hash: str
    purpose: str
    status: str
    risk_score: int


class ObservedSkill(SkillReport, frozen=True, kw_only=True):
    """A skill with where and when it was seen."""

    id: UUID
    machine_id: UUID | None
    person_id: UUID | None
    first_seen_at: datetime
    last_seen_at: datetime
