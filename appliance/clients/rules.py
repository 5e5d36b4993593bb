"""What published clients call an agent, and how their texts are read: pure decisions."""

from collections.abc import Mapping
from typing import Final, NamedTuple
from uuid import UUID

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


AGENTS: Final[Mapping[str, AgentName]] = {
    "claude": AgentName("claude-code", "Claude Code"),
    "codex": AgentName("codex", "OpenAI Codex"),
    "copilot": AgentName("github-copilot", "GitHub Copilot"),
    "cursor": AgentName("cursor", "Cursor"),
    "gemini": AgentName("gemini", "Google Gemini CLI"),
    "opencode": AgentName("opencode", "OpenCode"),
    "openclaw": AgentName("openclaw", "OpenClaw"),
    "nanoclaw": AgentName("nanoclaw", "NanoClaw"),
    "cline": AgentName("cline", "Cline"),
    "vscode": AgentName("vscode", "VS Code"),
}
_BY_KIND: Final = {named.kind: agent for agent, named in AGENTS.items()}


def agent_name(agent: str) -> AgentName:
    """What clients call the agent of a hook's path; one that they do not know is called as it is."""
    return AGENTS.get(agent) or AgentName(agent, agent)


def agent_of_kind(kind: str) -> str:
    """The agent's name in a hook's path; a kind that is none of the clients' is cleaned and taken as it is."""
    return _BY_KIND.get(kind) or one_line(kind, _WORD_MAX)


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
