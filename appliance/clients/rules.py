"""What published clients call an agent, and how their texts are read: pure decisions."""

from collections.abc import Mapping
from typing import Final, NamedTuple
from uuid import UUID

from appliance.agents.names import agent_name, agent_of
from appliance.agents.rules import one_line
from appliance.approvals import rules as approvals
from appliance.approvals.errors import ApprovalError
from appliance.approvals.records import Ask
from appliance.clients.records import Viewer

GUIDANCE_MAX: Final = 500
_WORD_MAX: Final = 64


class AgentName(NamedTuple):
    """An agent as clients know it.

    Attributes:
        kind: how they tell agents apart, e.g. `claude-code`; they offer words of guidance for some of them only.
        name: for people.
    """

    kind: str
    name: str


# Where clients call an agent otherwise than the path of its hooks does.
_KINDS: Final[Mapping[str, str]] = {"claude": "claude-code", "copilot": "github-copilot"}


def named(agent: str) -> AgentName:
    """What clients call the agent of a hook's path."""
    return AgentName(_KINDS.get(agent, agent), agent_name(agent))


def agent_of_kind(kind: str) -> str:
    """The agent's name in a hook's path; a kind that is unknown is cleaned and taken as it is."""
    return one_line(agent_of(kind), _WORD_MAX)


def folded(text: str) -> str:
    """Guidance as the contract has it: white space folded, at most 500 characters."""
    return " ".join(text.split())[:GUIDANCE_MAX]


def may_answer(viewer: Viewer, ask: Ask) -> bool:
    """Whether an answer of the viewer's would be taken, by what is known now."""
    answerer = viewer.answerer
    if answerer is None:
        return False
    concerns = approvals.is_requester(ask, answerer) or approvals.is_named(ask, answerer)
    if not (viewer.may_answer or concerns):
        return False
    try:
        approvals.check_answerer(ask, answerer)
    except ApprovalError:
        return False
    return True


def is_shown(viewer: Viewer, ask: Ask) -> bool:
    """Whether the ask is the viewer's own, or one that they may answer."""
    if viewer.answerer is None:
        return ask.machine_id == viewer.machine_id
    return approvals.is_requester(ask, viewer.answerer) or may_answer(viewer, ask)


def first_id(milliseconds: int) -> UUID:
    """What no identifier (UUIDv7) of that moment or later lies below."""
    return UUID(int=milliseconds << 80)
