"""A pretend agent that speaks to the running service over HTTP as a published client and its hooks do."""

import asyncio
import http.client
import platform
import socket
import time
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID, uuid4

import msgspec

from appliance.config import Config
from installer.errors import ServiceNotRunningError, ServiceReplyError
from installer.steps.port import reachable

HOSTNAME = "pretend-agent"
# Beyond the longest hold, so that it is the service that ends the call.
_MARGIN_SECONDS = 30.0


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """A hook call and its answer.

    Attributes:
        command: what the agent wanted to run.
        outcome: `allow` or `deny`, as the agent reads it.
        reason: the words for the agent.
    """

    command: str
    outcome: str
    reason: str
    seconds: float


class PretendAgent:
    """One enrolled machine with a session of Claude Code."""

    def __init__(self, config: Config, token: str, machine_id: UUID) -> None:
        """`token` is the machine's."""
        self._config, self._token = config, token
        self.machine_id = machine_id
        self._session = str(uuid4())

    @classmethod
    async def enrol(cls, config: Config, deployment_token: str) -> "PretendAgent":
        """Enrol as the published client does.

        Raises:
            ServiceNotRunningError: nobody answers.
            ServiceReplyError: the answer is not an enrolment.
        """
        body = {
            "deploymentToken": deployment_token,
            "displayName": "Pretend agent of leashctl try",
            "hostname": HOSTNAME,
            "platform": platform.system().lower(),
            "osRelease": platform.release(),
            "mode": "enterprise",
        }
        enrolled = await _post(config, "/v1/enroll", body, HTTPStatus.CREATED)
        try:
            return cls(config, str(enrolled["token"]), UUID(enrolled["computer"]["id"]))
        except (KeyError, TypeError, ValueError) as problem:
            raise ServiceReplyError("The answer to /v1/enroll is not an enrolment") from problem

    async def wants_to_run(self, command: str) -> Played:
        """What Claude Code asks before it runs a command; waits as long as the service holds the call.

        Raises:
            ServiceNotRunningError: nobody answers.
            ServiceReplyError: the answer is none that Claude Code would understand.
        """
        query = urlencode({"user_token": self._token, "hostname": HOSTNAME, "platform": platform.system().lower()})
        body = {
            "session_id": self._session,
            "cwd": "/srv/pretend",
            "permission_mode": "default",
            "hook_event_name": "PreToolUse",
            "tool_name": "Bash",
            "tool_input": {"command": command},
            "tool_use_id": f"toolu_{uuid4().hex}",
        }
        began = time.monotonic()
        reply = await _post(self._config, f"/v1/hooks/claude/PreToolUse?{query}", body, HTTPStatus.OK)
        said = reply.get("hookSpecificOutput")
        if not isinstance(said, dict) or said.get("permissionDecision") not in {"allow", "deny"}:
            raise ServiceReplyError("The answer to the hook call is none that Claude Code would understand")
        return Played(
            command=command,
            outcome=said["permissionDecision"],
            reason=str(said.get("permissionDecisionReason", "")),
            seconds=round(time.monotonic() - began, 3),
        )


async def _post(config: Config, path: str, body: object, expected: HTTPStatus) -> dict[str, Any]:
    """The JSON object that answers a request; the connection is cut if the caller is cancelled."""
    connection = http.client.HTTPConnection(
        reachable(config.server.host), config.server.port, timeout=config.hooks.hold_seconds + _MARGIN_SECONDS
    )
    headers = {"Content-Type": "application/json", "Host": urlsplit(config.public_origin).netloc}

    def exchange() -> tuple[int, bytes]:
        connection.request("POST", path, msgspec.json.encode(body), headers)
        reply = connection.getresponse()
        return reply.status, reply.read()

    try:
        status, text = await asyncio.to_thread(exchange)
    except asyncio.CancelledError:
        _cut(connection)
        raise
    except (OSError, http.client.HTTPException) as problem:
        raise ServiceNotRunningError(f"{config.public_origin} does not answer: {problem}") from problem
    finally:
        connection.close()
    if status != expected:
        raise ServiceReplyError(f"{path.partition('?')[0]} answered {status}: {text[:400].decode(errors='replace')}")
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as problem:
        raise ServiceReplyError(f"{path.partition('?')[0]} did not answer with a JSON object") from problem


def _cut(connection: http.client.HTTPConnection) -> None:
    """Wake the thread that waits for the answer, which would hold up the end of the process otherwise."""
    waiting = connection.sock
    if waiting is not None:
        try:
            waiting.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
