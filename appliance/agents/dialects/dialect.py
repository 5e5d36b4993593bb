"""What makes one agent's hook protocol different from another's."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from appliance.actions.records import Moment

Reply = dict[str, Any]
Body = Mapping[str, Any]
Words = Callable[[str], Reply]
# The hooks of the published clients give up after 600 s, and then the agent goes on.
PUBLISHED_HOLD_SECONDS: Final = 590.0
MARGIN_SECONDS: Final = 5.0

PROMPT: Final = "UserPromptSubmit"
BEFORE_TOOL: Final = "PreToolUse"
AFTER_TOOL: Final = "PostToolUse"
STOP: Final = "Stop"
PERMISSION: Final = "PermissionRequest"
INPUTS: Final = ("tool_input", "toolInput", "toolArgs", "input", "arguments", "args", "params")
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


class Event(NamedTuple):
    """One event of an agent, and its words for it.

    Attributes:
        allow, deny: from a cleaned reason to the native reply.
        updated: an allow with the tool's input replaced, from the allow and the input; None where that is impossible.
        masked: an allow with the tool's output replaced, from the allow, the body and the masked body; None likewise.
        hold_seconds: how long a call may be held, where that differs from the agent's other events.
    """

    moment: Moment
    allow: Words
    deny: Words
    updated: Callable[[Reply, Mapping[str, Any]], Reply] | None = None
    masked: Callable[[Reply, Body, Body], Reply] | None = None
    hold_seconds: float | None = None


def unchanged(_event: str, body: Body) -> Body:
    """The body as it is."""
    return body


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """One agent's protocol.

    Attributes:
        events: what may stand in the hook's path: the names of the published hooks, and the agent's own.
        hold_seconds: how long a call may be held.
        inputs: fields that hold a tool's input, the agent's own first.
        takes_text_input: the input may be a string with a JSON object in it.
        unfolded: brings fields that the agent nests in a body of the event to the top.
    """

    events: Mapping[str, Event]
    hold_seconds: float = PUBLISHED_HOLD_SECONDS
    inputs: tuple[str, ...] = INPUTS
    takes_text_input: bool = False
    unfolded: Callable[[str, Body], Body] = unchanged
