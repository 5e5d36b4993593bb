"""Bring the database to where the service can use it."""

from typing import Any, NamedTuple

from appliance.config import Config
from appliance.database.embedded import EmbeddedPostgres
from installer.context import CommandLine
from installer.steps.own import OwnCommand


def embedded_server(config: Config) -> EmbeddedPostgres | None:
    """The embedded server, unless the configuration names another one."""
    database = config.database
    if database.owner_url is not None or database.service_url is not None:
        return None
    return EmbeddedPostgres(config.state.directory)


def start_embedded(server: EmbeddedPostgres) -> str:
    """Create and start the embedded server; what was done.

    Raises:
        EmbeddedServerError: it did not start.
    """
    is_new = not server.layout.is_created
    was_running = not is_new and server.is_running()
    server.start()
    done = "created and started" if is_new else "adopted as it runs" if was_running else "started"
    return f"embedded PostgreSQL 18, {done}"


class Prepared(NamedTuple):
    """What was done, and the one-time link for the first owner; empty if there is one."""

    detail: str
    owner_link: str


def prepare(line: CommandLine) -> Prepared:
    """Migrate, in a process of its own, and see to a first owner.

    Raises:
        CommandFailedError: the database cannot be reached or used, or a migration failed.
    """
    report: dict[str, Any] = OwnCommand(line, "database", "prepare").answer()
    applied, owner_link = report["applied"], str(report["owner_link"] or "")
    if applied is None:
        return Prepared("fits; its migration is left to the administrator", owner_link)
    return Prepared(f"{len(applied)} migrations applied" if applied else "up to date", owner_link)
