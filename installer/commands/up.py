"""`leashctl up`: from nothing to a running private cloud, in the foreground, until Ctrl-C."""

import time
from contextlib import ExitStack
from datetime import datetime
from typing import Annotated

import typer

from appliance.config import Config
from appliance.config.settings import variable_of
from installer.console import Console
from installer.context import CommandLine
from installer.steps.database import embedded_server, prepare, start_embedded
from installer.steps.lock import StateLock
from installer.steps.port import check_port
from installer.steps.services import make_services, stop_services, wait_ready
from installer.steps.stopping import Stopping, StopRequestedError, stop_signals
from installer.supervision.kernel import adopt_orphans
from installer.supervision.postgres import PostgresKeeper, stop

up_app = typer.Typer(rich_markup_mode=None)


@up_app.command("up")
def up(
    ctx: typer.Context,
    *,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, metavar="PORT", help="TCP port to listen on, instead of [server] port."),
    ] = None,
) -> None:
    """Start everything in the foreground: database, migration, API, dashboard, scheduler. Ctrl-C stops it all.

    The next run goes on with the same data. What is killed or ends by itself is started again.
    """
    line: CommandLine = ctx.obj
    if port is not None:
        line = line.with_environ(**{variable_of("server", "port"): str(port)})
    with stop_signals() as stopping:
        Up(line, Console(), stopping).run()


class Up:
    """One run: every step leaves on a stack what undoes it, so that each end stops in order what was started."""

    def __init__(self, line: CommandLine, console: Console, stopping: Stopping) -> None:
        """Nothing is started yet."""
        self._line, self._console, self._stopping = line, console, stopping
        self._began = time.monotonic()

    @property
    def _config(self) -> Config:
        return self._line.config

    def run(self) -> None:
        """Start everything, wait for Ctrl-C, stop everything.

        Raises:
            LeashError: a step failed, or the database is gone; everything that was started is stopped.
        """
        with ExitStack() as undo:
            try:
                self._start(undo)
                self._stopping.wait()
            except StopRequestedError:
                self._console.say("\nStopping the services and the database (Ctrl-C again: at once) ...")
            finally:
                self._stopping.is_requested = True  # from here on a signal only means more haste

    def _start(self, undo: ExitStack) -> None:
        config, console = self._config, self._console
        adopt_orphans()
        lock = StateLock.acquire(config.state.directory, config.public_origin)
        undo.callback(lock.release)
        console.say("OpenLeash Private Cloud")
        console.fact("State", str(config.state.directory.resolve()))
        if ended := lock.end_leftovers():
            console.fact("Left over", f"{', '.join(ended)} of an earlier run, ended now")
        check_port(config.server.host, config.server.port)
        self._start_database(undo)
        if config.backups.store and (server := embedded_server(config)) is not None:
            server.prepare_replication()
        with console.step("Schema") as step:
            step.detail, owner_link = prepare(self._line)
        with console.step("Services") as step:
            self._start_services(undo, lock)
            step.detail = "server and scheduler are ready"
        self._welcome(owner_link)

    def _start_database(self, undo: ExitStack) -> None:
        server = embedded_server(self._config)
        if server is None:
            self._console.fact("Database", "the one that [database] names")
            return
        with self._console.step("Database") as step:
            undo.callback(stop, server)
            step.detail = start_embedded(server)
        keeper = PostgresKeeper(server, tell=self._tell, give_up=self._stopping.give_up)
        undo.callback(keeper.end)
        keeper.start()

    def _start_services(self, undo: ExitStack, lock: StateLock) -> None:
        services = make_services(self._line, tell=self._tell, started=lock.record)
        undo.callback(lambda: stop_services(self._config, services, lambda: self._stopping.is_urgent))
        for service in services:
            service.start()
        wait_ready(self._config, services)

    def _welcome(self, owner_link: str) -> None:
        console = self._console
        console.say()
        console.fact("Address", self._config.public_origin)
        if owner_link:
            minutes = self._config.sessions.owner_link_minutes
            console.fact("Owner link", f"{owner_link}  (once, within {minutes} minutes)")
        console.fact("Next", "leashctl try  plays three calls of a pretend agent  (.venv/bin/leashctl in a clone)")
        console.say(f"\nReady after {time.monotonic() - self._began:.1f} s. Ctrl-C stops everything.")

    def _tell(self, text: str) -> None:
        self._console.say(f"{datetime.now().astimezone():%H:%M:%S} {text}")
