"""Bring the database to where the service can use it."""

from typing import Any

from appliance.config import Config
from appliance.database.embedded import EmbeddedPostgres
from installer.context import CommandLine
from installer.errors import REFUSED
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


class Schema:
    """The migration, as a process of its own; where only the service's role is known, a look at the schema."""

    def __init__(self, line: CommandLine) -> None:
        """Start it."""
        database = line.config.database
        self._is_ours = database.service_url is None or database.owner_url is not None
        self._command = OwnCommand(line, "database", "migrate" if self._is_ours else "status")
        self.has_owner = True

    def wait(self) -> str:
        """Wait for its end; what was done.

        Raises:
            CommandFailedError: the database cannot be reached or used, or a migration failed.
        """
        report: dict[str, Any] = self._command.answer((0,) if self._is_ours else (0, REFUSED))
        self.has_owner = bool(report["has_owner"])
        if not self._is_ours:
            return "left to the administrator, who has the owner's URL"
        count = len(report["applied"])
        return f"{count} migrations applied" if count else "up to date"
