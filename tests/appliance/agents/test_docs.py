"""The reference says everything about agents that somebody outside can meet."""

from pathlib import Path

import pytest
from typer.main import get_command

from appliance.agents import errors
from appliance.agents.dialects import DIALECTS, reading
from appliance.agents.dialects.dialect import Dialect
from appliance.agents.errors import AgentsError
from appliance.agents.events import EVENTS
from appliance.agents.tokens import CACHE_SECONDS
from installer.commands.agents import agents_app

REFERENCE = (Path(__file__).parents[3] / "docs/reference/agents.md").read_text("utf-8")
CODES = [error.code for error in vars(errors).values() if isinstance(error, type) and issubclass(error, AgentsError)]
ALIASES = [
    *reading._SESSION, *reading._TOOL, *reading._TOOL_USE, *reading._PROJECT, *reading._PROMPT, *reading._LOOSE,
    *{name for dialect in DIALECTS.values() for name in dialect.inputs},
]  # fmt: skip
EVENT_NAMES = sorted({event for dialect in DIALECTS.values() for event in dialect.events})


@pytest.mark.parametrize("word", [*CODES, *EVENTS, *ALIASES])
def test_every_word_is_in_the_reference(word: str) -> None:
    """Error codes, ledger events and the names that are read of a body."""
    assert f"`{word}`" in REFERENCE


@pytest.mark.parametrize("event", EVENT_NAMES)
def test_every_event_says_what_a_deny_means(event: str) -> None:
    """With its moment."""
    moments = {dialect.events[event].moment for dialect in DIALECTS.values() if event in dialect.events}
    (moment,) = moments
    assert f"| `{event}` | {moment.value} |" in REFERENCE


@pytest.mark.parametrize(("agent", "dialect"), DIALECTS.items())
def test_every_agent_is_listed_with_its_hold(agent: str, dialect: Dialect) -> None:
    """The path's name and how long a call is held."""
    assert f"| `{agent}` | {dialect.hold_seconds:.0f} s |" in REFERENCE


def test_every_command_is_in_the_reference() -> None:
    """With each of its options."""
    lines = [line for line in REFERENCE.splitlines() if line.startswith("| `leashctl agents ")]
    for group, commands in vars(get_command(agents_app))["commands"].items():
        below = {f"{group} {name}": command for name, command in getattr(commands, "commands", {}).items()}
        for name, command in (below or {group: commands}).items():
            [line] = [each for each in lines if each.startswith(f"| `leashctl agents {name}")]
            for option in (each for each in command.params if each.name != "help"):
                assert option.param_type_name == "argument" or option.opts[0] in line, (name, option.opts)


def test_the_time_in_memory_is_the_one_in_force() -> None:
    """Numbers in text rot fastest."""
    assert CACHE_SECONDS == 2.0
    assert "two seconds at most" in REFERENCE
