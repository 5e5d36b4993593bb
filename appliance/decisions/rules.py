"""What is kept of a decision, and what makes two calls the same (pure)."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from appliance.actions.records import Action, AskTerms, Facts, Finding, Kind, Outcome, Verdict
from appliance.decisions import events
from appliance.decisions.records import Requester
from appliance.ledger.canonical import canonical_text
from appliance.ledger.records import Actor, ActorKind, LedgerEntry

SUMMARY_CHARACTERS = 300
# A result or prompt beyond this is kept as its beginning, its length and its hash; an ask is always kept whole.
KEPT_CHARACTERS = 65_536
_EVENTS = {Outcome.ALLOW: events.ALLOWED, Outcome.DENY: events.DENIED, Outcome.ASK: events.ASKED}
_FILE_KEYS = ("file_path", "path", "filePath", "notebook_path", "target_file", "absolute_path")
_OTHER_KEYS = ("command", "cmd", "script", *_FILE_KEYS, "url", "query", "pattern", "description", "prompt")
# Where agents tell beside the arguments which MCP server a call goes to; Cursor names its address or its command.
SERVER_KEYS = ("mcp_server", "mcp_context", "mcp_server_name", "mcpServer", "url", "command")


def action_hash(action: Action) -> bytes:
    """SHA-256 over the canonical action with all arguments (RFC 8785), and the server of an MCP call.

    Identifiers of the turn are left out: they belong to the attach key, not to what is done.
    """
    record: dict[str, Any] = {
        "agent": action.agent, "event": action.event, "tool": action.tool, "arguments": action.arguments,
        "prompt": action.prompt, "project": action.project,
    }  # fmt: skip
    if action.kind is Kind.MCP:
        record["server"] = {name: action.body[name] for name in SERVER_KEYS if name in action.body}
    return hashlib.sha256(canonical_text(record).encode()).digest()


def attach_key(key: bytes, requester: Requester, action: Action, hashed: bytes, terms: AskTerms | None) -> bytes:
    """32 bytes that a repeat of the same call has again: same machine, session, project, tool use and action.

    Who may answer is part of it: once policy has changed that, what was answered by its old terms lets nothing go.
    """
    answerers: list[Any] = []
    if terms:
        wanted = [name for name in ("step_up", "match_number") if getattr(terms, name)]
        answerers = [sorted(terms.roles), terms.quorum, terms.allows_self, *wanted]
    turn = [str(requester.machine_id), action.session, action.project, action.tool_use]
    place = canonical_text([*turn, hashed.hex(), answerers])
    return hmac.digest(key, place.encode(), hashlib.sha256)


def summary_of(action: Action) -> str:
    """One line of a masked action, for lists."""
    text = action.prompt or _first_text(action.arguments)
    line = " ".join(text[: 4 * SUMMARY_CHARACTERS].replace("\0", " ").split())
    named = line if action.kind is Kind.SHELL and line else f"{action.tool} {line}".strip()
    return (named or action.event)[:SUMMARY_CHARACTERS]


def _first_text(arguments: Mapping[str, Any]) -> str:
    for name in _OTHER_KEYS:
        value = arguments.get(name)
        if value and isinstance(value, str):
            return value
    return ""


def kept_body(masked: Mapping[str, Any], *, is_whole: bool) -> Mapping[str, Any]:
    """The masked hook body as it goes into the ledger's payload; long texts are cut unless `is_whole`."""
    if is_whole or _is_short(masked.values()):
        return masked
    return {name: _shortened(value) for name, value in masked.items()}


def _is_short(values: Iterable[Any]) -> bool:
    """Whether no text among them is beyond KEPT_CHARACTERS: nearly always, so nothing needs a copy."""
    for value in values:
        kind = type(value)
        if kind is str:
            if len(value) > KEPT_CHARACTERS:
                return False
        elif kind is dict:
            if not _is_short(value.values()):
                return False
        elif kind is list and not _is_short(value):
            return False
    return True


def _shortened(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        if len(value) <= KEPT_CHARACTERS:
            return value
        digest = hashlib.sha256(value.encode(errors="surrogatepass")).hexdigest()
        return f"{value[:KEPT_CHARACTERS]}… [{len(value)} characters, SHA-256 {digest}]"
    if isinstance(value, dict):  # not Mapping: asking an abstract class is slow, and parsed JSON has none
        return {name: _shortened(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_shortened(each) for each in value]
    return value


def entry_of(
    action: Action, facts: Facts, findings: tuple[Finding, ...], verdict: Verdict, requester: Requester
) -> LedgerEntry:
    """The ledger entry of a decision; `action` and `facts` are masked."""
    machine, outcome = str(requester.machine_id), verdict.outcome
    public = {
        "agent": action.agent,
        "event": action.event,
        "kind": str(action.kind),
        "outcome": str(outcome),
        "policies": [policy.id for policy in verdict.policies],
        "policy_version": verdict.policy_version,
        "secrets": len(findings),
    }
    kept = kept_body(action.body, is_whole=outcome is Outcome.ASK)
    payload: dict[str, Any] = {"action": kept, "reason": verdict.reason}
    if facts.commands or facts.effects or not facts.is_understood:
        payload["facts"] = msgspec.to_builtins(facts)
    if findings:
        payload["findings"] = msgspec.to_builtins(findings)
    return LedgerEntry(
        event=_EVENTS[outcome],
        actor=Actor(kind=ActorKind.MACHINE, id=machine),
        subject=f"machine:{machine}",
        facts=public,
        payload=payload,
    )
