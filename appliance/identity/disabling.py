"""What a source says of who may come in: disabling and enabling many people at once."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from appliance.database.connection import current_connection
from appliance.identity import effective, events
from appliance.identity.changes import announce_all, take_turn
from appliance.identity.records import Source
from appliance.ledger.records import Actor, LedgerEntry
from appliance.ledger.service import append_all

_FOUND: Final = f"""
SELECT a.key, a.id AS account, a.spared_at, a.is_disabled AS is_account_disabled, p.id AS person, p.is_disabled,
  {effective.IS_OWNER} AND {effective.CAN_COME_IN} AS is_owner
FROM external_account a JOIN person p ON p.id = a.person
WHERE a.source = $1 AND a.key = ANY($2) ORDER BY p.created_at, p.id, a.key FOR UPDATE OF p
"""  # noqa: S608 - constants
_HAS_OTHER_OWNER: Final = f"""
SELECT EXISTS (SELECT FROM person p
  WHERE p.id <> ALL($1) AND {effective.IS_OWNER} AND {effective.CAN_COME_IN})
"""  # noqa: S608 - constants
# Of a machine that nobody is linked to, its address says whose it is.
_MACHINES: Final = """
SELECT p.id AS person, count(*) AS n FROM person p
  JOIN machine m ON m.person_id = p.id OR (m.person_id IS NULL AND m.email = p.email)
WHERE p.id = ANY($1) AND m.revoked_at IS NULL GROUP BY p.id
"""
# Whom another account of theirs keeps out stays out, on that source's word from now on.
_ENABLE: Final = """
UPDATE person p SET is_disabled = other.source IS NOT NULL, disabled_by = coalesce(other.source, '')
FROM (SELECT q.id, (SELECT a.source FROM external_account a WHERE a.person = q.id AND a.is_disabled
    ORDER BY a.source LIMIT 1) AS source FROM person q WHERE q.id = ANY($1)) AS other
WHERE p.id = other.id AND p.is_disabled AND p.disabled_by = $2
RETURNING p.id, p.is_disabled
"""


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """What a source's disabling ended at once.

    Attributes:
        people: who cannot come in any more and could before.
        sessions, machines: theirs, sessions of devices included.
        spared: keys whose account stays as it was, because nobody else could come in as owner.
    """

    people: int = 0
    sessions: int = 0
    machines: int = 0
    spared: tuple[str, ...] = ()


async def disable(actor: Actor, source: Source, keys: Collection[str], now: datetime, *, cause: str) -> Ended:
    """Let the people of these accounts in no more: sessions, links and machines end with the commit.

    The last owner who can come in is spared. Whom somebody else disabled before stays disabled by them.
    `cause` is one word for the ledger, such as `gone` or `disabled`.
    """
    await take_turn()
    rows = await current_connection().fetch(_FOUND, str(source), list(keys))
    spared = await _spared(rows)
    doomed = [row for row in rows if row["person"] not in spared]
    await current_connection().execute(
        "UPDATE external_account SET is_disabled = true, spared_at = NULL WHERE id = ANY($1)",
        [row["account"] for row in doomed],
    )
    people = list(dict.fromkeys(row["person"] for row in doomed if not row["is_disabled"]))
    sessions, machines = await _end(people, source)
    await _record_spared(actor, source, [row for row in rows if row["person"] in spared], now)
    entries = [
        LedgerEntry(
            event=events.PERSON_DISABLED,
            actor=actor,
            subject=f"person:{person}",
            facts={
                "source": str(source),
                "cause": cause,
                "sessions": sessions.get(person, 0),
                "machines": machines.get(person, 0),
            },
        )
        for person in people
    ]
    await append_all(entries, now=now)
    await announce_all(list(dict.fromkeys(row["person"] for row in doomed)))
    return Ended(
        people=len(people),
        sessions=sum(sessions.values()),
        machines=sum(machines.values()),
        spared=tuple(row["key"] for row in rows if row["person"] in spared),
    )


async def enable(actor: Actor, source: Source, keys: Collection[str], now: datetime) -> int:
    """Let in again whom this source had disabled, unless another one keeps them out; how many come back."""
    await take_turn()
    connection = current_connection()
    rows = await connection.fetch(
        "UPDATE external_account SET is_disabled = false, spared_at = NULL, seen_at = $3 "
        "WHERE source = $1 AND key = ANY($2) AND (is_disabled OR spared_at IS NOT NULL) RETURNING person",
        str(source),
        list(keys),
        now,
    )
    touched = sorted({row["person"] for row in rows})
    changed = await connection.fetch(_ENABLE, touched, str(source))
    back = [row["id"] for row in changed if not row["is_disabled"]]
    entries = [
        LedgerEntry(event=events.PERSON_ENABLED, actor=actor, subject=f"person:{person}", facts={"source": str(source)})
        for person in back
    ]
    await append_all(entries, now=now)
    await announce_all(touched)
    return len(back)


async def _spared(rows: list[Any]) -> set[UUID]:
    """The one owner of the rows who must stay, if nobody else is left who could come in as owner."""
    owners = [row["person"] for row in rows if row["is_owner"]]
    if not owners:
        return set()
    people = [row["person"] for row in rows]
    has_other: bool = await current_connection().fetchval(_HAS_OTHER_OWNER, people)
    return set() if has_other else {owners[0]}


async def _end(people: list[UUID], source: Source) -> tuple[dict[UUID, int], dict[UUID, int]]:
    """Disable them; their sessions, which are deleted, and their machines, which are refused from now on."""
    connection = current_connection()
    await connection.execute(
        "UPDATE person SET is_disabled = true, disabled_by = $2 WHERE id = ANY($1)", people, str(source)
    )
    await connection.execute("DELETE FROM sign_up_link WHERE person = ANY($1)", people)
    sessions = await connection.fetch("DELETE FROM session WHERE person = ANY($1) RETURNING person", people)
    machines = await connection.fetch(_MACHINES, people)
    ended: dict[UUID, int] = {}
    for row in sessions:
        ended[row["person"]] = ended.get(row["person"], 0) + 1
    return ended, {row["person"]: row["n"] for row in machines}


async def _record_spared(actor: Actor, source: Source, rows: list[Any], now: datetime) -> None:
    """Once, until the source wants them in again: a sync that runs every other minute must not fill the ledger."""
    fresh = [row for row in rows if row["spared_at"] is None]
    await current_connection().execute(
        "UPDATE external_account SET spared_at = $2 WHERE id = ANY($1)", [row["account"] for row in fresh], now
    )
    entries = [
        LedgerEntry(
            event=events.PERSON_SPARED,
            actor=actor,
            subject=f"person:{row['person']}",
            facts={"source": str(source), "change": "disable"},
        )
        for row in fresh
    ]
    await append_all(entries, now=now)
