"""docs/reference/errors.md: every error that the product raises on purpose, by where a reader meets it."""

import importlib
import pkgutil
from collections.abc import Iterator

import appliance
import installer
import server
from appliance.errors import LeashError
from installer.errors import EXIT_CODES, CommandFailedError
from server.errors import STATUS_OF
from tests.docs import GENERATED, cell

_HEAD = f"""# Errors

{GENERATED}

Every failure has a code that never changes its meaning. Over HTTP it is problem JSON (RFC 9457); see [the API](api.md).
`leashctl` prints the same code with `--json`. A status of 200 is that of an agent's deny: hook calls are answered in
the agent's own words, which hold the first sentence and the next step.
"""
# Sections and the modules whose errors stand there; the first that fits.
_SECTIONS = (
    ("Pages", ("server.dashboard",)),
    ("Hook calls", ("server.hooks", "appliance.decisions", "appliance.protection")),
    ("HTTP itself", ("server",)),
    ("Sign-in and people", ("appliance.identity",)),
    ("Approvals", ("appliance.approvals",)),
    ("Notifications", ("appliance.notifications",)),
    ("Agents and machines", ("appliance.agents",)),
    ("Policies", ("appliance.policy",)),
    ("Ledger", ("appliance.ledger",)),
    ("Database", ("appliance.database",)),
    ("Configuration", ("appliance.config",)),
    ("Everything else", ("appliance",)),
    ("The command line", ("installer",)),
)


def errors() -> dict[str, type[LeashError]]:
    """Code -> class, of every error in the three packages."""
    for package in (appliance, server, installer):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if "piccolo_migrations" not in module.name and not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    importlib.import_module("server.__main__")
    waiting, found = [LeashError], dict[str, type[LeashError]]()
    while waiting:
        error = waiting.pop()
        waiting += error.__subclasses__()
        if error.__module__.partition(".")[0] in {"appliance", "server", "installer"}:
            found.setdefault(error.code, error)
    return found


def render() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_sections()])


def _sections() -> Iterator[str]:
    by_section: dict[str, list[type[LeashError]]] = {title: [] for title, _ in _SECTIONS}
    for _, error in sorted(errors().items()):
        by_section[_section_of(error)].append(error)
    for title, members in by_section.items():
        column = "exit code" if title == "The command line" else "status"
        lines = [f"## {title}", "", f"| code | {column} | what failed | what to do |", "|---|---|---|---|"]
        yield "\n".join([*lines, *(_row(error) for error in members), ""])


def _section_of(error: type[LeashError]) -> str:
    module = f"{error.__module__}."
    return next(title for title, homes in _SECTIONS if module.startswith(tuple(f"{home}." for home in homes)))


def _exit_code(error: type[LeashError]) -> str:
    """Its own code's, or that of the nearest class above it; a command that ran another one passes on the other's."""
    if error is CommandFailedError:
        return "its own"
    codes = [str(vars(each).get("code")) for each in error.__mro__]
    return str(next(EXIT_CODES[code] for code in codes if code in EXIT_CODES))


def _row(error: type[LeashError]) -> str:
    told = f"{cell(error.summary)} | {cell(error.next_step) or '-'} |"
    if error.__module__.startswith("installer"):
        return f"| [`{error.code}`](commands.md#exit-codes) | {_exit_code(error)} | {told}"
    return f"| `{error.code}` | {STATUS_OF.get(error.code, 400)} | {told}"
