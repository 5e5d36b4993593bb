"""Web Push: what a push service gets, and what the browser behind it can read."""

import json
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.adapters.notifications.encryption import encrypt
from appliance.adapters.notifications.vapid import LIFE_SECONDS, private_key, public_text
from appliance.adapters.notifications.web_push import WebPush
from appliance.notifications.ports import Failure
from tests.support.http_stub import Stub, http_stub, reply
from tests.support.messages import ASK, MESSAGE, failure_of, inside, target
from tests.support.push_receiver import PushReceiver, from_base64url, statement_of, unpadded

SECRET = b"v" * 32
SUBJECT = "mailto:it@example.org"


def push(stub: Stub) -> WebPush:
    """The channel, which may go to this service alone."""
    return WebPush(inside(f"http://127.0.0.1:{stub.port}"), SECRET, SUBJECT)


def subscription(stub: Stub, receiver: PushReceiver) -> dict[str, str]:
    """What a browser tells of itself."""
    return {"url": f"http://127.0.0.1:{stub.port}/p/1", "p256dh": receiver.p256dh, "auth": receiver.auth}


def test_the_example_of_the_rfc_comes_out_byte_for_byte() -> None:
    """RFC 8291, appendix A: keys, salt and text of the example give its body, and our receiver reads it."""
    text = b"When I grow up, I want to be a watermelon"
    sender = ec.derive_private_key(
        int.from_bytes(from_base64url("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")), ec.SECP256R1()
    )
    browser = from_base64url("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4")
    auth, salt = from_base64url("BTBZMqHH6r4Tts7J_aSIgg"), from_base64url("DGv6ra1nlYgDCS1FRnbzlw")
    body = encrypt(text, browser, auth, sender, salt, is_padded=False)
    assert unpadded(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3"
        "jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    key = ec.derive_private_key(
        int.from_bytes(from_base64url("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94")), ec.SECP256R1()
    )
    assert PushReceiver(key, auth).read(body) == text


async def test_the_browser_reads_what_was_sent_and_nobody_in_between_does() -> None:
    """The service sees sizes that are all alike, a topic and who we are; the page's worker gets a kind and a link."""
    receiver, bodies = PushReceiver(), list[bytes]()
    heads = list[str]()

    async def service(head: str, body: bytes, writer: object) -> None:
        heads.append(head)
        bodies.append(body)
        await reply(b"", "201 Created")(head, body, writer)  # type: ignore[arg-type]

    async with http_stub(service) as stub:
        await push(stub).send(target(**subscription(stub, receiver)), MESSAGE)
        await push(stub).send(target(**subscription(stub, receiver)), MESSAGE)
        origin = f"http://127.0.0.1:{stub.port}"
    told = json.loads(receiver.read(bodies[0]))
    assert (told["v"], told["kind"], told["id"], told["url"]) == (1, "ask.opened", str(ASK), MESSAGE.url)
    assert bodies[0] != bodies[1]
    assert len(bodies[0]) == len(bodies[1])
    head = heads[0].lower()
    for line in ("post /p/1 http/1.1", "content-encoding: aes128gcm", "ttl: 600", "urgency: normal"):
        assert line in head
    assert f"topic: {unpadded(ASK.bytes)}".lower() in head
    claims, key = statement_of(heads[0])
    assert (claims["aud"], claims["sub"], key) == (origin, SUBJECT, public_text(SECRET))
    assert time.time() < claims["exp"] <= time.time() + LIFE_SECONDS


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        ("404 Not Found", Failure.GONE), ("410 Gone", Failure.GONE), ("413 Too Large", Failure.NEVER),
        ("403 Forbidden", Failure.NEVER), ("429 Too Many", Failure.LATER), ("503 Busy", Failure.LATER),
        ("307 Temporary Redirect", Failure.LATER),
    ],
)  # fmt: skip
async def test_a_service_that_says_no(status: str, failure: Failure) -> None:
    """Gone is for ever, busy is for a while, and a redirect is followed nowhere."""
    async with http_stub(reply(b"", status, location="http://169.254.169.254/")) as stub:
        assert await failure_of(push(stub), target(**subscription(stub, PushReceiver()))) is failure
        assert len(stub.requests) == 1


@pytest.mark.parametrize("point", ["", "AAAA", "B" + "A" * 86, "not base64 at all!"])
async def test_keys_that_are_none_are_a_subscription_that_is_gone(point: str) -> None:
    """A point that lies on no curve would tell something of our key."""
    to = target(url="http://127.0.0.1:1/", p256dh=point, auth="A" * 22)
    assert await failure_of(WebPush(inside("http://127.0.0.1:1/"), SECRET, SUBJECT), to) is Failure.GONE


def test_the_key_stays_the_same() -> None:
    """Browsers subscribe to one key; another secret is another key."""
    assert public_text(SECRET) == public_text(b"v" * 32)
    assert public_text(SECRET) != public_text(b"w" * 32)
    assert private_key(SECRET).curve.name == "secp256r1"
