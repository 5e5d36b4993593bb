"""Reading asks."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from appliance.actions.records import AskTerms
from appliance.approvals.errors import AskUnknownError
from appliance.approvals.interactions import APPROVAL, AttentionKind, Interaction
from appliance.approvals.records import Answerer, Ask, AskState
from appliance.database.connection import read_connection
from appliance.identity.effective import GROUP_PREFIX
from appliance.identity.scopes import expression_of

_INTERACTION = msgspec.json.Decoder(Interaction)
_ANSWERS = msgspec.json.Decoder(dict[str, str | tuple[str, ...]])
_COLUMNS = """
SELECT a.*, (SELECT count(*) FROM ask_answer w
  WHERE w.ask_id = a.id AND w.resolution = 'allow' AND w.counted_at IS NOT NULL) AS allows
FROM ask a
"""


def concerning(first: int) -> str:
    """SQL over `ask a`: those that concern a person, whose `reader_values` are the parameters from `first` on.

    As rules.is_requester has it: by account or by address; a null account is for the asks of everybody. The other three
    arrays say what rules.is_named does: approver groups, and scoped roles each with its projects.
    """
    person, email, groups, roles, projects = (f"${first + number}" for number in range(5))
    return f"""({person}::uuid IS NULL OR a.person_id = {person}
  OR (a.requester_email <> '' AND lower(a.requester_email) = lower({email}::text)) OR a.roles && {groups}::text[]
  OR EXISTS (SELECT FROM unnest({roles}::text[], {projects}::text[]) AS s(role, projects)
    WHERE s.role = ANY(a.roles) AND a.project <> '' AND a.project ~ s.projects
      AND a.project !~ '(^|[/\\\\])[.][.]([/\\\\]|$)'))"""


_OF: Final = concerning(2)


def ask_of(row: Any) -> Ask:  # noqa: ANN401 - asyncpg.Record has no types
    """The record of a row of `_COLUMNS`."""
    terms = AskTerms(
        roles=tuple(row["roles"]),
        quorum=row["quorum"],
        expires_seconds=int((row["expires_at"] - row["created_at"]).total_seconds()),
        allows_self=row["allows_self"],
        step_up=row["step_up"],
        match_number=row["match_number"],
    )
    plain = ("id", "decision_id", "created_at", "expires_at", "machine_id", "person_id", "requester_email", "agent")
    more = ("project", "summary", "policy_version", "binding", "guidance", "resolved_at", "resolved_by", "released_at")
    values = {name: row[name] for name in (*plain, *more, "allows")}
    return Ask(
        **values,
        terms=terms,
        state=AskState(row["state"]),
        attention_kind=AttentionKind(row["attention_kind"]),
        interaction=_INTERACTION.decode(row["interaction"]) if row["interaction"] else APPROVAL,
        answers=_ANSWERS.decode(row["response"]) if row["response"] else {},
    )


async def ask_by_id(ask_id: UUID) -> Ask:
    """One ask.

    Raises:
        AskUnknownError: there is none.
    """
    async with read_connection() as connection:
        row = await connection.fetchrow(_COLUMNS + "WHERE a.id = $1", ask_id)
    if row is None:
        raise AskUnknownError
    return ask_of(row)


async def asks_by_id(ask_ids: Collection[UUID]) -> list[Ask]:
    """Those of the asks that there are, in any order."""
    async with read_connection() as connection:
        rows = await connection.fetch(_COLUMNS + "WHERE a.id = ANY($1::uuid[])", list(ask_ids))
    return [ask_of(row) for row in rows]


async def asks_by_ids(ids: Collection[UUID]) -> dict[UUID, Ask]:
    """Those of these asks that are there."""
    async with read_connection() as connection:
        rows = await connection.fetch(_COLUMNS + "WHERE a.id = ANY($1)", list(ids))
    return {row["id"]: ask_of(row) for row in rows}


async def locked_ask(ask_id: UUID) -> Ask:
    """One ask, locked for the running transaction.

    Raises:
        AskUnknownError: there is none.
    """
    async with read_connection() as connection:
        await connection.fetchval("SELECT 1 FROM ask WHERE id = $1 FOR UPDATE", ask_id)
        row = await connection.fetchrow(_COLUMNS + "WHERE a.id = $1", ask_id)
    if row is None:
        raise AskUnknownError
    return ask_of(row)


async def open_ask_for(attach_key: bytes, now: datetime) -> Ask | None:
    """The ask that a repeated hook call belongs to: pending or allowed, and not expired."""
    async with read_connection() as connection:
        row = await connection.fetchrow(
            _COLUMNS + "WHERE a.attach_key = $1 AND a.state IN ('pending', 'allowed') AND a.expires_at > $2",
            attach_key,
            now,
        )
    return None if row is None else ask_of(row)


async def pending_asks(
    now: datetime,
    *,
    limit: int = 100,
    after: UUID | None = None,
    requester: Answerer | None = None,
    machine_id: UUID | None = None,
) -> list[Ask]:
    """Asks that wait for an answer, oldest first; `after` is the last id of the previous page.

    With a `requester` only those of this person's own agents, and those that name a group of theirs or a role that
    they have for the ask's project; with a `machine_id` only those of that machine.
    """
    async with read_connection() as connection:
        rows = await connection.fetch(
            _COLUMNS + f"WHERE a.state = 'pending' AND a.expires_at > $1 AND {_OF} "
            "AND ($7::uuid IS NULL OR a.id > $7) AND ($9::uuid IS NULL OR a.machine_id = $9) ORDER BY a.id LIMIT $8",
            now,
            *reader_values(requester),
            after,
            limit,
            machine_id,
        )
    return [ask_of(row) for row in rows]


async def count_pending(now: datetime, machine_id: UUID | None = None) -> int:
    """How many asks wait, in all or of one machine."""
    async with read_connection() as connection:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM ask WHERE state = 'pending' AND expires_at > $1 "
            "AND ($2::uuid IS NULL OR machine_id = $2)",
            now,
            machine_id,
        )
    return count


async def recent_asks(
    *,
    limit: int = 50,
    before: UUID | None = None,
    requester: Answerer | None = None,
    machine_id: UUID | None = None,
) -> list[Ask]:
    """Asks that have ended, newest first; `before` is the last id of the previous page, the others are as above."""
    async with read_connection() as connection:
        rows = await connection.fetch(
            _COLUMNS + f"WHERE a.state <> 'pending' AND ($1::uuid IS NULL OR a.id < $1) AND {_OF} "
            "AND ($8::uuid IS NULL OR a.machine_id = $8) ORDER BY a.id DESC LIMIT $7",
            before,
            *reader_values(requester),
            limit,
            machine_id,
        )
    return [ask_of(row) for row in rows]


def reader_values(requester: Answerer | None) -> tuple[UUID | None, str, list[str], list[str], list[str]]:
    """The values of the parameters of `concerning`; None is everybody."""
    if requester is None:
        return None, "", [], [], []
    groups = [f"{GROUP_PREFIX}{name}" for name in requester.groups]
    scoped = list(requester.scoped)
    return (
        requester.person_id,
        requester.email,
        groups,
        [each.role for each in scoped],
        [expression_of(each.project) for each in scoped],
    )
