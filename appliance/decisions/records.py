"""A hook call, and what is kept of the decision about it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from appliance.approvals.records import Answerer
from appliance.ledger.records import PreparedEntry


class Requester(msgspec.Struct, frozen=True, kw_only=True):
    """Whose agent asks: an enrolled machine, and its person where that is known, with the names of their groups."""

    machine_id: UUID
    person_id: UUID | None = None
    email: str = ""
    groups: frozenset[str] = frozenset()


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One authenticated hook call.

    Attributes:
        agent, event: from the path; known to the dialects.
        body: the agent's own JSON object, as sent; lives in memory only.
        is_relayed: a client tells of the event in the hook's place, and reads `decision` and `reason`.
    """

    requester: Requester
    agent: str
    event: str
    body: Mapping[str, Any]
    is_relayed: bool = False


class DecisionRow(msgspec.Struct, frozen=True, kw_only=True):
    """The searchable part of a decision; every text in it is masked."""

    id: UUID
    created_at: datetime
    machine_id: UUID
    person_id: UUID | None
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
    ask_id: UUID | None = None


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A decision with its ledger entry: they are written together or not at all."""

    row: DecisionRow
    entry: PreparedEntry


class StoredDecision(DecisionRow, frozen=True, kw_only=True):
    """A decision as the Decisions page lists it."""

    hostname: str = ""
    ask_state: str = ""


class DecisionFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What the Decisions page looks for; empty fields do not narrow.

    Attributes:
        text: part of summary, reason, tool or project, whatever the case.
        reader: only decisions about this person's own agents, and those whose ask concerns them.
        reads_asks: to the reader, decisions of everybody's asks too.
        before: the last id of the previous page (newest first).
    """

    text: str = ""
    outcome: str = ""
    agent: str = ""
    machine_id: UUID | None = None
    person_id: UUID | None = None
    reader: Answerer | None = None
    reads_asks: bool = False
    policy: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: UUID | None = None
    limit: int = 50
