"""Chats: one line with a link, in the words of each; nothing that a chat could decide."""

import json
from typing import Any

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


HOSTILE = "claude: [Open](https://evil.example) <!channel> <https://evil.example|Open> *bold* `code` & :tada:"


async def test_slack_gets_a_line_with_a_link() -> None:
    """What an agent wrote is plain text, in which Slack finds no link, mention, emphasis or picture."""
    told = json.loads(await body_of(Slack, HOSTILE))
    title, plain, link = told["blocks"]
    assert title["text"] == {"type": "plain_text", "text": MESSAGE.title, "emoji": False}
    assert plain == {"type": "section", "text": {"type": "plain_text", "text": HOSTILE, "emoji": False}}
    assert link["text"] == {"type": "mrkdwn", "text": f"<{MESSAGE.url}|Open>", "verbatim": True}
    assert told["text"] == f"{MESSAGE.title} <{MESSAGE.url}|Open>"


async def test_teams_gets_a_card_with_one_button() -> None:
    """It opens the page."""
    card = json.loads(await body_of(Teams))["attachments"][0]["content"]
    assert card["actions"] == [{"type": "Action.OpenUrl", "title": "Open", "url": MESSAGE.url}]
    assert texts_of(card) == [MESSAGE.title, MESSAGE.body]


async def test_teams_makes_no_markup_of_what_an_agent_wrote() -> None:
    """The words stand in runs of text, in which cards know no Markdown; a text block would make links of them."""
    card = json.loads(await body_of(Teams, HOSTILE))["attachments"][0]["content"]
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    assert {run["type"] for block in card["body"] for run in block["inlines"]} == {"TextRun"}
    assert texts_of(card) == [MESSAGE.title, HOSTILE]


def texts_of(card: dict[str, Any]) -> list[str]:
    """The text of each block."""
    return ["".join(run["text"] for run in block["inlines"]) for block in card["body"]]


async def test_a_channel_that_was_removed_is_not_asked_again() -> None:
    """Slack says so with 404 or 410."""
    async with http_stub(reply(b"no_service", "404 Not Found")) as stub:
        url = f"http://127.0.0.1:{stub.port}/"
        assert await failure_of(Slack(inside(url)), target(url=url)) is Failure.NEVER
