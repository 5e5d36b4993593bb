"""Chats: one line with a link, in the words of each; nothing that a chat could decide."""

import json

import msgspec

from appliance.adapters.notifications.chat import Slack, Teams
from appliance.notifications.ports import Failure
from tests.support.http_stub import http_stub, reply
from tests.support.messages import MESSAGE, failure_of, inside, target


async def body_of(chat: type[Slack | Teams], body: str = MESSAGE.body) -> str:
    """What the chat was sent."""
    got = list[bytes]()

    async def hear(head: str, told: bytes, writer: object) -> None:
        got.append(told)
        await reply(b"ok")(head, told, writer)  # type: ignore[arg-type]

    async with http_stub(hear) as stub:
        message = msgspec.structs.replace(MESSAGE, body=body)
        url = f"http://127.0.0.1:{stub.port}/x"
        await chat(inside(url)).send(target(url=url), message)
    return got[0].decode()


async def test_slack_gets_a_line_with_a_link() -> None:
    """Text in which nobody is mentioned and no link is hidden."""
    told = json.loads(await body_of(Slack, "<!channel> <https://evil.example|Open> & more"))
    assert told == {
        "text": "An agent waits for an answer. &lt;!channel&gt; &lt;https://evil.example|Open&gt; &amp; more "
        f"<{MESSAGE.url}|Open>"
    }


async def test_teams_gets_a_card_with_one_button() -> None:
    """It opens the page."""
    card = json.loads(await body_of(Teams))["attachments"][0]["content"]
    assert card["actions"] == [{"type": "Action.OpenUrl", "title": "Open", "url": MESSAGE.url}]
    assert [block["text"] for block in card["body"]] == [MESSAGE.title, MESSAGE.body]


async def test_a_channel_that_was_removed_is_not_asked_again() -> None:
    """Slack says so with 404 or 410."""
    async with http_stub(reply(b"no_service", "404 Not Found")) as stub:
        url = f"http://127.0.0.1:{stub.port}/"
        assert await failure_of(Slack(inside(url)), target(url=url)) is Failure.NEVER
