"""What an agent wants to do, laid out for a person: each argument exactly, and a note wherever something is cut."""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from appliance.actions.records import Facts, Kind
from appliance.agents import dialects
from appliance.agents.errors import AgentsError
from appliance.decisions.rules import SERVER_KEYS
from appliance.ledger.records import EntryDetail
from server.dashboard.visible import Excerpt, excerpt, json_escaped

LIST_CHARACTERS: Final = 3_000
PAGE_CHARACTERS: Final = 20_000
_INPUT_NAMES: Final = ("tool_input", "toolInput", "toolArgs", "tool_args", "input", "arguments", "params", "parameters")


class Block(NamedTuple):
    """One argument; `is_text` for a string, which is shown as it is, not as JSON."""

    label: str
    excerpt: Excerpt
    is_text: bool


class Shown(NamedTuple):
    """The masked content of a decision, as far as it has not been deleted.

    Attributes:
        action: the agent's own JSON object with secrets masked; None if it was deleted.
        arguments: the tool's arguments or the prompt.
        facts: what was seen in the action; None if that was nothing.
        findings: secrets, as in `appliance.actions.records.Finding`.
        is_whole: nothing of the arguments is cut.
    """

    action: Mapping[str, Any] | None
    arguments: tuple[Block, ...]
    facts: Facts | None
    findings: tuple[Mapping[str, Any], ...]
    is_whole: bool


def content_of(detail: EntryDetail) -> Mapping[str, Any]:
    """The payload of a ledger entry; empty if it was deleted."""
    found = next((part.content for part in detail.parts if part.part == "payload"), "{}")
    content = msgspec.json.decode(found)
    return content if isinstance(content, dict) else {}


def shown(content: Mapping[str, Any], characters: int, agent: str = "", event: str = "") -> Shown:
    """Lay out a decision's content, with at most so many characters of its arguments; whose it is, where known."""
    action = content.get("action")
    arguments = _blocks(arguments_of(action, agent, event), characters) if isinstance(action, dict) else ()
    return Shown(
        action=action,
        arguments=arguments,
        facts=_facts_of(content),
        findings=tuple(content.get("findings") or ()),
        is_whole=action is not None and all(block.excerpt.is_whole for block in arguments),
    )


def _facts_of(content: Mapping[str, Any]) -> Facts | None:
    try:
        return msgspec.convert(content["facts"], Facts) if content.get("facts") else None
    except msgspec.ValidationError:  # of a release that wrote them otherwise: the action itself is shown
        return None


def pretty(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """JSON for reading; every character but hidden ones stands as itself."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def plain_text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """The whole as JSON text in which hidden characters are escapes."""
    return json_escaped(pretty(value)) + "\n"


def _blocks(arguments: Mapping[str, Any], characters: int) -> tuple[Block, ...]:
    blocks = []
    for label, value in arguments.items():
        is_text = isinstance(value, str)
        part = excerpt(value if is_text else pretty(value), max(characters, 0))
        characters -= part.shown
        blocks.append(Block(label, part, is_text))
    return tuple(blocks)


def arguments_of(action: Mapping[str, Any], agent: str = "", event: str = "") -> Mapping[str, Any]:
    """The tool's input as it was judged, with the server of an MCP call; a prompt; else everything that was sent.

    Without `agent` and `event` the input is looked for under every name that an agent has for it.
    """
    try:
        told = dialects.read(agent, event, action)
    except AgentsError:  # nobody said whose it is, or it was denied because it could not be understood
        return _found(action)
    if told.kind is Kind.MCP:
        server = {f"server: {name}": action[name] for name in SERVER_KEYS if name in action}
        # An argument that calls itself as the server does must not stand in its place.
        own = {f"argument {name}" if name in server else name: value for name, value in told.arguments.items()}
        return {**server, **own} or action
    return told.arguments or ({"prompt": told.prompt} if told.prompt else action)


def _found(action: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = action.get("preToolUse")  # Cline
    if isinstance(inner, dict):
        action = inner
    output = action.get("output")  # OpenCode
    if isinstance(output, dict) and isinstance(output.get("args"), dict):
        args: Mapping[str, Any] = output["args"]
        return args
    for name in _INPUT_NAMES:
        if isinstance(action.get(name), dict) and action[name]:
            found: Mapping[str, Any] = action[name]
            return found
        if action.get(name):
            return {name: action[name]}
    return {"prompt": action["prompt"]} if isinstance(action.get("prompt"), str) else action
