"""Reading how the owner behind glass stands."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from appliance.database.connection import read_connection
from appliance.identity.break_glass.records import Status, Waiting

_OWNER: Final = """
SELECT o.person, o.password_hash, o.token_hash, o.sealed_at, o.open_until, coalesce(p.email, '') AS email,
  p.is_disabled, p.display_name
FROM sealed_owner o JOIN person p ON p.id = o.person
"""
# A session that was ended by hand is over before its time.
_OPEN: Final = """
SELECT o.open_until FROM sealed_owner o JOIN session s ON s.id = o.session JOIN person p ON p.id = o.person
WHERE o.open_until > $1 AND NOT p.is_disabled
"""
_WAITING: Final = """
SELECT id, is_by_operator, confirmed_by <> '' AS is_confirmed, created_at, expires_at
FROM unsealing WHERE expires_at > $1 ORDER BY id
"""


class StoredOwner(msgspec.Struct, frozen=True, kw_only=True):
    """The owner behind glass as stored; `token_hash` is None once the sheet was used."""

    person: UUID
    password_hash: str
    token_hash: bytes | None
    sealed_at: datetime
    open_until: datetime | None
    email: str
    is_disabled: bool
    display_name: str


async def find_owner() -> StoredOwner | None:
    """Whoever is behind glass."""
    async with read_connection() as connection:
        row = await connection.fetchrow(_OWNER)
    return None if row is None else StoredOwner(**dict(row))


async def open_until(now: datetime) -> datetime | None:
    """The end of the session that is open now."""
    async with read_connection() as connection:
        found: datetime | None = await connection.fetchval(_OPEN, now)
    return found


async def waiting(now: datetime) -> tuple[Waiting, ...]:
    """Unsealings under way, the oldest first."""
    async with read_connection() as connection:
        rows = await connection.fetch(_WAITING, now)
    return tuple(Waiting(**dict(row)) for row in rows)


async def status(now: datetime) -> Status | None:
    """How the owner behind glass stands; None if there is none."""
    owner = await find_owner()
    if owner is None:
        return None
    return Status(
        email=owner.email,
        sealed_at=owner.sealed_at,
        has_token=owner.token_hash is not None,
        open_until=await open_until(now),
        waiting=await waiting(now),
    )
