"""What an agent wants to do, laid out for a person: each argument exactly, and a note wherever something is cut."""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from appliance.actions.records import Facts
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


def shown(content: Mapping[str, Any], characters: int) -> Shown:
    """Lay out a decision's content, with at most so many characters of its arguments."""
    action = content.get("action")
    arguments = _blocks(action, characters) if isinstance(action, dict) else ()
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


def _blocks(action: Mapping[str, Any], characters: int) -> tuple[Block, ...]:
    blocks = []
    for label, value in arguments_of(action).items():
        is_text = isinstance(value, str)
        part = excerpt(value if is_text else pretty(value), max(characters, 0))
        characters -= part.shown
        blocks.append(Block(label, part, is_text))
    return tuple(blocks)


def arguments_of(action: Mapping[str, Any]) -> Mapping[str, Any]:
    """The tool's input, whatever the agent calls it; a prompt; else everything that was sent."""
    for name in _INPUT_NAMES:
        if isinstance(action.get(name), dict) and action[name]:
            found: Mapping[str, Any] = action[name]
            return found
        if action.get(name):
            return {name: action[name]}
    return {"prompt": action["prompt"]} if isinstance(action.get("prompt"), str) else action
