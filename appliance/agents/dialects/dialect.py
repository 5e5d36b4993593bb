"""What makes one agent's hook protocol different from another's."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from appliance.actions.records import Moment

Reply = dict[str, Any]
Body = Mapping[str, Any]
# The hooks of the published clients give up after 600 s, and then the agent goes on.
PUBLISHED_HOLD_SECONDS: Final = 590.0

PROMPT: Final = "UserPromptSubmit"
BEFORE_TOOL: Final = "PreToolUse"
AFTER_TOOL: Final = "PostToolUse"
STOP: Final = "Stop"
PERMISSION: Final = "PermissionRequest"
# The events of the published hooks, whatever an agent itself calls them.
PUBLISHED_EVENTS: Final[Mapping[str, Moment]] = {
    PROMPT: Moment.PROMPT,
    BEFORE_TOOL: Moment.BEFORE_TOOL,
    AFTER_TOOL: Moment.AFTER_TOOL,
    STOP: Moment.STOP,
    "SubagentStart": Moment.SUBAGENT_START,
    "SubagentStop": Moment.SUBAGENT_STOP,
    "SessionStart": Moment.SESSION_START,
    "SessionEnd": Moment.SESSION_END,
    "Notification": Moment.NOTIFICATION,
}
# Agents that also ask a hook where they would ask a person.
PERMISSION_EVENTS: Final[Mapping[str, Moment]] = {**PUBLISHED_EVENTS, PERMISSION: Moment.BEFORE_TOOL}


def unchanged(body: Body) -> Body:
    """The body as it is."""
    return body


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """One agent's protocol.

    Attributes:
        allow, deny: from an event and a cleaned reason to the native reply.
        updated: an allow with the tool's input replaced; the allow as it is, for an event that takes none.
        events: what may stand in the hook's path.
        hold_seconds: how long a call may be held.
        inputs: fields that hold a tool's input, the agent's own first.
        takes_text_input: the input may be a string with a JSON object in it.
        unfolded: brings fields that the agent nests to the top.
    """

    allow: Callable[[str, str], Reply]
    deny: Callable[[str, str], Reply]
    updated: Callable[[str, Reply, Mapping[str, Any]], Reply]
    events: Mapping[str, Moment]
    hold_seconds: float = PUBLISHED_HOLD_SECONDS
    inputs: tuple[str, ...] = ("tool_input", "toolInput", "toolArgs", "input", "arguments", "args", "params")
    takes_text_input: bool = False
    unfolded: Callable[[Body], Body] = unchanged
