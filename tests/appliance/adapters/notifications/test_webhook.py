"""Signed webhooks: what a receiver can check, and where they never go."""

import base64
import hashlib
import hmac
import json
import re

import pytest

from appliance.adapters.notifications.post import Poster
from appliance.adapters.notifications.webhook import Webhook
from appliance.notifications.ports import Failure
from tests.support.http_stub import http_stub, reply
from tests.support.messages import MESSAGE, failure_of, inside, target

NEW = "whsec_" + base64.b64encode(b"n" * 32).decode()
OLD = "whsec_" + base64.b64encode(b"o" * 32).decode()
NOW = 1_772_366_400


class Receiver:
    """A program that follows the guide: signature, then time, then whether it has seen the identifier."""

    WINDOW_SECONDS = 300

    def __init__(self, secret: str) -> None:
        self._key = base64.b64decode(secret.removeprefix("whsec_"))
        self._seen = set[str]()

    def takes(self, head: str, body: bytes, now: int) -> str:
        """`taken`, or why not."""
        sent = {name.lower(): value for name, value in re.findall(r"(?m)^([\w-]+): (.*?)\r?$", head)}
        identifier, stamp = sent["webhook-id"], sent["webhook-timestamp"]
        signed = f"{identifier}.{stamp}.".encode() + body
        right = base64.b64encode(hmac.new(self._key, signed, hashlib.sha256).digest()).decode()
        given = [each.removeprefix("v1,") for each in sent["webhook-signature"].split(" ")]
        if not any(hmac.compare_digest(right, each) for each in given):
            return "forged"
        if abs(now - int(stamp)) > self.WINDOW_SECONDS:
            return "too old"
        if identifier in self._seen:
            return "seen before"
        self._seen.add(identifier)
        return "taken"


async def sent(*secrets: str) -> tuple[str, bytes]:
    """Head and body of one webhook."""
    got = list[tuple[str, bytes]]()

    async def hear(head: str, body: bytes, writer: object) -> None:
        got.append((head, body))
        await reply(b"", "204 No Content")(head, body, writer)  # type: ignore[arg-type]

    async with http_stub(hear) as stub:
        to = target(url=f"http://127.0.0.1:{stub.port}/hook", secrets=list(secrets))
        await Webhook(inside(to.address["url"]), seconds=lambda: NOW).send(to, MESSAGE)
    return got[0]


async def test_a_receiver_can_tell_what_is_ours() -> None:
    """It takes each event once, in time; a replay, a late one, a changed body and a foreign secret are found out."""
    head, body = await sent(NEW)
    receiver = Receiver(NEW)
    assert receiver.takes(head, body, NOW) == "taken"
    assert receiver.takes(head, body, NOW + 60) == "seen before"
    assert Receiver(NEW).takes(head, body, NOW + 301) == "too old"
    assert receiver.takes(head, body.replace(b"ask.opened", b"ask.closed"), NOW) == "forged"
    assert receiver.takes(head.replace(str(NOW), str(NOW + 600)), body, NOW + 600) == "forged"
    assert receiver.takes(head.replace(MESSAGE.id, "other"), body, NOW) == "forged"
    assert Receiver(OLD).takes(head, body, NOW) == "forged"
    told = json.loads(body)
    assert (told["type"], told["data"]["url"]) == ("ask.opened", MESSAGE.url)


async def test_while_secrets_change_both_sign() -> None:
    """So that receivers can change theirs at any time of the day."""
    head, body = await sent(NEW, OLD)
    assert Receiver(NEW).takes(head, body, NOW) == Receiver(OLD).takes(head, body, NOW) == "taken"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/", "https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://0x7f.1/",
        "https://2130706433/", "https://0177.0.0.1/", "https://127.1/", "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/", "https://169.254.169.254/latest/meta-data/", "https://10.1.2.3/",
        "https://192.168.0.1/", "https://172.16.0.1/", "https://224.0.0.1/", "https://0.0.0.0/", "https://[fe80::1]/",
        "https://[fd00::1]/", "file:///etc/passwd", "gopher://127.0.0.1/", "https://user:pw@example.org/",
    ],
)  # fmt: skip
async def test_nothing_goes_inside_in_any_notation(url: str) -> None:
    """Also if such an address got into the database by another way than our check."""
    assert await failure_of(Webhook(Poster()), target(url=url, secrets=[NEW])) is Failure.NEVER


async def test_a_name_that_is_rebound_leads_nowhere() -> None:
    """It was public when the webhook was made; what counts is each time where it leads now, and that is asked once."""
    answers = iter([["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["169.254.169.254"], ["::ffff:10.0.0.1"]])
    async with http_stub(reply()) as stub:
        webhook = Webhook(Poster(resolve=lambda *_: next(answers)))
        for _ in range(4):
            to = target(url=f"https://rebound.example.org:{stub.port}/", secrets=[NEW])
            assert await failure_of(webhook, to) is Failure.NEVER
    assert stub.requests == []


async def test_a_redirect_is_followed_nowhere() -> None:
    """Neither to the inside nor anywhere else; the receiver is asked again later."""
    async with http_stub(reply(b"", "302 Found", location="http://169.254.169.254/")) as stub:
        to = target(url=f"http://127.0.0.1:{stub.port}/", secrets=[NEW])
        assert await failure_of(Webhook(inside(to.address["url"])), to) is Failure.LATER
        assert len(stub.requests) == 1


@pytest.mark.parametrize(("status", "failure"), [("500 Oops", Failure.LATER), ("410 Gone", Failure.NEVER)])
async def test_a_receiver_that_says_no(status: str, failure: Failure) -> None:
    """410 asks us to stop."""
    async with http_stub(reply(b"", status)) as stub:
        to = target(url=f"http://127.0.0.1:{stub.port}/", secrets=[NEW])
        assert await failure_of(Webhook(inside(to.address["url"])), to) is failure
