"""Bring a database, embedded or external, to where the service can use it."""

from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

import msgspec

from appliance.database import roles
from appliance.database.connection import open_connection
from appliance.database.embedded import read_or_create_password
from appliance.database.migrations import MigrationResult, migrate


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


async def prepare(owner_url: str, *, state: Path, now: datetime, service_url: str = "") -> Endpoints:
    """Make the service's and the retention role where they are ours to make, and migrate.

    With `service_url` the administrator has made the service's role; it only gets its rights.
    """
    connection = await open_connection(owner_url)
    try:
        retention_password = read_or_create_password(state, roles.RETENTION)
        await roles.create_role(connection, roles.RETENTION, retention_password)
        service = roles.SERVICE
        if service_url:
            service = urlsplit(service_url).username or roles.SERVICE
        else:
            password = read_or_create_password(state, roles.SERVICE)
            await roles.create_role(connection, roles.SERVICE, password)
            service_url = role_url(owner_url, roles.SERVICE, password)
    finally:
        await connection.close()
    migrated = await migrate(owner_url, now=now, service=service)
    return Endpoints(
        owner_url=owner_url,
        service_url=service_url,
        retention_url=role_url(owner_url, roles.RETENTION, retention_password),
        migrated=migrated,
    )
