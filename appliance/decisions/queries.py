"""Searching decisions."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from appliance.agents.coverage.records import LastHook
from appliance.approvals.queries import concerning, reader_values
from appliance.database.connection import read_connection
from appliance.database.patterns import like_pattern
from appliance.decisions.records import DecisionFilter, StoredDecision

_NAMES = StoredDecision.__struct_fields__
_SELECT = """
SELECT d.id, d.created_at, d.machine_id, d.person_id, d.agent, d.event, d.kind, d.tool, d.project, d.session, d.outcome,
  d.policy_version, d.policies, d.secrets, d.reason, d.summary, d.ask_id, coalesce(m.hostname, '') AS hostname,
  coalesce(a.state, '') AS ask_state
FROM decision d LEFT JOIN machine m ON m.id = d.machine_id LEFT JOIN ask a ON a.id = d.ask_id
"""
# Identifiers are UUIDv7: their order is the order in time, and their index serves paging.
_WHERE = f"""
WHERE ($1 = '' OR d.summary ILIKE $1 OR d.reason ILIKE $1 OR d.tool ILIKE $1 OR d.project ILIKE $1)
  AND ($2 = '' OR d.outcome = $2) AND ($3 = '' OR d.agent = $3)
  AND ($4::uuid IS NULL OR d.machine_id = $4) AND ($5::uuid IS NULL OR d.person_id = $5)
  AND ($6 = '' OR $6 = ANY (string_to_array(d.policies, ' ')))
  AND ($7::timestamptz IS NULL OR d.created_at >= $7) AND ($8::timestamptz IS NULL OR d.created_at < $8)
  AND ($9::uuid IS NULL OR d.id < $9)
  AND ($11::uuid IS NULL OR d.person_id = $11 OR (a.id IS NOT NULL AND ($16 OR {concerning(11)})))
ORDER BY d.id DESC LIMIT $10
"""


# As bytes, because PostgreSQL 18 has no greatest of identifiers, and their texts take four times as long.
# The identifier's time serves the index, the moment the choice of partitions; a batch's identifiers are some
# milliseconds apart from its moments.
_LAST_HOOKS = """
SELECT d.machine_id, d.agent, max(d.created_at) AS at, encode(max(uuid_send(d.id)), 'hex')::uuid AS decision_id,
  max(d.created_at) FILTER (WHERE d.event = 'ConfigChange') AS config_changed_at
FROM decision d WHERE d.id >= $1 AND d.created_at >= $2 AND d.created_at < $3 GROUP BY d.machine_id, d.agent
"""
_FIRST_HOOK = """
SELECT d.machine_id, d.agent, d.created_at AS at, d.id AS decision_id, NULL::timestamptz AS config_changed_at
FROM decision d WHERE d.id >= $1 AND d.created_at >= $2 AND d.agent = $3 ORDER BY d.id LIMIT 1
"""


def _decision(row: Any) -> StoredDecision:  # noqa: ANN401 - asyncpg.Record
    return StoredDecision(**{name: row[name] for name in _NAMES})


async def find_decisions(wanted: DecisionFilter) -> list[StoredDecision]:
    """Decisions that match, newest first, at most `wanted.limit`."""
    async with read_connection() as connection:
        rows = await connection.fetch(
            _SELECT + _WHERE,
            like_pattern(wanted.text),
            wanted.outcome,
            wanted.agent,
            wanted.machine_id,
            wanted.person_id,
            wanted.policy,
            wanted.since,
            wanted.until,
            wanted.before,
            wanted.limit,
            *reader_values(wanted.reader),
            wanted.reads_asks,
        )
    return [_decision(row) for row in rows]


async def decision_by_id(decision_id: UUID) -> StoredDecision | None:
    """One decision, or None."""
    async with read_connection() as connection:
        row = await connection.fetchrow(_SELECT + "WHERE d.id = $1", decision_id)
    return None if row is None else _decision(row)


async def last_hooks(since: datetime, until: datetime) -> Sequence[LastHook]:
    """The newest decided hook of each agent on each machine from `since` until before `until`."""
    async with read_connection() as connection:
        rows = await connection.fetch(_LAST_HOOKS, _lowest_id(since), since, until)
    return [LastHook(**dict(row)) for row in rows]


async def first_hook(agent: str, since: datetime) -> LastHook | None:
    """The first hook of an agent that was decided since a moment; None while there is none."""
    async with read_connection() as connection:
        row = await connection.fetchrow(_FIRST_HOOK, _lowest_id(since), since, agent)
    return None if row is None else LastHook(**dict(row))


def _lowest_id(since: datetime) -> UUID:
    """An identifier that lies before those of decisions since a moment."""
    return UUID(int=int((since - timedelta(minutes=1)).timestamp() * 1000) << 80)
