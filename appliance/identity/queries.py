"""Reading people and their roles."""

from typing import Any, Final
from uuid import UUID

from appliance.database.connection import read_connection
from appliance.identity.errors import PersonUnknownError
from appliance.identity.records import Person, Role

# Notified in the commit of every change of people, roles or sessions, so that each process forgets what it knew. The
# payload is the person's identifier; it is empty where somebody is new, whom nothing known may have been about yet.
CHANNEL: Final = "leash_identity"

_PERSON: Final = """
SELECT p.id, p.display_name, p.email, p.is_disabled, p.created_at,
  EXISTS (SELECT FROM local_credential c WHERE c.person = p.id) AS has_credential,
  ARRAY(SELECT r.role FROM person_role r WHERE r.person = p.id) AS roles
FROM person p
"""
_CAN_COME_IN: Final = """
SELECT EXISTS (
  SELECT FROM person p JOIN person_role r ON r.person = p.id JOIN local_credential c ON c.person = p.id
  WHERE r.role = 'owner' AND NOT p.is_disabled AND ($1::uuid IS NULL OR p.id <> $1))
"""


async def people() -> tuple[Person, ...]:
    """Everybody, by name."""
    async with read_connection() as connection:
        rows = await connection.fetch(_PERSON + "ORDER BY lower(p.display_name), p.id")
    return tuple(_person(row) for row in rows)


async def person_by_id(person_id: UUID) -> Person:
    """One person.

    Raises:
        PersonUnknownError: there is none.
    """
    async with read_connection() as connection:
        row = await connection.fetchrow(_PERSON + "WHERE p.id = $1", person_id)
    if row is None:
        raise PersonUnknownError
    return _person(row)


async def find_person(email: str) -> Person | None:
    """Whoever has this address, which is in its prepared form."""
    async with read_connection() as connection:
        row = await connection.fetchrow(_PERSON + "WHERE p.email = $1", email)
    return None if row is None else _person(row)


async def has_owner(*, besides: UUID | None = None) -> bool:
    """Whether an owner can come in: enabled, with a credential; `besides` leaves one person out."""
    async with read_connection() as connection:
        found: bool = await connection.fetchval(_CAN_COME_IN, besides)
    return found


def _person(row: Any) -> Person:  # noqa: ANN401 - asyncpg.Record has no types
    roles = frozenset(Role(role) for role in row["roles"])
    return Person(**{name: row[name] for name in Person.__struct_fields__ if name != "roles"}, roles=roles)
