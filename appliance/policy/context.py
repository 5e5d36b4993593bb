"""Build what Cedar sees of a request: only the attributes that the policies at hand read.

Parsing the request is most of Cedar's work on a small policy set, so an attribute that no candidate policy
reads is never built. Types and names are those of schema.cedarschema; a test holds both together.
"""

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from appliance.actions.records import Action, Command, Facts, Finding, Kind
from appliance.policy.records import Subject

DEEPEST_PATH: Final = 64

_HOME: Final = re.compile(r"/root|/home/[^/]+|/Users/[^/]+|[A-Za-z]:/Users/[^/]+")

Value = str | bool | list[str]


class Request(NamedTuple):
    """One question to Cedar: the whole action, or one of its commands.

    Attributes:
        action, facts, findings, subject: as given to `evaluate`.
        commands: the commands in question: all of them, or the one that is judged alone.
        effects: what those commands do; for the whole action with what only the whole line shows.
        is_whole: whether this is the whole action.
    """

    action: Action
    facts: Facts
    findings: tuple[Finding, ...]
    subject: Subject
    commands: tuple[Command, ...]
    effects: tuple[str, ...]
    is_whole: bool


def requests_of(action: Action, facts: Facts, findings: tuple[Finding, ...], subject: Subject) -> list[Request]:
    """Give the whole action and, where it is more than one command, each command alone."""
    whole = Request(action, facts, findings, subject, facts.commands, facts.effects, is_whole=True)
    if len(facts.commands) < 2:  # noqa: PLR2004 - one command is the whole action
        return [whole]
    return [
        whole,
        *(
            Request(action, facts, findings, subject, (command,), command.effects, is_whole=False)
            for command in facts.commands
        ),
    ]


def directories_of(path: str) -> list[str]:
    """Give a path itself and every directory above it, `/` or `~` included, at most 64 levels from the top.

    A path in somebody's home folder is given both ways: below `/home/ada` and below `~`.
    """
    directories = _levels(path)
    folded = next((name for name in directories[:4] if _HOME.fullmatch(name)), "")
    return directories + ["~" + name[len(folded) :] for name in directories if folded and name.startswith(folded)]


def _levels(path: str) -> list[str]:
    if path[1:2] == ":":
        path = path.replace("\\", "/")
    if not path:
        return []
    if path[0] == "/":
        # normpath keeps a double slash at the start, which no file system we meet tells from one.
        parts = posixpath.normpath(path).lstrip("/").split("/", DEEPEST_PATH)[:DEEPEST_PATH]
        return ["/", *("/" + "/".join(parts[:end]) for end in range(1, len(parts) + 1) if parts[0])]
    # `~/..` is the directory above the home, which nobody knows here: nothing is folded.
    parts = path.rstrip("/").split("/", DEEPEST_PATH)[:DEEPEST_PATH]
    return ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]


def domains_of(host: str) -> list[str]:
    """Give a host name itself and every domain above it; an address has none above it."""
    labels = host.rstrip(".").split(".")[-DEEPEST_PATH:]
    if ":" in host or labels[-1].isdigit():
        return [host]
    return [".".join(labels[start:]) for start in range(len(labels))]


def _program(request: Request) -> str:
    return request.commands[0].program if len(request.commands) == 1 else ""


def _command(request: Request) -> str:
    if request.is_whole and request.action.kind is Kind.SHELL:
        line = request.action.arguments.get("command")
        if isinstance(line, str):
            return line
    return "; ".join(" ".join(command.words) for command in request.commands)


def _is_understood(request: Request) -> bool:
    """Be false also where a path is too deep to name all its directories: a prefix test could miss it."""
    return request.facts.is_understood and not any(
        path.count("/") + path.count("\\") > DEEPEST_PATH
        for command in request.commands
        for path in (*command.paths_read, *command.paths_written, *command.paths_deleted)
    )


def _union(values: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(each for group in values for each in group))


def _paths(field: str) -> Callable[[Request], Value]:
    return lambda request: _union(getattr(command, field) for command in request.commands)


def _directories(field: str) -> Callable[[Request], Value]:
    return lambda request: _union(
        directories_of(path) for command in request.commands for path in getattr(command, field)
    )


def project_directories(request: Request) -> list[str]:
    """Give the project as it was sent and every directory above it."""
    project = request.action.project
    return _union([[project] if project else [], directories_of(project)])


TEXTS: Final[Mapping[str, Callable[[Request], Value]]] = {
    "program": _program,
    "command": _command,
    "tool": lambda request: request.action.tool,
    "mcp_server": lambda request: request.facts.mcp_server,
    "mcp_tool": lambda request: request.facts.mcp_tool,
    "agent": lambda request: request.action.agent,
    "event": lambda request: request.action.event,
    "moment": lambda request: request.action.moment.value,
    "session": lambda request: request.action.session,
    "project": lambda request: request.action.project,
    "machine": lambda request: request.subject.machine,
    "person": lambda request: request.subject.person,
}

SETS: Final[Mapping[str, Callable[[Request], Value]]] = {
    "programs": lambda request: [command.program for command in request.commands if command.program],
    "words": lambda request: _union(command.words for command in request.commands),
    "effects": lambda request: list(request.effects),
    "secrets": lambda request: [finding.rule for finding in request.findings],
    "paths_read": _paths("paths_read"),
    "paths_written": _paths("paths_written"),
    "paths_deleted": _paths("paths_deleted"),
    "directories_read": _directories("paths_read"),
    "directories_written": _directories("paths_written"),
    "directories_deleted": _directories("paths_deleted"),
    "hosts": lambda request: _union(command.hosts for command in request.commands),
    "domains": lambda request: _union(domains_of(host) for command in request.commands for host in command.hosts),
    "project_directories": project_directories,
    "groups": lambda request: list(request.subject.groups),
}

FLAGS: Final[Mapping[str, Callable[[Request], Value]]] = {"understood": _is_understood}

ATTRIBUTES: Final[Mapping[str, Callable[[Request], Value]]] = {**TEXTS, **SETS, **FLAGS}
