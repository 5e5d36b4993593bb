"""An ask is heard of on a phone, by mail, in ntfy and by a program, from real processes over real servers."""

import asyncio
import json
import re
import time
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.async_playwright import Axe

from tests.appliance.adapters.notifications.test_webhook import Receiver
from tests.support.browser import DESKTOP, PHONE, browser_window
from tests.support.http_stub import Stub, Writer, http_stub, reply
from tests.support.journey import Cloud
from tests.support.machines import bash, held
from tests.support.mail_server import PASSWORD, USER, MailServer, mail_server
from tests.support.ntfy import Ntfy, ntfy_server
from tests.support.push_receiver import PushReceiver

DROP = "psql -c 'drop table t'"
BUILD = Path(__file__).resolve().parents[2] / "build" / "pages"
_AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}


class Outside:
    """The push service and the program that is told: what each was sent, and whether the service answers."""

    def __init__(self, phone: PushReceiver) -> None:
        self.phone = phone
        self.pushed: list[dict[str, Any]] = []
        self.hooked: list[tuple[str, bytes]] = []
        self.is_silent = False

    async def answer(self, head: str, body: bytes, writer: Writer) -> None:
        """Keep what came, by its path."""
        if head.startswith("POST /push"):
            self.pushed.append({**json.loads(self.phone.read(body)), "at": time.monotonic()})
            if self.is_silent:
                await asyncio.sleep(60)
        else:
            self.hooked.append((head, body))
        await reply(b"", "201 Created")(head, body, writer)


async def soon(is_so: Any, seconds: float = 20) -> None:  # noqa: ANN401 - a function without arguments
    """Return once something holds."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


def settings_of(mail: MailServer, stub: Stub, ntfy: Ntfy) -> dict[str, str]:
    """An installation whose channels all lie on this machine, each at a port of its own."""
    push, topics = f"127.0.0.1:{stub.port}", ntfy.url.removeprefix("http://")
    return {
        "LEASH_NOTIFICATIONS__PRIVATE_HOSTS": f"{push},{topics}",
        "LEASH_NOTIFICATIONS__WEB_PUSH_HOSTS": push,
        "LEASH_NOTIFICATIONS__NTFY_HOSTS": topics,
        "LEASH_SMTP__HOST": "localhost",
        "LEASH_SMTP__PORT": str(mail.port),
        "LEASH_SMTP__SENDER": "leash@example.org",
        "LEASH_SMTP__USER": USER,
        "LEASH_SMTP__PASSWORD": PASSWORD,
        "LEASH_SMTP__CA_FILE": str(mail.authority),
    }


async def subscribed(cloud: Cloud, outside: Outside, port: int, ntfy: Ntfy) -> tuple[httpx.AsyncClient, str]:
    """The owner, who hears of asks as long as there is no approver, with every channel; and a webhook's secret."""
    await cloud.owner()
    session = await cloud.leashctl("people", "session", "create", "--person", "ada@example.org")
    headers = {"authorization": f"Bearer {session['token']}"}
    ada = httpx.AsyncClient(base_url=cloud.url, headers=headers, timeout=20, trust_env=False)
    phone = {"p256dh": outside.phone.p256dh, "auth": outside.phone.auth}
    made = httpx.Response(500)
    for path, body in (
        ("/v1/push/subscriptions", {"endpoint": f"http://127.0.0.1:{port}/push/1", "keys": phone}),
        ("/v1/notifications/topics", {"url": f"{ntfy.url}/ada", "token": ntfy.token}),
        ("/v1/webhooks", {"name": "alerts", "url": f"http://127.0.0.1:{port}/hook", "kinds": ["ask.opened"]}),
    ):
        made = await ada.post(path, json=body)
        assert made.status_code == 201, made.text
    return ada, str(made.json()["secret"])


async def test_an_ask_is_heard_of_by_every_channel(tmp_path: Path) -> None:
    """Within seconds, without content; a link opens a page and decides nothing; whoever is killed tells again."""
    outside = Outside(PushReceiver())
    with mail_server(tmp_path) as mail, ntfy_server(tmp_path) as ntfy:
        async with (
            http_stub(outside.answer) as stub,
            Cloud(tmp_path / "cloud", settings=settings_of(mail, stub, ntfy)) as cloud,
        ):
            ada, secret = await subscribed(cloud, outside, stub.port, ntfy)
            machine = await cloud.machine()
            async with aclosing(ada), held(machine, bash(DROP)):
                [ask] = await cloud.pending_asks(machine=machine)
                await soon(lambda: outside.pushed and outside.hooked and mail.mails and ntfy.messages("ada"))
                url = f"{cloud.url}/approvals/{ask}"
                assert {key: outside.pushed[0][key] for key in ("v", "kind", "id", "url")} == {
                    "v": 1, "kind": "ask.opened", "id": ask, "url": url,
                }  # fmt: skip
                head, body = outside.hooked[0]
                assert Receiver(secret).takes(head, body, int(time.time())) == "taken"
                told = [
                    body.decode(),
                    str(mail.mails[0][1]),
                    json.dumps(ntfy.messages("ada")),
                    *map(str, outside.pushed),
                ]
                assert [text for text in told if "drop" in text.lower() or "psql" in text] == []
                links = re.findall(r"http\S+/approvals/\S+", mail.mails[0][1].get_content())
                assert links == [url]
                assert (await ada.get(links[0])).status_code == 200
                assert await cloud.pending_asks(machine=machine) == [ask]
                await _killed_while_it_sends(cloud, outside, machine)
                log = (await ada.get("/v1/notifications/log")).json()["deliveries"]
                assert {line["channel"] for line in log} == {"web_push", "ntfy", "email", "webhook"}


async def _killed_while_it_sends(cloud: Cloud, outside: Outside, machine: Any) -> None:  # noqa: ANN401 - a Machine
    """The scheduler dies after the phone has the message and before that is written down: the phone gets it again."""
    outside.is_silent = True
    async with held(machine, bash("psql -c 'drop table u'")):
        await soon(lambda: len(outside.pushed) == 2)
        cloud.kill(cloud.child("server.scheduler"))
        outside.is_silent = False
        # Nobody sends it again before the claim's minute is over, which need not pass here.
        await cloud.sql("UPDATE notification_delivery SET claimed_until = now() WHERE claimed_until IS NOT NULL")
        await soon(lambda: len(outside.pushed) >= 3, 30)
        assert outside.pushed[1]["id"] == outside.pushed[2]["id"]


@pytest.mark.parametrize(("size", "is_dark"), [(DESKTOP, False), (PHONE, True)])
async def test_the_pages_of_notifications_are_usable(cloud: Cloud, size: tuple[int, int], *, is_dark: bool) -> None:
    """At 1280 and 320 pixels: no sideways scrolling, WCAG AA by axe, no complaint; a webhook shows its secret."""
    owner = await cloud.owner()
    BUILD.mkdir(parents=True, exist_ok=True)
    async with browser_window(cloud.url, size=size, is_dark=is_dark, person=owner) as window:
        page = window.page
        await page.goto(f"{cloud.url}/notifications")
        await page.get_by_label("Name", exact=True).fill("alerts")
        await page.get_by_label("Address", exact=True).fill("https://127.1/")
        await page.get_by_role("button", name="Add", exact=True).click()
        await page.get_by_role("alert").get_by_text("unusual way").wait_for()
        for name, path in {"notifications": "/notifications", "notifications-own": "/account/notifications"}.items():
            answer = await page.goto(f"{cloud.url}{path}")
            assert answer is not None
            assert answer.status == 200
            await page.screenshot(path=BUILD / f"{name}-{'dark' if is_dark else 'light'}-{size[0]}.png", full_page=True)
            assert await window.overflow() <= 0, path
            results = await Axe().run(page, options=_AXE)
            assert [each["id"] for each in results.response["violations"]] == []
        await page.get_by_label("Quiet from").fill("22:00")
        await page.get_by_label("until", exact=True).fill("07:00")
        await page.get_by_label("Time zone").fill("Europe/Berlin")
        await page.get_by_role("button", name="Save").click()
        await page.get_by_text("Saved.").wait_for()
        assert await page.get_by_label("Quiet from").input_value() == "22:00"
        assert [each for each in window.complaints if "422" not in each] == []
