"""What every request meets first and every answer last: limits, sign-in, security headers, and one line in the log."""

import asyncio
import time
from contextlib import suppress
from typing import Any, Final, cast

import structlog
from litestar import Litestar, Request
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from appliance.agents import dialects
from appliance.config import Config
from server.addresses import Hosts, Proxies, header, rate_key
from server.answers import answer_failure
from server.authentication import authenticate, authenticate_machine
from server.bodies import LimitedBody, check_announced
from server.contract import RELAY_PATH, echoed
from server.headers import RawHeaders, SecurityHeaders
from server.hooks.handler import Hooks
from server.http_errors import HostUnknownError, RateLimitedError
from server.rates import Buckets
from server.requests import CORRELATION_ID, correlation_id_from, loggable_path, method_of

_HOOKS: Final = "/v1/hooks/"
_HEALTH: Final = "/health"
_STATIC: Final = "/static/"
log = structlog.get_logger("server")


class Edge:
    """The outermost ASGI application: hook calls go straight to their handler, everything else through the checks."""

    def __init__(self, app: Litestar, inner: ASGIApp, hooks: Hooks, config: Config, hosts: Hosts) -> None:
        """`inner` is the application's own handler, which this object takes the place of."""
        self._app = app
        self._inner = inner
        self._hooks = hooks
        self._hosts = hosts
        api = config.api
        self._bytes_max = api.request_bytes_max
        self._relayed_bytes_max = config.hooks.request_bytes_max
        self._buckets = Buckets(api.requests_per_second, api.burst)
        self._proxies = Proxies(config.server.trusted_proxies)
        self._headers = SecurityHeaders(is_https=config.public_origin.startswith("https:"))
        self._idle: asyncio.Event | None = None
        self.running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != ScopeType.HTTP:
            await send({"type": "websocket.close", "code": 1000, "reason": ""})
            return
        self.running += 1
        try:
            path = scope["path"]
            if path.startswith("//"):  # some clients append their paths to an address that ends in a slash
                path = scope["path"] = "/" + path.lstrip("/")
            if path.startswith(_HOOKS) and method_of(scope) == "POST":
                agent, _, event = path[len(_HOOKS) :].rstrip("/").partition("/")
                if dialects.is_known(agent, event):
                    await self._hooks.answer(agent, event, scope, receive, send)
                    return
            await self._serve(scope, receive, send)
        finally:
            self.running -= 1
            if self._idle is not None and not self.running:
                self._idle.set()

    async def drained(self, seconds: float) -> bool:
        """Wait until every request has its answer, `seconds` at most."""
        self._idle = asyncio.Event()
        if self.running:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), seconds)
        return not self.running

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        correlation_id = correlation_id_from(header(scope["headers"], b"x-request-id"))
        scope.setdefault("state", {})[CORRELATION_ID] = correlation_id
        self._place_client(scope)
        own = [(b"x-request-id", correlation_id.encode()), *echoed(scope["headers"])]
        answer = _Answer(send, self._headers, own)
        with structlog.contextvars.bound_contextvars(request_id=correlation_id):
            try:
                await self._checked(scope, receive, answer.send)
            except Exception as failure:  # noqa: BLE001 - whatever it is, the caller gets an answer
                await self._fail(scope, receive, answer, failure)
            finally:
                with suppress(OSError):  # a full disk under the log must not break what was answered
                    _log_access(scope, answer.status, started)

    async def _checked(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path.startswith((_HEALTH, _STATIC)):
            asked: dict[str, Any] = {**scope}
            if asked["method"] == "HEAD":  # monitors ask so; the server sends the head alone (RFC 9110 section 9.3.2)
                asked["method"] = "GET"
            await self._inner(cast("Scope", asked), receive, send)
            return
        if not self._hosts.is_ours(scope["headers"]):
            raise HostUnknownError
        bytes_max = self._relayed_bytes_max if path == RELAY_PATH else self._bytes_max
        check_announced(scope["headers"], bytes_max)
        client = scope.get("client")
        key: object = rate_key(client[0] if client else "")
        if signed_in := await authenticate(scope, self._app.state.appliance):
            key = signed_in.session_id
        elif machine := await authenticate_machine(scope, self._app.state.road.tokens):
            key = machine.machine_id  # all desktops of an office can come from one address
        now = time.monotonic()
        if not self._buckets.admit(key, now):
            raise RateLimitedError(self._buckets.wait_seconds(key, now))
        await self._inner(scope, LimitedBody(receive, bytes_max=bytes_max), send)

    def _place_client(self, scope: Scope) -> None:
        """Put the client's own address where everybody looks for it."""
        peer = scope.get("client")
        if peer:
            scope["client"] = (self._proxies.client_of(peer[0], scope["headers"]), peer[1])

    async def _fail(self, scope: Scope, receive: Receive, answer: "_Answer", failure: Exception) -> None:
        if answer.status:  # its beginning has left: the connection can only be cut
            log.error("request.broken_off", exc_info=failure)
            raise failure
        request: Request[Any, Any, Any] = Request(scope, receive, answer.send)
        response = answer_failure(request, failure).to_asgi_response(None, request)
        await response(scope, receive, answer.send)


class _Answer:
    """Sends an answer, with the headers of every answer, and remembers its status."""

    def __init__(self, send: Send, headers: SecurityHeaders, own: RawHeaders) -> None:
        """`own` are this answer's, beside those of every answer."""
        self._send = send
        self._headers = headers
        self._own = own
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = self._headers.added_to([*message["headers"], *self._own])
        await self._send(message)


def _log_access(scope: Scope, status: int, started: float) -> None:
    client, user = scope.get("client"), scope.get("user")
    log.info(
        "http.request",
        method=method_of(scope),
        path=loggable_path(scope),
        status=status,
        ms=round((time.perf_counter() - started) * 1000, 1),
        address=client[0] if client else "",
        person=str(user.person_id) if user else "",
    )
