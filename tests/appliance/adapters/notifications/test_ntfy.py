"""ntfy: what a real server makes of what it is sent."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from appliance.adapters.notifications.ntfy import Ntfy
from appliance.notifications.messages import SUMMARY_MAX
from appliance.notifications.ports import Failure
from appliance.notifications.records import Severity
from tests.support.http_stub import Writer, http_stub, reply
from tests.support.messages import MESSAGE, failure_of, inside, target
from tests.support.ntfy import Ntfy as Server
from tests.support.ntfy import ntfy_server

UNIFIED_PUSH_BYTES_MAX = 4_096
# As long as a summary becomes, in characters of four bytes.
LONGEST = msgspec.structs.replace(MESSAGE, body="\U0001f511" * SUMMARY_MAX, severity=Severity.HIGH)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all of them."""
    folder: Path = tmp_path_factory.mktemp("ntfy")
    with ntfy_server(folder) as running:
        yield running


async def test_a_message_arrives_with_its_link(server: Server) -> None:
    """With title, link and urgency as phones show them."""
    await Ntfy(inside(server.url)).send(target(url=f"{server.url}/asks", token=server.token), MESSAGE)
    urgent = msgspec.structs.replace(MESSAGE, severity=Severity.HIGH, body="claude: rm -rf b\u00fcild \u2026")
    await Ntfy(inside(server.url)).send(target(url=f"{server.url}/asks", token=server.token), urgent)
    first, second = server.messages("asks")
    assert (first["title"], first["message"], first["click"]) == (MESSAGE.title, MESSAGE.body, MESSAGE.url)
    assert (first["priority"], second["priority"]) == (3, 4)
    assert second["message"] == urgent.body


async def test_a_topic_that_lets_nobody_in_is_tried_again(server: Server) -> None:
    """Its owner may be changing the token."""
    assert await failure_of(Ntfy(inside(server.url)), target(url=f"{server.url}/asks", token="wrong")) is Failure.LATER
    assert await failure_of(Ntfy(inside(server.url)), target(url=f"{server.url}/asks")) is Failure.LATER


async def test_a_push_server_of_unified_push_gets_the_text_as_bytes() -> None:
    """One POST whose body is the text and nothing else, not encoded, with a time to live, within 4,096 bytes."""
    bodies: list[bytes] = []

    async def answer(head: str, body: bytes, writer: Writer) -> None:
        bodies.append(body)
        status = "413 Too Large" if len(body) > UNIFIED_PUSH_BYTES_MAX else "201 Created"
        await reply(b"", status)(head, body, writer)

    async with http_stub(answer) as server:
        url = f"http://127.0.0.1:{server.port}/endpoint/x?token=y"
        await Ntfy(inside(url)).send(target(url=url), LONGEST)
        [head] = server.requests
    assert bodies == [LONGEST.body.encode()]
    assert head.startswith("POST /endpoint/x?token=y HTTP/1.1")
    names = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in head.splitlines()[1:]}
    assert names["ttl"] == "600"
    assert not {"content-encoding", "transfer-encoding", "authorization"} & set(names)


async def test_ntfy_as_a_push_server_passes_the_text_on(server: Server) -> None:
    """Under the address that its distributor gives to apps, as text and not as an attached file."""
    await Ntfy(inside(server.url)).send(target(url=f"{server.url}/upLeash0123456?up=1", token=server.token), LONGEST)
    [message] = server.messages("upLeash0123456")
    assert message["message"] == LONGEST.body
    assert not {"attachment", "encoding"} & set(message)


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        ("404 Not Found", Failure.NEVER), ("410 Gone", Failure.NEVER), ("413 Too Large", Failure.NEVER),
        ("429 Too Many Requests", Failure.LATER), ("503 Unavailable", Failure.LATER), ("507 No Room", Failure.LATER),
    ],
)  # fmt: skip
async def test_an_endpoint_that_is_gone_is_tried_no_more(status: str, failure: Failure) -> None:
    """What a push server says of an app that was taken away, and of one that it cannot serve now."""
    async with http_stub(reply(b"", status)) as server:
        url = f"http://127.0.0.1:{server.port}/endpoint/x"
        assert await failure_of(Ntfy(inside(url)), target(url=url)) is failure
