"""Migrate a database and look at it; imported by the commands that do so, never by `up` itself."""

import msgspec

from appliance.clock import utc_now
from appliance.config import Config
from appliance.database import roles
from appliance.database.connection import Connection, connect, disconnect, read_connection
from appliance.database.errors import TooManyRightsError
from appliance.database.migrations import applied_migrations, known_migrations
from appliance.database.setup import prepare
from appliance.identity.queries import has_owner
from installer.errors import OwnerUrlMissingError
from installer.steps.database import embedded_server

_POOL_SIZE = 2


class Migrated(msgspec.Struct, frozen=True, kw_only=True):
    """What a migration did.

    Attributes:
        applied: names of the migrations, in order.
        has_owner: whether an owner can sign in already.
    """

    applied: tuple[str, ...]
    has_owner: bool


class DatabaseStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What the service's own role sees.

    Attributes:
        server_version: PostgreSQL's own words.
        missing: migrations of this release that have not run.
        unknown: migrations of a newer release.
        excess_rights: what the service's role could do to the ledger and must not; empty if nothing.
        is_usable: whether the service would start on it.
    """

    server_version: str
    is_embedded: bool
    role: str
    applied: int
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    excess_rights: str
    has_owner: bool
    is_usable: bool


async def migrate_database(config: Config) -> Migrated:
    """Make the roles, and bring the schema to this release.

    Raises:
        OwnerUrlMissingError: only the service's role is known.
        DatabaseError: it cannot be reached or used, or a migration failed.
    """
    database, server = config.database, embedded_server(config)
    if server is not None:
        owner_url = server.owner_url
    elif database.owner_url is not None:
        owner_url = database.owner_url.reveal()
    else:
        raise OwnerUrlMissingError
    given = database.service_url.reveal() if database.service_url is not None else ""
    endpoints = await prepare(owner_url, state=config.state.directory, now=utc_now(), service_url=given)
    await connect(endpoints.service_url, pool_size=_POOL_SIZE)
    try:
        return Migrated(applied=endpoints.migrated.applied, has_owner=await has_owner())
    finally:
        await disconnect()


async def database_status(config: Config) -> DatabaseStatus:
    """Look at the database as the service does.

    Raises:
        DatabaseError: it cannot be reached, or is not PostgreSQL 18.
    """
    from appliance.bootstrap import service_url_of  # noqa: PLC0415 - a second that `up` would wait for a migration

    await connect(service_url_of(config), pool_size=_POOL_SIZE)
    try:
        async with read_connection() as connection:
            return await _look(connection, is_embedded=embedded_server(config) is not None)
    finally:
        await disconnect()


async def _look(connection: Connection, *, is_embedded: bool) -> DatabaseStatus:
    known, applied = known_migrations(), await applied_migrations(connection)
    missing, unknown = known - applied, applied - known
    excess = await _excess_rights(connection)
    return DatabaseStatus(
        server_version=await connection.fetchval("SHOW server_version"),
        is_embedded=is_embedded,
        role=await connection.fetchval("SELECT current_user"),
        applied=len(applied & known),
        missing=tuple(sorted(name for _, name in missing)),
        unknown=tuple(sorted(name for _, name in unknown)),
        excess_rights=excess,
        has_owner=not missing and await has_owner(),
        is_usable=not (missing or unknown or excess),
    )


async def _excess_rights(connection: Connection) -> str:
    try:
        await roles.refuse_excess_rights(connection)
    except TooManyRightsError as problem:
        return problem.detail
    return ""
