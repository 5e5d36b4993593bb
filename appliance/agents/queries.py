"""Reading deployment tokens and machines."""

from typing import Any
from uuid import UUID

from appliance.agents.errors import MachineUnknownError
from appliance.agents.records import AuthenticatedMachine, DeploymentToken, Machine
from appliance.database.connection import read_connection
from appliance.identity import effective

LARGEST_PAGE = 500
DEPLOYMENT_COLUMNS = (
    "id, name, email_domains, default_email, max_uses, uses, created_at, created_by, expires_at, revoked_at"
)
# A machine belongs to the person that it was linked to, or else to whoever has its address by now. Whoever
# has no address has a null one in `person`, never an empty one, so a machine without one finds nobody.
PERSON_OF_MACHINE = (
    "LEFT JOIN person p ON p.id = coalesce(m.person_id, (SELECT q.id FROM person q WHERE q.email = m.email))"
)
_MACHINE = f"""
SELECT m.id, m.hostname, m.platform, m.os_release, m.client_version, m.email, p.id AS person_id,
  coalesce(nullif(m.display_name, ''), p.display_name, '') AS display_name, m.deployment_token_id, m.enrolled_at,
  m.last_seen_at, m.revoked_at,
  (SELECT n.id FROM machine n
    WHERE n.email = m.email AND n.hostname = m.hostname AND n.id > m.id AND n.platform = m.platform
      AND n.revoked_at IS NULL AND coalesce(m.last_seen_at, m.enrolled_at) <= n.enrolled_at
    ORDER BY n.id DESC LIMIT 1) AS superseded_by
FROM machine m {PERSON_OF_MACHINE}
"""  # noqa: S608 - constants only
# Whoever is linked to a machine and was deleted since has no machines any more, like whoever is disabled.
_AUTHENTICATED = f"""
SELECT m.id AS machine_id, p.id AS person_id, m.email, m.last_seen_at, {effective.GROUPS} AS groups
FROM machine m {PERSON_OF_MACHINE}
WHERE m.token_hash = $1 AND m.revoked_at IS NULL AND p.is_disabled IS NOT TRUE
  AND (m.person_id IS NULL OR p.id IS NOT NULL)
"""  # noqa: S608 - constants only


def token_of(row: Any) -> DeploymentToken:  # noqa: ANN401 - asyncpg.Record has no types
    """The record of a row with `DEPLOYMENT_COLUMNS`."""
    values = {name: row[name] for name in DeploymentToken.__struct_fields__}
    return DeploymentToken(**{**values, "email_domains": tuple(row["email_domains"])})


def _machine(row: Any) -> Machine:  # noqa: ANN401 - asyncpg.Record
    return Machine(**{name: row[name] for name in Machine.__struct_fields__})


async def deployment_tokens(*, limit: int = 50) -> list[DeploymentToken]:
    """Deployment tokens, newest first, at most 500."""
    async with read_connection() as connection:
        rows = await connection.fetch(
            f"SELECT {DEPLOYMENT_COLUMNS} FROM deployment_token ORDER BY id DESC LIMIT $1",  # noqa: S608 - constants only
            _page(limit),
        )
    return [token_of(row) for row in rows]


async def machines(*, before: UUID | None = None, limit: int = 50, person_id: UUID | None = None) -> list[Machine]:
    """Machines, newest first, at most 500; `before` is the last id of the previous page."""
    async with read_connection() as connection:
        rows = await connection.fetch(
            _MACHINE + "WHERE ($1::uuid IS NULL OR m.id < $1) AND ($2::uuid IS NULL OR p.id = $2) "
            "ORDER BY m.id DESC LIMIT $3",
            before,
            person_id,
            _page(limit),
        )
    return [_machine(row) for row in rows]


async def machine_by_id(machine_id: UUID) -> Machine:
    """One machine.

    Raises:
        MachineUnknownError: there is none.
    """
    async with read_connection() as connection:
        row = await connection.fetchrow(_MACHINE + "WHERE m.id = $1", machine_id)
    if row is None:
        raise MachineUnknownError
    return _machine(row)


async def machine_of_token(token_hash: bytes) -> AuthenticatedMachine | None:
    """The machine whose live token has this hash; None also if its person is disabled."""
    async with read_connection() as connection:
        row = await connection.fetchrow(_AUTHENTICATED, token_hash)
    return None if row is None else AuthenticatedMachine(**{**dict(row), "groups": frozenset(row["groups"])})


async def has_machine_ended(machine_id: UUID) -> bool:
    """Whether the machine was revoked, or its person disabled."""
    async with read_connection() as connection:
        found: bool = await connection.fetchval(
            f"SELECT EXISTS (SELECT FROM machine m {PERSON_OF_MACHINE} "  # noqa: S608 - constants only
            "WHERE m.id = $1 AND (m.revoked_at IS NOT NULL OR p.is_disabled))",
            machine_id,
        )
    return found


async def account_of_email(email: str) -> tuple[UUID, bool] | None:
    """Identifier of the person with this address, and whether that person is disabled; None if there is nobody."""
    async with read_connection() as connection:
        row = await connection.fetchrow("SELECT id, is_disabled FROM person WHERE email = $1", email)
    return None if row is None else (row["id"], row["is_disabled"])


def _page(limit: int) -> int:
    return max(1, min(limit, LARGEST_PAGE))
