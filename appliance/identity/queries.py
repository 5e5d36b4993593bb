"""Reading people and their roles."""

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from appliance.database.connection import read_connection
from appliance.database.patterns import like_pattern
from appliance.identity import effective
from appliance.identity.errors import PersonUnknownError
from appliance.identity.records import PeopleFilter, Person, Role, ScopedRole

# Notified in the commit of every change of people, roles or sessions, so that each process forgets what it knew. The
# payload is the person's identifier; it is empty where somebody is new, whom nothing known may have been about yet.
CHANNEL: Final = "leash_identity"

_PERSON: Final = f"""
SELECT p.id, p.display_name, coalesce(p.email, '') AS email, p.is_disabled, p.is_sealed, p.disabled_by, p.created_at,
  EXISTS (SELECT FROM local_credential c WHERE c.person = p.id) AS has_credential,
  {effective.ROLES} AS roles, {effective.DIRECT} AS direct_roles, {effective.SCOPED} AS scoped,
  {effective.GROUPS} AS groups, {effective.SOURCES} AS sources
FROM person p
"""  # noqa: S608 - constants
_HOLDERS: Final = effective.HOLDERS.format(role="$2")
# The subqueries of _PERSON are worked out for the rows of the page alone, because a limit comes after the order.
_PAGE: Final = f"""
WHERE ($1 = '' OR p.display_name ILIKE $1 OR p.email ILIKE $1
    OR p.id IN (SELECT x.person FROM external_account x WHERE x.user_name ILIKE $1))
  AND ($2 = '' OR p.id IN ({_HOLDERS}))
  AND ($3 = '' OR EXISTS (SELECT FROM external_account x WHERE x.person = p.id AND x.source = $3))
  AND ($4::boolean IS NULL OR p.is_disabled = $4)
  AND ($5::uuid IS NULL OR (lower(p.display_name), p.id) >
    (SELECT lower(c.display_name), c.id FROM person c WHERE c.id = $5))
ORDER BY lower(p.display_name), p.id LIMIT $6
"""  # noqa: S608 - constants
_SOURCES: Final = (
    "SELECT DISTINCT source FROM external_account UNION SELECT DISTINCT source FROM identity_group ORDER BY 1"
)
_HAS_OWNER: Final = f"""
SELECT EXISTS (SELECT FROM person p
  WHERE ($1::uuid IS NULL OR p.id <> $1) AND {effective.IS_OWNER} AND {effective.CAN_COME_IN})
"""  # noqa: S608 - constants


async def find_people(wanted: PeopleFilter) -> tuple[Person, ...]:
    """Whoever matches, by name, at most `wanted.limit`.

    Raises:
        PersonUnknownError: nobody has the identifier `wanted.after`.
    """
    async with read_connection() as connection:
        if wanted.after and not await connection.fetchval("SELECT true FROM person WHERE id = $1", wanted.after):
            raise PersonUnknownError
        rows = await connection.fetch(
            _PERSON + _PAGE,
            like_pattern(wanted.text),
            wanted.role.value if wanted.role else "",
            wanted.source,
            wanted.is_disabled,
            wanted.after,
            wanted.limit,
        )
    return tuple(_person(row) for row in rows)


async def sources_of_people() -> tuple[str, ...]:
    """Every source that somebody has an account of, or that has told of a group, such as `directory:corp`."""
    async with read_connection() as connection:
        rows = await connection.fetch(_SOURCES)
    return tuple(row["source"] for row in rows)


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


async def people_with(roles: Collection[str]) -> tuple[Person, ...]:
    """Whoever can come in and holds one of the roles or approver groups, everywhere or for some projects."""
    async with read_connection() as connection:
        rows = await connection.fetch(
            _PERSON + f"WHERE {effective.CAN_COME_IN} AND {effective.HOLDS_ANY} ORDER BY p.id", sorted(roles)
        )
    return tuple(_person(row) for row in rows)


async def people_by_ids(ids: Collection[UUID]) -> tuple[Person, ...]:
    """Those of these people who are there."""
    async with read_connection() as connection:
        rows = await connection.fetch(_PERSON + "WHERE p.id = ANY($1)", list(ids))
    return tuple(_person(row) for row in rows)


async def is_owner_by_group(person_id: UUID) -> bool:
    """Whether a group of the person's makes them owner, whatever was assigned to them."""
    async with read_connection() as connection:
        found: bool = await connection.fetchval(
            f"SELECT {effective.IS_OWNER_BY_GROUP} FROM person p WHERE p.id = $1",  # noqa: S608 - a constant
            person_id,
        )
    return found


async def has_owner(*, besides: UUID | None = None) -> bool:
    """Whether an owner can come in: enabled, with a credential or an account; `besides` leaves one person out."""
    async with read_connection() as connection:
        found: bool = await connection.fetchval(_HAS_OWNER, besides)
    return found


def rights_of(row: Any) -> dict[str, Any]:  # noqa: ANN401 - asyncpg.Record has no types
    """`roles`, `scoped` and `groups` of a row that has them as `effective` does."""
    scoped = row["scoped"]
    return {
        "roles": frozenset(map(Role, row["roles"])),
        "scoped": frozenset(map(ScopedRole, scoped[::2], scoped[1::2])),
        "groups": frozenset(row["groups"]),
    }


def _person(row: Any) -> Person:  # noqa: ANN401 - asyncpg.Record
    plain = ("id", "display_name", "email", "is_disabled", "is_sealed", "disabled_by", "has_credential", "created_at")
    return Person(
        **{name: row[name] for name in plain},
        **rights_of(row),
        direct_roles=frozenset(map(Role, row["direct_roles"])),
        sources=frozenset(row["sources"]),
    )
