"""The published app as its server sees it: its headers, its bodies, and what it reads of the answers."""

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.support.contract import VERSIONS
from tests.support.visitor import PASSWORD, Visitor

CALLBACK = "openleash://auth/callback"


class Phone:
    """One app, from the tap on sign-in to the answer of an ask (mobile-client 1.1.0, and the one of July before)."""

    def __init__(self, http: httpx.AsyncClient, address: str = "") -> None:
        """`address` is what its person typed; empty if the client knows it."""
        self._http = http
        self._address = address.strip().removesuffix("/")
        self.provider_type = "google"
        self.redirect_uri = CALLBACK
        self.token = ""
        self.shown = ""
        self.state: dict[str, Any] = {}
        self._launches = 0

    async def call(self, function: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        """One request with the headers that the app sends."""
        headers = {"x-openleash-api-function": function, "x-openleash-api-version": VERSIONS[function]}
        headers |= {"authorization": f"Bearer {self.token}"} if self.token else {}
        if body is None:
            return await self._http.get(self._address + path, headers=headers)
        headers["content-type"] = "application/json; charset=utf-8"
        return await self._http.post(self._address + path, headers=headers, json=body)

    async def bootstrap(self) -> dict[str, Any]:
        """What the app asks first; it gives up on any failure."""
        reply = await self.call("mobileBootstrap", "/v1/mobile/bootstrap")
        assert reply.status_code == 200, reply.text
        told: dict[str, Any] = reply.json()
        self.provider_type = told["providers"][0]["type"] if told["providers"] else "google"
        return told

    async def start(self) -> str:
        """Where it sends the system's browser."""
        body = {
            "redirectUri": CALLBACK, "audience": "individual", "providerType": self.provider_type,
            "organizationId": None,
        }  # fmt: skip
        reply = await self.call("mobileAuthStart", "/v1/mobile/auth/start", body)
        assert reply.status_code == 200, reply.text
        told = reply.json()
        self.redirect_uri = told.get("exchangeRedirectUri", CALLBACK)
        return str(told["authorizationUrl"])

    async def opened(self, address: str) -> httpx.Response | None:
        """What it does when the system opens its link; None if that tells of an error, which it shows."""
        parts = urlsplit(address)
        assert (parts.scheme, parts.netloc) == ("openleash", "auth"), address
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.shown = query.get("error_description", query.get("error", ""))
        return None if self.shown else await self.exchange(query["code"])

    async def exchange(self, code: str) -> httpx.Response:
        """A code for a token, or the words that it shows."""
        body = {
            "redirectUri": self.redirect_uri, "audience": "individual", "authorizationCode": code,
            "providerType": self.provider_type, "organizationId": None, "provisionUser": False,
        }  # fmt: skip
        reply = await self.call("mobileAuthExchange", "/v1/mobile/auth/exchange", body)
        told = reply.json()
        if reply.status_code >= 400:
            self.shown = told.get("message") or told.get("error") or told.get("detail")
        else:
            self.token = told.get("token") or told["tokens"]["accessToken"]
        return reply

    async def tell_of_itself(self) -> None:
        """What it sends at each launch, with a push token that is new each time; it ignores every failure."""
        self._launches += 1
        body = {
            "platform": "ios", "pushToken": f"local-polling:{1780000000000000 + self._launches}",
            "deviceName": "localhost", "appVersion": "1.0.0",
        }  # fmt: skip
        await self.call("mobileDeviceRegister", "/v1/mobile/devices", body)

    async def refresh(self, *, is_july: bool = False) -> dict[str, Any]:
        """Fetch the state, as every 15 seconds and at each event; a 401 signs the app out and nothing else does."""
        reply = await self.call("mobileState", "/v1/mobile/state")
        if reply.status_code == 401:
            self.token = ""
            return {}
        assert reply.status_code == 200, reply.text
        self.state = reply.json()
        if is_july:
            for function, path in (
                ("tenantPluginsRead", "/v1/plugins"),
                ("authAccountOutcomes", "/v1/outcomes?limit=50"),
            ):
                assert (await self.call(function, path)).status_code == 200
        return self.state

    def notices(self) -> list[str]:
        """Ids of asks that it would notify of: if there are events, of those that wait and of nothing else."""
        events = self.state["attentionEvents"]
        if events:
            return [event["decisionId"] for event in events if event["state"] == "waiting"]
        return [approval["id"] for approval in self.state["pendingApprovals"]]

    async def resolve(
        self, decision: str, resolution: str, guidance: str = "", response: dict[str, Any] | None = None
    ) -> httpx.Response:
        """A button: words go with a deny, an answer's content with an allow; the id stands in the path as it is."""
        body: dict[str, Any] = {"resolution": resolution}
        if resolution == "deny" and guidance:
            body["resolutionGuidance"] = " ".join(guidance.split())[:500]
        if resolution == "allow" and response is not None:
            body["response"] = response
        return await self.call("mobileDecisionResolve", f"/v1/mobile/decisions/{decision}/resolve", body)

    @asynccontextmanager
    async def stream(self) -> AsyncIterator[AsyncIterator[str]]:
        """The lines of the live stream that begin with `data:`; for each of them it fetches its state."""
        headers = {
            "accept": "text/event-stream", "authorization": f"Bearer {self.token}",
            "x-openleash-api-function": "clientEvents", "x-openleash-api-version": VERSIONS["clientEvents"],
        }  # fmt: skip
        async with self._http.stream("GET", f"{self._address}/v1/client/events", headers=headers) as reply:
            assert reply.status_code == 200, reply.status_code
            yield (line async for line in reply.aiter_lines() if line.startswith("data:"))

    def restart(self) -> None:
        """The system ended the app while its person was in the browser: it has forgotten how it began."""
        self.provider_type, self.redirect_uri = "google", CALLBACK


def link_of(page: str) -> str:
    """The address by which a page leads back to the app."""
    found = re.search(r'href="((?:openleash|http)://[^"]+)"', page)
    assert found, page
    return html.unescape(found[1])


def form_token_of(page: str) -> str:
    """The form token of a page."""
    found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', page)
    assert found, page
    return found[1]


async def led_in(url: str, phone: Phone, visitor: Visitor) -> str:
    """The browser that the phone opens: its person presses the one button; the address that leads back."""
    handed = await handed_over(url, await phone.start(), visitor)
    assert handed.headers["refresh"].startswith("0;url=openleash://auth/callback?code=")
    return link_of(handed.text)


async def handed_over(url: str, address: str, visitor: Visitor) -> httpx.Response:
    """The browser at the address of a sign-in: its person presses the one button; the page that leads back."""
    assert address.startswith(f"{url}/auth/app?flow=")
    path = address.removeprefix(url)
    page = await visitor.send("GET", path)
    if page.status_code == 303:  # nobody is signed in in this browser
        assert page.headers["location"].startswith("/sign-in?next=")
        fields = {"email": visitor.email, "password": PASSWORD, "code": visitor.recovery_codes.pop()}
        sent = await visitor.send("POST", "/sign-in", next=path, **fields)
        assert (sent.status_code, sent.headers["location"]) == (303, path)
        page = await visitor.send("GET", path)
    form_token, flow = form_token_of(page.text), path.partition("flow=")[2]
    return await visitor.send("POST", "/auth/app", csrf_token=form_token, flow=flow)
