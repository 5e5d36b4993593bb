"""Migrate a database and look at it; imported by the commands that do so, never by `up` itself."""

import os

import msgspec

from appliance.clock import utc_now
from appliance.config import Config
from appliance.database import roles
from appliance.database.connection import Connection, connect, disconnect, read_connection
from appliance.database.errors import TooManyRightsError
from appliance.database.migrations import applied_migrations, check_schema, known_migrations
from appliance.database.setup import Endpoints, prepare
from appliance.identity.links import Links
from appliance.identity.queries import has_owner
from appliance.identity.records import Limits
from appliance.ledger.records import Actor, ActorKind
from installer.errors import OwnerUrlMissingError
from installer.steps.database import embedded_server

OPERATOR = Actor(kind=ActorKind.OPERATOR, id="leashctl")
_POOL_SIZE = 2


class Migrated(msgspec.Struct, frozen=True, kw_only=True):
    """What a migration did: names of the migrations, in order."""

    applied: tuple[str, ...]


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """What was done before the services start.

    Attributes:
        applied: names of the migrations; None if they are left to the administrator.
        owner_link: address of the one-time link by which somebody becomes the first owner; None if there is one.
    """

    applied: tuple[str, ...] | None
    owner_link: str | None


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
    owner_url = _owner_url(config)
    if owner_url is None:
        raise OwnerUrlMissingError
    return Migrated(applied=(await _migrate(config, owner_url)).migrated.applied)


async def prepare_database(config: Config) -> Prepared:
    """Migrate where the owner's URL is known, look at the schema where it is not, and see to a first owner.

    Raises:
        DatabaseError: it cannot be reached or used, a migration failed, or its administrator must migrate it.
    """
    owner_url, applied = _owner_url(config), None
    if owner_url is not None:
        endpoints = await _migrate(config, owner_url)
        service_url, applied = endpoints.service_url, endpoints.migrated.applied
    else:
        service_url = _given_service_url(config)
    await connect(service_url, pool_size=_POOL_SIZE)
    try:
        async with read_connection() as connection:
            await check_schema(connection)
        return Prepared(applied=applied, owner_link=await _first_owner_link(config))
    finally:
        await disconnect()


def _owner_url(config: Config) -> str | None:
    server, given = embedded_server(config), config.database.owner_url
    if server is not None:
        return server.owner_url
    return given.reveal() if given is not None else None


def _given_service_url(config: Config) -> str:
    given = config.database.service_url
    return given.reveal() if given is not None else ""


async def _migrate(config: Config, owner_url: str) -> Endpoints:
    retention = config.database.retention_url
    return await prepare(
        owner_url,
        state=config.state.directory,
        now=utc_now(),
        service_url=_given_service_url(config),
        retention_url=retention.reveal() if retention else "",
    )


async def _first_owner_link(config: Config) -> str | None:
    """The same verb as `leashctl people owner-link`, without building the whole appliance for it."""
    if await has_owner():
        return None
    links = Links(Limits(), config.sessions.owner_link_minutes, os.urandom)
    link = await links.create_owner_link(OPERATOR, now=utc_now())
    return f"{config.public_origin}/claim/{link.token}"


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
