"""What is asked for when an agent is to be connected, and the files that do it."""

from enum import StrEnum

import msgspec


class Scope(StrEnum):
    """Who can change the settings."""

    MANAGED = "managed"  # administrators of the machine only
    USER = "user"  # whoever uses the agent, and with them the agent itself


class System(StrEnum):
    """The operating system of the machine."""

    LINUX = "linux"
    MACOS = "macos"
    WINDOWS = "windows"


class Transport(StrEnum):
    """How the agent reaches the service."""

    SHIM = "shim"  # through our own hook program, which turns every failure into a deny
    HTTP = "http"  # directly; only for agents that can be told to block when that fails


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted.

    Attributes:
        origin: the public address of the service, `https://host[:port]`.
    """

    origin: str
    scope: Scope = Scope.MANAGED
    system: System = System.LINUX
    transport: Transport = Transport.SHIM


class File(msgspec.Struct, frozen=True, kw_only=True):
    """One file to put on the machine.

    Attributes:
        path: where this system's agent reads it; `~` is the home of whoever uses the agent.
        mode: rights in octal, as `chmod` takes them.
    """

    path: str
    content: str
    mode: str = "0644"


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that connects one agent.

    Attributes:
        agent: its name in hook paths.
        files: its settings.
        install: commands for a shell of the machine that install the shim, its address and its token.
        cautions: what these settings cannot do, a sentence each.
    """

    agent: str
    files: tuple[File, ...]
    install: str = ""
    cautions: tuple[str, ...] = ()
