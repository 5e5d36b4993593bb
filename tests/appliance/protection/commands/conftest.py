"""Facts about a shell line as an agent sends it."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from appliance.actions.records import Action, Facts, Kind, Moment
from appliance.protection.commands.facts import facts_of

PROJECT = "/home/ada/shop"


def action_of(kind: Kind, tool: str, arguments: Mapping[str, Any], project: str = PROJECT) -> Action:
    return Action(
        agent="claude",
        event="PreToolUse",
        moment=Moment.BEFORE_TOOL,
        kind=kind,
        tool=tool,
        arguments=arguments,
        project=project,
    )


@pytest.fixture(scope="session")
def shell() -> Callable[[str], Facts]:
    """Judge one shell line of an agent that works in /home/ada/shop."""
    return lambda line: facts_of(action_of(Kind.SHELL, "Bash", {"command": line}))


@pytest.fixture(scope="session")
def tool() -> Callable[[Kind, str, Mapping[str, Any]], Facts]:
    """Judge one tool call of the same agent."""
    return lambda kind, name, arguments: facts_of(action_of(kind, name, arguments))
