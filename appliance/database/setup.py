"""Bring a database, embedded or external, to where the service can use it."""

from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit, urlunsplit

import msgspec

from appliance.database import roles
from appliance.database.connection import Connection, open_connection, translated
from appliance.database.embedded import read_or_create_password
from appliance.database.migrations import MigrationResult, migrate, take_turn


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """Database URLs, one per role; each holds a password."""

    owner_url: str
    service_url: str
    retention_url: str
    migrated: MigrationResult


def role_url(url: str, role: str, password: str) -> str:
    """`url` with another role's name and password."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    login = f"{quote(role, safe='')}:{quote(password, safe='')}"
    query = "&".join(
        f"{key}={quote(value, safe='')}"
        for key, values in parse_qs(parts.query).items()
        if key not in {"user", "password"}
        for value in values
    )
    return urlunsplit((parts.scheme, f"{login}@{place}", parts.path, query, ""))


def role_of(url: str, default: str) -> str:
    """The role that a URL connects as; `default` if it names none."""
    parts = urlsplit(url)
    return unquote(parts.username or "") or parse_qs(parts.query).get("user", [default])[-1]


async def prepare(
    owner_url: str, *, state: Path, now: datetime, service_url: str = "", retention_url: str = ""
) -> Endpoints:
    """Make the service's and the retention role, and migrate.

    A role whose URL is given was made by the administrator; it only gets its rights. The others belong to the whole
    server: two installations on one server need URLs for theirs.

    Raises:
        SetupRefusedError: the owner may not make roles or give rights, or a role does not exist.
        DatabaseUnreachableError, DatabaseVersionError, DatabaseError: as `migrate`.
    """
    connection = await open_connection(owner_url)
    try:
        with translated("Making the database's roles"):
            await take_turn(connection)
            service_url = service_url or await _made(connection, owner_url, state, roles.SERVICE)
            retention_url = retention_url or await _made(connection, owner_url, state, roles.RETENTION)
    finally:
        await connection.close()
    migrated = await migrate(
        owner_url,
        now=now,
        service=role_of(service_url, roles.SERVICE),
        retention=role_of(retention_url, roles.RETENTION),
    )
    return Endpoints(owner_url=owner_url, service_url=service_url, retention_url=retention_url, migrated=migrated)


async def _made(connection: Connection, owner_url: str, state: Path, role: str) -> str:
    """The URL of a role of ours, which is made or given its password again."""
    password = read_or_create_password(state, role)
    await roles.create_role(connection, role, password)
    return role_url(owner_url, role, password)
