"""Build what Cedar sees of a request: only the attributes that the policies at hand read.

Parsing the request is most of Cedar's work on a small policy set, so an attribute that no candidate policy
reads is never built. Types and names are those of schema.cedarschema; a test holds both together.
"""

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate, chain
from operator import attrgetter
from typing import Final, NamedTuple

from appliance.actions.records import Action, Command, Facts, Finding, Kind
from appliance.policy.records import Subject

DEEPEST_PATH: Final = 64

_HOME: Final = re.compile(r"/root(?=/|\Z)|/home/[^/]+|/Users/[^/]+|[A-Za-z]:/Users/[^/]+")

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
    home = _HOME.match(directories[-1]) if directories else None
    if home is None:
        return directories
    folded = home[0]
    return directories + ["~" + name[len(folded) :] for name in directories if name.startswith(folded)]


def _levels(path: str) -> list[str]:
    if path[1:2] == ":":
        path = path.replace("\\", "/")
    if not path:
        return []
    if path[0] == "/":
        # normpath keeps a double slash at the start, which no file system we meet tells from one.
        parts = posixpath.normpath(path).lstrip("/").split("/", DEEPEST_PATH)[:DEEPEST_PATH]
        return ["/", *accumulate(parts[1:], _below, initial="/" + parts[0])] if parts[0] else ["/"]
    # `~/..` is the directory above the home, which nobody knows here: nothing is folded.
    parts = path.rstrip("/").split("/", DEEPEST_PATH)[:DEEPEST_PATH]
    return list(accumulate(parts, _below))


def _below(directory: str, name: str) -> str:
    return f"{directory}/{name}"


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
    if not request.facts.is_understood:
        return False
    for command in request.commands:
        for path in (*command.paths_read, *command.paths_written, *command.paths_deleted):
            if len(path) > DEEPEST_PATH and path.count("/") + path.count("\\") > DEEPEST_PATH:
                return False
    return True


def _union(values: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(chain.from_iterable(values)))


def _all(field: str) -> Callable[[Request], list[str]]:
    """Gather a field of all commands."""
    field_of = attrgetter(field)

    def gather(request: Request) -> list[str]:
        found: list[str] = []
        for command in request.commands:
            found += field_of(command)
        return list(dict.fromkeys(found)) if len(found) > 1 else found

    return gather


def _directories(field: str) -> Callable[[Request], list[str]]:
    paths_of = _all(field)

    def gather(request: Request) -> list[str]:
        paths = paths_of(request)
        return _union(map(directories_of, paths)) if paths else []

    return gather


def project_directories(request: Request) -> list[str]:
    """Give the project as it was sent and every directory above it."""
    project = request.action.project
    return _union([[project] if project else [], directories_of(project)])


TEXTS: Final[Mapping[str, Callable[[Request], str]]] = {
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

_HOSTS: Final = _all("hosts")

SETS: Final[Mapping[str, Callable[[Request], list[str]]]] = {
    "programs": lambda request: [command.program for command in request.commands if command.program],
    "words": _all("words"),
    "effects": lambda request: list(request.effects),
    "secrets": lambda request: [finding.rule for finding in request.findings],
    "paths_read": _all("paths_read"),
    "paths_written": _all("paths_written"),
    "paths_deleted": _all("paths_deleted"),
    "directories_read": _directories("paths_read"),
    "directories_written": _directories("paths_written"),
    "directories_deleted": _directories("paths_deleted"),
    "hosts": _HOSTS,
    "domains": lambda request: _union(map(domains_of, _HOSTS(request))),
    "project_directories": project_directories,
    "groups": lambda request: list(request.subject.groups),
}

FLAGS: Final[Mapping[str, Callable[[Request], bool]]] = {"understood": _is_understood}

ATTRIBUTES: Final[Mapping[str, Callable[[Request], Value]]] = {**TEXTS, **SETS, **FLAGS}

# Of everything else, each command alone has what the whole action has, or a part of it.
DIFFERENT_ALONE: Final = frozenset({"program", "command", "effects", "understood"})
