"""One recorded request and reply per agent and event: what is read, and what allow and deny look like on the wire."""

from pathlib import Path

import msgspec
import pytest

from appliance.agents import dialects
from appliance.agents.dialects import DIALECTS

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("*/*.json"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_recorded_hook_is_read_and_answered_as_recorded(file: Path) -> None:
    """The action, the native allow and the native deny are word for word those of the file."""
    agent, event = file.parent.name, file.name.split(".")[0]
    recorded = msgspec.json.decode(file.read_bytes())
    action = dialects.read(agent, event, recorded["body"])
    read = msgspec.to_builtins(action)
    assert {name: read[name] for name in recorded["action"]} == recorded["action"]
    assert (read["agent"], read["event"], read["body"]) == (agent, event, recorded["body"])
    assert dialects.allow(agent, event, recorded["reason"]) == recorded["allow"]
    assert dialects.deny(agent, event, recorded["reason"]) == recorded["deny"]


def test_every_agent_and_event_has_a_recording() -> None:
    """No dialect can gain an event without showing what it says."""
    recorded = {(file.parent.name, file.name.split(".")[0]) for file in FILES}
    assert recorded == {(agent, event) for agent, dialect in DIALECTS.items() for event in dialect.events}
