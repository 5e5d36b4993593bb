"""Words that more than one agent reads."""

from collections.abc import Mapping
from typing import Any

from appliance.agents.dialects.dialect import Reply


def nothing(_reason: str) -> Reply:
    """An empty object, which lets the agent go on."""
    return {}


def go_on(_reason: str) -> Reply:
    """Lets the agent go on."""
    return {"continue": True}


def stop(reason: str) -> Reply:
    """Ends the turn."""
    return {"continue": False, "stopReason": reason}


def allow(reason: str) -> Reply:
    """A decision and its reason, as the published plug-ins read it."""
    return {"decision": "allow", "reason": reason}


def block(reason: str) -> Reply:
    """A decision and its reason, as most agents read it."""
    return {"decision": "block", "reason": reason}


def block_and_stop(reason: str) -> Reply:
    """Ends the turn also where `block` alone would make the agent go on with the reason as its next task."""
    return {**block(reason), **stop(reason)}


def with_input(allowed: Reply, tool_input: Mapping[str, Any]) -> Reply:
    """Another input for the tool; `response` is what the published plug-ins call it."""
    return {**allowed, "response": tool_input, "updatedInput": tool_input}


def permission_allow(_reason: str) -> Reply:
    """Lets Claude Code and Codex do what they would ask a person about."""
    return _permission({"behavior": "allow"})


def permission_deny(reason: str) -> Reply:
    """As if a person had refused, with the reason."""
    return _permission({"behavior": "deny", "message": reason})


def permission_with_input(_allowed: Reply, tool_input: Mapping[str, Any]) -> Reply:
    """Lets it be done with another input."""
    return _permission({"behavior": "allow", "updatedInput": tool_input})


def _permission(decision: Mapping[str, Any]) -> Reply:
    return {"hookSpecificOutput": {"hookEventName": "PermissionRequest", "decision": decision}}
