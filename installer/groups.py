"""The commands of `leashctl`, each imported when it is called: `up` must stay small, and help must be quick."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperGroup


class Entry(NamedTuple):
    """Where a command lives: module, name of its Typer app there, and its line in `leashctl --help`."""

    module: str
    app: str
    help: str


ENTRIES: Final[Mapping[str, Entry]] = {
    "up": Entry("up", "up_app", "Start everything in the foreground; Ctrl-C stops it."),
    "try": Entry("trial", "try_app", "Play three real hook calls of a pretend agent."),
    "status": Entry("status", "status_app", "Say what runs, and whether it is healthy."),
    "agents": Entry("agents", "agents_app", "Deployment tokens and enrolled machines."),
    "backup": Entry("backup", "backup_app", "Take backups and look at them."),
    "break-glass": Entry("break_glass", "break_glass_app", "The owner behind glass, for emergencies."),
    "clients": Entry("clients", "clients_app", "What points phones and other clients at this installation."),
    "config": Entry("config", "config_app", "Show and check the configuration."),
    "database": Entry("database", "database_app", "Migrate the database and look at it."),
    "groups": Entry("groups", "groups_app", "Groups of directories and providers, and their grants."),
    "identity": Entry("identity", "identity_app", "Test directories and providers, synchronise, explain people."),
    "ledger": Entry("ledger", "ledger_app", "Verify, export and look at the ledger."),
    "notifications": Entry("notifications", "notifications_app", "The delivery log, webhooks, and dead letters."),
    "people": Entry("people", "people_app", "Owner link, invitations, roles and sessions."),
    "policy": Entry("policy", "policy_app", "Write, check and publish the policies."),
    "provisioning": Entry(
        "provisioning", "provisioning_app", "Tokens of identity providers that write people and groups."
    ),
    "restore": Entry("restore", "restore_app", "Bring an installation back from its backups."),
    "version": Entry("version", "version_app", "Say which release this is."),
}


class LazyGroup(TyperGroup):
    """A group whose commands are those of `ENTRIES`; Typer keeps its own copy of click, whose types have no name."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 - click's signature
        """Every command, in the order of the help."""
        return list(ENTRIES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401, ARG002 - click's signature
        """Import one command; None if there is none of this name."""
        entry = ENTRIES.get(cmd_name)
        if entry is None:
            return None
        found: typer.Typer = getattr(import_module(f"installer.commands.{entry.module}"), entry.app)
        found._add_completion = False  # noqa: SLF001 - else Typer puts options of its own on every single command
        command = typer.main.get_command(found)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002 - click's signature
        """The list of commands in the help, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in ENTRIES.items()])
