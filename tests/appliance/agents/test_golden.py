"""One recorded request and reply per agent and event: what is read, and what each answer looks like on the wire."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.agents import dialects
from appliance.agents.dialects import DIALECTS

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("*/*.json"))


def event_of(file: Path) -> str:
    """The event of a recording; what follows it in the file's name tells recordings of one event apart."""
    name = file.stem
    while name not in DIALECTS[file.parent.name].events:
        name, _, more = name.rpartition(".")
        assert more, file
    return name


def recorded_in(file: Path) -> Any:  # noqa: ANN401 - JSON
    """What the file says."""
    return msgspec.json.decode(file.read_bytes())


RECORDINGS = [(file.parent.name, event_of(file), recorded_in(file)) for file in FILES]
IDS = [f"{file.parent.name}/{file.stem}" for file in FILES]


@pytest.mark.parametrize(("agent", "event", "recorded"), RECORDINGS, ids=IDS)
def test_a_recorded_hook_is_read_and_answered_as_recorded(agent: str, event: str, recorded: Any) -> None:  # noqa: ANN401 - JSON
    """The action, the native allow and the native deny are word for word those of the file."""
    action = dialects.read(agent, event, recorded["body"])
    read = msgspec.to_builtins(action)
    assert {name: read[name] for name in recorded["action"]} == recorded["action"]
    assert (read["agent"], read["event"], read["body"]) == (agent, event, recorded["body"])
    assert dialects.allow(agent, event, recorded["reason"]) == recorded["allow"]
    assert dialects.deny(agent, event, recorded["reason"]) == recorded["deny"]
    assert recorded["allow"] != recorded["deny"]


@pytest.mark.parametrize(("agent", "event", "recorded"), RECORDINGS, ids=IDS)
def test_a_changed_input_or_output_is_told_as_recorded(agent: str, event: str, recorded: Any) -> None:  # noqa: ANN401 - JSON
    """Where the agent takes one; everywhere else the allow stays as it is."""
    asked = recorded.get("updated", {"input": {"command": "true"}, "reply": recorded["allow"]})
    if "updated" in recorded or DIALECTS[agent].events[event].updated is None:
        assert dialects.allow(agent, event, recorded["reason"], asked["input"]) == asked["reply"]
    shown = recorded.get("masked", {"body": recorded["body"], "reply": recorded["allow"]})
    told = dialects.with_masked_output(agent, event, recorded["allow"], recorded["body"], shown["body"])
    assert told == shown["reply"]


def test_every_agent_and_event_has_a_recording() -> None:
    """No dialect can gain an event, or a change of what passes there, without showing what it says."""
    events = {(agent, event): known for agent, dialect in DIALECTS.items() for event, known in dialect.events.items()}
    assert {(agent, event) for agent, event, _ in RECORDINGS} == set(events)
    for field in ("updated", "masked"):
        recorded = {(agent, event) for agent, event, each in RECORDINGS if field in each}
        assert recorded == {place for place, known in events.items() if getattr(known, field) is not None}
