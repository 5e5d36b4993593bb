"""The dashboard as an app on a phone: installed, told of an ask, answered by touch with a passkey; and offline.

Chromium cannot reach a push service here, so its subscription is pretended: the keys are a receiver's of the test,
which decrypts what the service really sends (RFC 8291) and hands it to the browser's own service worker as a push.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import CDPSession, Page

from appliance.agents.records import DeploymentTerms
from appliance.agents.service import create_deployment_token
from appliance.bootstrap import Appliance, build_appliance
from appliance.clock import utc_now
from appliance.config import Config
from appliance.config.sections import Server, State
from appliance.database.connection import current_connection
from appliance.database.transaction import transaction
from appliance.identity.changes import announce
from appliance.policy.queries import active_version
from appliance.policy.service import publish
from tests.support.browser import Window, browser_window
from tests.support.http_stub import Stub, http_stub, reply
from tests.support.machines import bash
from tests.support.people import OPERATOR, PASSWORD, Someone, ledger_facts, make_owner
from tests.support.postgres import TestDatabase
from tests.support.processes import free_port
from tests.support.push_receiver import PushReceiver
from tests.support.served import Served, environ_of, served

PHONE = (390, 844)
NARROW = (320, 640)
BUILD = Path(__file__).resolve().parents[2] / "build" / "pages"
FORCED = "git push --force origin main"
POLICY = """
@id("everything-else")
permit (principal, action, resource);
@id("proof-before-force")
@title("Proof before a forced push")
@ask("owner") @allow_self @step_up
forbid (principal, action, resource) when { context.effects.contains("force_push") };
"""
_AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
_DEVICE = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip
# What a browser that reaches its push service would give; everything after that is real.
_SUBSCRIBED = """
const subscription = %s;
PushManager.prototype.subscribe = async () => ({ toJSON: () => subscription });
PushManager.prototype.getSubscription = async () => subscription;
"""


class Phone:
    """A phone's browser at a served appliance, with whatever its push service was sent."""

    def __init__(self, appliance: Appliance, window: Window, server: Served, pushed: asyncio.Queue[bytes]) -> None:
        self.appliance = appliance
        self.window = window
        self.page: Page = window.page
        self.origin = appliance.config.public_origin
        self.server = server
        self.pushed = pushed

    async def opened(self, path: str) -> None:
        await self.page.goto(f"{self.origin}{path}")

    async def sign_in(self, owner: Someone) -> None:
        await self.opened("/sign-in?next=/approvals")
        form = self.page.locator('form[action="/sign-in"]')
        await form.get_by_label("E-mail").fill(owner.email)
        await form.get_by_label("Password").fill(PASSWORD)
        await form.get_by_role("textbox", name="Code").fill(owner.recovery_codes[0])
        await form.get_by_role("button", name="Sign in").tap()
        await self.page.get_by_role("heading", name="Approvals").wait_for()
        await self.page.evaluate("navigator.serviceWorker.ready.then(() => true)")

    async def looks_right(self, name: str) -> None:
        """At both widths nothing lies beside the window, and axe finds nothing."""
        BUILD.mkdir(parents=True, exist_ok=True)
        for width, height in (NARROW, PHONE):
            await self.page.set_viewport_size({"width": width, "height": height})
            assert await self.window.overflow() <= 0, (name, width)
            await self.page.screenshot(path=BUILD / f"phone-{name}-{width}.png", full_page=True)
        found = await Axe().run(self.page, options=_AXE)
        assert [each["id"] for each in found.response["violations"]] == [], name


@pytest.fixture
async def phone(committed_database: TestDatabase, tmp_path: Path) -> AsyncIterator[Phone]:
    """A phone with a passkey in it, which may notify."""
    port = free_port()
    config = Config(
        server=Server(public_url=f"http://localhost:{port}", port=port), state=State(directory=tmp_path / "state")
    )
    appliance = await build_appliance(config, committed_database.service_url, utc_now)
    receiver, pushed = PushReceiver(), asyncio.Queue[bytes]()
    async with AsyncExitStack() as stack:

        async def service(head: str, body: bytes, writer: Any) -> None:  # noqa: ANN401 - a StreamWriter
            pushed.put_nowait(receiver.read(body))
            await reply(b"", "201 Created")(head, body, writer)

        stub: Stub = await stack.enter_async_context(http_stub(service))
        environ = environ_of(
            committed_database, tmp_path, LEASH_SERVER__PORT=str(port), LEASH_SERVER__WORKERS="1",
            LEASH_SERVER__PUBLIC_URL=config.public_origin, LEASH_NOTIFICATIONS__WEB_PUSH_HOSTS=f"127.0.0.1:{stub.port}",
            LEASH_NOTIFICATIONS__PRIVATE_HOSTS=f"127.0.0.1:{stub.port}",
        )  # fmt: skip
        server = await stack.enter_async_context(served("server", tmp_path, environ))
        scheduler = await stack.enter_async_context(served("server.scheduler", tmp_path, environ))
        await server.until("server.listening")
        await scheduler.until("scheduler.leads")
        window = await stack.enter_async_context(browser_window(config.public_origin, size=PHONE, is_touch=True))
        await window.context.grant_permissions(["notifications"], origin=config.public_origin)
        subscription = {
            "endpoint": f"http://127.0.0.1:{stub.port}/p/1", "expirationTime": None,
            "keys": {"p256dh": receiver.p256dh, "auth": receiver.auth},
        }  # fmt: skip
        await window.context.add_init_script(_SUBSCRIBED % json.dumps(subscription))
        yield Phone(appliance, window, server, pushed)


async def _worker_of(page: Page, origin: str) -> tuple[CDPSession, str]:
    """The browser's own tools for the registered service worker, and the registration's identifier."""
    tools = await page.context.new_cdp_session(page)
    found: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def told(event: dict[str, Any]) -> None:
        for each in event["registrations"]:
            if each["scopeURL"] == f"{origin}/" and not found.done():
                found.set_result(each["registrationId"])

    tools.on("ServiceWorker.workerRegistrationUpdated", told)
    await tools.send("ServiceWorker.enable")
    return tools, await asyncio.wait_for(found, 10)


async def test_the_page_is_an_app(phone: Phone) -> None:
    """It can be installed, the worker keeps nothing personal, and without the service there is a page that says so."""
    owner = await make_owner(phone.appliance.identity, utc_now())
    page = phone.page
    await phone.sign_in(owner)
    tools = await page.context.new_cdp_session(page)
    manifest = await tools.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert manifest["url"].startswith(f"{phone.origin}/static/manifest.webmanifest")
    problems = await tools.send("Page.getInstallabilityErrors")
    # The only thing in the way is the test's: its windows are private ones, from which nothing is installed.
    assert [each["errorId"] for each in problems["installabilityErrors"]] == ["in-incognito"]
    for path in ("/", "/account/connect", "/decisions"):
        await phone.opened(path)
    await phone.looks_right("decisions")
    kept = await page.evaluate(
        "caches.keys().then(names => Promise.all(names.map(name => caches.open(name)"
        ".then(cache => cache.keys())))).then(all => all.flat().map(each => new URL(each.url).pathname))"
    )
    assert kept
    assert [path for path in kept if path != "/offline" and not path.startswith("/static/")] == []
    phone.server.process.terminate()
    await phone.server.ended()
    await phone.opened("/approvals")
    await page.get_by_role("heading", name="No connection").wait_for()
    await phone.looks_right("offline")


async def test_a_phone_is_told_and_answers_by_touch(phone: Phone) -> None:
    """Subscribe, be notified of an ask, read it whole at 320 pixels, prove by passkey who one is, and allow it."""
    owner = await make_owner(phone.appliance.identity, utc_now())
    active = await active_version()
    await publish(OPERATOR, POLICY, "For the test", utc_now(), expected_version=active.version if active else 0)
    page, origin = phone.page, phone.origin
    await phone.sign_in(owner)
    await _add_passkey(phone)
    tools, registration = await _worker_of(page, origin)
    await phone.opened("/account/notifications")
    await page.get_by_label("Name").first.fill("My phone")
    await page.get_by_role("button", name="Tell me here").tap()
    await page.get_by_role("cell", name="My phone").wait_for()
    await phone.looks_right("notifications")
    lost = page.get_by_text("This device is no longer told")
    assert not await lost.is_visible()
    await page.evaluate("localStorage.setItem('push-endpoint', 'https://push.example.net/another')")
    await phone.opened("/approvals")
    await lost.wait_for()
    await phone.opened("/approvals")
    async with httpx.AsyncClient(base_url=origin, timeout=60, trust_env=False) as client:
        held = asyncio.create_task(_asks(client))
        pushed = await asyncio.wait_for(phone.pushed.get(), 40)
        told = json.loads(pushed)
        assert (told["v"], told["kind"]) == (1, "ask.opened")
        assert FORCED not in pushed.decode()
        to = {"origin": origin, "registrationId": registration}
        await tools.send("ServiceWorker.deliverPushMessage", {**to, "data": pushed.decode()})
        assert await _notifications(page) == [[told["title"], told["id"]]]
        await page.goto(told["url"])
        await phone.looks_right("ask")
        await page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
        assert FORCED in await page.inner_text("main")
        await _age_the_proof()
        await page.get_by_role("button", name="Allow").tap()
        await _prove(page)
        answer = await asyncio.wait_for(held, 20)
    assert answer.json()["hookSpecificOutput"]["permissionDecision"] == "allow"
    ended = json.loads(await asyncio.wait_for(phone.pushed.get(), 40))
    assert (ended["kind"], ended["id"]) == ("ask.ended", told["id"])
    await tools.send("ServiceWorker.deliverPushMessage", {**to, "data": json.dumps(ended)})
    assert await _notifications(page, are_left=False) == []
    await _stands_nonsense(page, tools, to)
    assert (await ledger_facts("session.stepped_up"))[-1]["how"] == "passkey"
    assert phone.window.complaints == []


async def _asks(client: httpx.AsyncClient) -> httpx.Response:
    """A machine of the owner's whose agent asks."""
    made = await create_deployment_token(OPERATOR, DeploymentTerms(name="x"), now=utc_now())
    body = {"deploymentToken": made.token, "hostname": "h", "displayName": "Ada", "email": "ada@example.org"}
    token = (await client.post("/v1/enroll", json=body)).json()["token"]
    return await client.post(f"/v1/hooks/claude/PreToolUse?user_token={token}", json=bash(FORCED))


async def _stands_nonsense(page: Page, tools: CDPSession, to: dict[str, str]) -> None:
    """A message that is none is shown as news without content, and no message leads to another site."""
    await tools.send("ServiceWorker.deliverPushMessage", {**to, "data": "no JSON at all"})
    assert await _notifications(page) == [["News from OpenLeash", "news"]]
    [worker] = page.context.service_workers
    for url, path in (
        ("/approvals/7?x=1", "/approvals/7?x=1"), ("https://evil.example/approvals", "/approvals"),
        ("//evil.example/x", "/approvals"), ("javascript:alert(1)", "/approvals"), ("http://[", "/approvals"),
    ):  # fmt: skip
        assert await worker.evaluate("url => pathIn(url)", url) == path, url


async def _notifications(page: Page, *, are_left: bool = True) -> list[list[str]]:
    """Title and tag of what the system shows of this page, as soon as there is something, or nothing any more."""
    found: list[list[str]] = []
    for _ in range(100):
        found = await page.evaluate(
            "navigator.serviceWorker.ready.then(worker => worker.getNotifications())"
            ".then(all => all.map(each => [each.title, each.tag]))"
        )
        if bool(found) is are_left:
            break
        await asyncio.sleep(0.05)
    return found


async def _add_passkey(phone: Phone) -> None:
    tools = await phone.page.context.new_cdp_session(phone.page)
    await tools.send("WebAuthn.enable")
    await tools.send("WebAuthn.addVirtualAuthenticator", {"options": _DEVICE})
    await phone.opened("/account/passkeys")
    await phone.page.get_by_label("Name").fill("This phone")
    await phone.page.get_by_role("button", name="Add").tap()
    await phone.page.get_by_role("cell", name="This phone").wait_for()


async def _age_the_proof() -> None:
    """Let the sign-in be an hour ago."""
    async with transaction():
        await current_connection().execute("UPDATE session SET stepped_up_at = stepped_up_at - interval '1 hour'")
        await announce()


async def _prove(page: Page) -> None:
    await page.get_by_role("button", name="Use a passkey").tap()
    await page.wait_for_url("**/step-up/acts/*")
    await page.get_by_role("button", name="Do it now").tap()
    await page.get_by_role("heading", name="Approvals").wait_for()
