"""Action, Facts, Finding, Verdict: plain values, no I/O, no behaviour beyond their own shape."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec


class Moment(StrEnum):
    """When in an agent's turn a hook fires; portable across agents."""

    PROMPT = "prompt"
    BEFORE_TOOL = "before_tool"
    AFTER_TOOL = "after_tool"
    STOP = "stop"
    SESSION_START = "session_start"
    SESSION_END = "session_end"
    SUBAGENT_START = "subagent_start"
    SUBAGENT_STOP = "subagent_stop"
    NOTIFICATION = "notification"
    CONFIG_CHANGE = "config_change"
    COMPACTION = "compaction"
    BEFORE_MODEL = "before_model"
    AFTER_MODEL = "after_model"


class Kind(StrEnum):
    """What an action does; each is a Cedar action of the same name (`Action::"shell"`)."""

    SHELL = "shell"
    READ_FILE = "read_file"
    WRITE_FILE = "write_file"
    DELETE_FILE = "delete_file"
    FETCH = "fetch"
    MCP = "mcp"
    TOOL = "tool"
    PROMPT = "prompt"
    RESULT = "result"
    LIFECYCLE = "lifecycle"


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One hook call, understood: what an agent wants to do, or tells that it did.

    Attributes:
        agent: the agent's path name in `/v1/hooks/{agent}/{event}`, e.g. `claude`.
        event: the path's event name, e.g. `PreToolUse`.
        moment: the portable meaning of `event`.
        kind: what the action does, from the tool's name and arguments.
        tool: the agent's own name of the tool, e.g. `Bash`, `mcp__github__create_issue`; empty if none.
        arguments: the tool's input as sent (JSON object); empty if none.
        prompt: the person's words on a prompt hook; empty otherwise.
        session, tool_use, project: identifiers as sent (project is the working directory); empty if none.
        body: the whole hook JSON object as sent.
    """

    agent: str
    event: str
    moment: Moment
    kind: Kind
    tool: str = ""
    arguments: Mapping[str, Any] = {}
    prompt: str = ""
    session: str = ""
    tool_use: str = ""
    project: str = ""
    body: Mapping[str, Any] = {}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A secret that was found: where, never what.

    Attributes:
        rule: the rule's identifier, e.g. `aws-access-key-id`.
        pointer: RFC 6901 JSON Pointer of the string (or key) in the action's body that holds it.
        start, end: span in that string, in characters; both 0 if the secret was seen only after decoding.
        length: number of characters of the secret as seen.
        fingerprint: keyed, 16 hex digits; the same secret has the same fingerprint in one installation.
    """

    rule: str
    pointer: str
    start: int
    end: int
    length: int
    fingerprint: str


class Command(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Facts about one simple command of a shell line, or one file, network or MCP tool call.

    Attributes:
        program: base name of what runs (`rm`), wrappers such as sudo, env, xargs and `sh -c` looked through;
            empty if it cannot be known.
        words: the command's words after quote removal, as far as they are known.
        effects: names from `appliance.protection.commands.effects`, e.g. `destructive`, `force_push`.
        paths_read, paths_written, paths_deleted: absolute where the project is known, `~` kept.
        hosts: host names and addresses that it talks to, lower case.
        why: one sentence per effect that tells what was seen.
    """

    program: str = ""
    words: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    paths_read: tuple[str, ...] = ()
    paths_written: tuple[str, ...] = ()
    paths_deleted: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    why: tuple[str, ...] = ()


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of an action without running it.

    Attributes:
        commands: every command that would run, chained, piped and substituted ones included, in order.
        effects: the union over the commands, plus what only the whole line shows (`pipes_to_shell`).
        is_understood: false if any part could not be parsed or depends on run-time values.
        mcp_server, mcp_tool: for MCP calls.
        why: sentences for effects of the whole line.
    """

    commands: tuple[Command, ...] = ()
    effects: tuple[str, ...] = ()
    is_understood: bool = True
    mcp_server: str = ""
    mcp_tool: str = ""
    why: tuple[str, ...] = ()


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """What protection says of an action.

    Attributes:
        facts: see Facts.
        findings: secrets, in order of place.
        masked: the action's body with every secret replaced by a mark; the only form that may be kept.
        masked_facts: the facts with the same secrets replaced.
    """

    facts: Facts
    findings: tuple[Finding, ...]
    masked: Mapping[str, Any]
    masked_facts: Facts


class Outcome(StrEnum):
    """What policy says."""

    ALLOW = "allow"
    DENY = "deny"
    ASK = "ask"


class AskTerms(msgspec.Struct, frozen=True, kw_only=True):
    """How an ask may be answered; the strictest of all asks that matched.

    Attributes:
        roles: who may answer: any of these roles, or approver groups as `group:payments`; `requester` is the
            person whose agent asks.
        quorum: how many different people must allow.
        expires_seconds: after that the ask is denied.
        allows_self: false refuses the requester, whatever roles the requester has.
        step_up: whoever allows must have proved a moment ago who they are.
        match_number: whoever allows must type the number that the requester sees.
    """

    roles: tuple[str, ...] = ("requester", "approver")
    quorum: int = 1
    expires_seconds: int = 3600
    allows_self: bool = True
    step_up: bool = False
    match_number: bool = False


class MatchedPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy that decided.

    Attributes:
        id: its `@id`.
        title: its `@title`, or the id.
        effect: `permit`, `forbid` or `ask`.
        why: its `@why` sentence, or empty.
    """

    id: str
    title: str
    effect: str
    why: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What policy decided, which policies in which version, and why in a sentence."""

    outcome: Outcome
    policy_version: int
    policies: tuple[MatchedPolicy, ...]
    reason: str
    ask: AskTerms | None = None
