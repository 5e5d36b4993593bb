"""Bring the database to where the service can use it."""

from typing import Any

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


class Schema:
    """The migration, as a process of its own."""

    def __init__(self, line: CommandLine) -> None:
        """Start it."""
        self._command = OwnCommand(line, "database", "migrate")
        self.has_owner = True

    def wait(self) -> str:
        """Wait for its end; what was done.

        Raises:
            CommandFailedError: the database cannot be reached or used, or a migration failed.
        """
        report: dict[str, Any] = self._command.answer()
        self.has_owner = bool(report["has_owner"])
        count = len(report["applied"])
        return f"{count} migrations applied" if count else "up to date"
