"""Mail by a real server: what arrives, over which connection, and what a failure means for others."""

import socket
from pathlib import Path

import msgspec
import pytest

from appliance.adapters.notifications.mail import Mail
from appliance.config.notifications import Smtp
from appliance.config.secret import Secret
from appliance.notifications.ports import Failure
from tests.support.certificates import Authority
from tests.support.mail_server import BUSY, REFUSED, mail_server
from tests.support.messages import MESSAGE, failure_of, target

ORIGIN = "https://leash.example.org"
ANN = target(email="ann@example.org")


async def test_a_mail_holds_a_link_and_nothing_that_decides(tmp_path: Path) -> None:
    """Plain text over STARTTLS; it belongs to a list, names no content, fetches nothing and tracks nobody."""
    with mail_server(tmp_path) as server:
        await Mail(server.settings(), ORIGIN).send(ANN, MESSAGE)
        ((envelope, mail),) = server.mails
    assert envelope.rcpt_tos == ["ann@example.org"]
    assert (mail["to"], mail["from"]) == ("ann@example.org", "OpenLeash <leash@example.org>")
    assert mail["subject"] == "OpenLeash: An agent waits for an answer"
    assert mail["list-id"] == "OpenLeash notifications <notifications.leash.example.org>"
    assert mail["auto-submitted"] == "auto-generated"
    assert mail["message-id"] == f"<{MESSAGE.id}@leash.example.org>"
    assert mail.get_content_type() == "text/plain"
    links = [word for word in mail.get_content().split() if "://" in word]
    assert links == [MESSAGE.url, f"{ORIGIN}/account/notifications"]


async def test_tls_from_the_first_byte(tmp_path: Path) -> None:
    """The other way that mail servers offer."""
    with mail_server(tmp_path, is_tls_first=True) as server:
        await Mail(server.settings(security="tls"), ORIGIN).send(ANN, MESSAGE)
        assert len(server.mails) == 1


async def test_a_server_that_is_not_who_it_should_be_gets_nothing(tmp_path: Path) -> None:
    """Another authority, another name, or no STARTTLS at all: neither password nor mail go there."""
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other", "Another Authority").file
    with mail_server(tmp_path) as server:
        assert await failure_of(Mail(server.settings(ca_file=stranger), ORIGIN), ANN) is Failure.LATER
        assert server.mails == []
    with mail_server(tmp_path, "mail.example.org") as server:
        assert await failure_of(Mail(server.settings(), ORIGIN), ANN) is Failure.LATER
        assert server.mails == []
    with mail_server(tmp_path, has_tls=False) as server:
        assert await failure_of(Mail(server.settings(), ORIGIN), ANN) is Failure.LATER
        assert server.mails == []


async def test_a_wrong_password_is_worth_another_attempt(tmp_path: Path) -> None:
    """An administrator may be changing it."""
    with mail_server(tmp_path) as server:
        wrong = Mail(server.settings(password=Secret("wrong")), ORIGIN)
        assert await failure_of(wrong, ANN) is Failure.LATER


async def test_one_recipient_that_is_refused_stops_nobody_else(tmp_path: Path) -> None:
    """For good, or for now; the mail server itself is not to blame."""
    with mail_server(tmp_path) as server:
        mail = Mail(server.settings(), ORIGIN)
        assert await failure_of(mail, target(email=REFUSED)) is Failure.NEVER
        assert await failure_of(mail, target(email=BUSY)) is Failure.POSTPONED
        await mail.send(ANN, MESSAGE)
        assert len(server.mails) == 1


@pytest.mark.parametrize(
    ("email", "failure"),
    [
        ("full@example.org", Failure.NEVER), ("filtered@example.org", Failure.POSTPONED),
        ("hangs-up@example.org", Failure.POSTPONED), ("last@example.org", Failure.LATER),
    ],
)  # fmt: skip
async def test_one_mail_that_is_refused_stops_no_other(tmp_path: Path, email: str, failure: Failure) -> None:
    """What the server says after the content is of this mail, unless it says that it goes down."""
    with mail_server(tmp_path) as server:
        mail = Mail(server.settings(), ORIGIN)
        assert await failure_of(mail, target(email=email)) is failure
        await mail.send(ANN, MESSAGE)
        assert len(server.mails) == 1


async def test_an_address_beyond_ascii_blames_no_server(tmp_path: Path) -> None:
    """One that does not speak SMTPUTF8 cannot take it, and takes the others."""
    email = "ann@b\u00fccher.example"
    with mail_server(tmp_path, has_utf8=False) as server:
        mail = Mail(server.settings(), ORIGIN)
        assert await failure_of(mail, target(email=email)) is Failure.NEVER
        await mail.send(ANN, MESSAGE)
        assert len(server.mails) == 1
    with mail_server(tmp_path) as server:
        await Mail(server.settings(), ORIGIN).send(target(email=email), MESSAGE)
        assert [envelope.rcpt_tos for envelope, _ in server.mails] == [[email]]


@pytest.mark.parametrize(
    "email", ["ann@example.org\r\nBcc: evil@example.org", "ann@example.org\nX: y", "a@b@c", "", '"x" <a@b.example>, c']
)
async def test_an_address_begins_no_header_of_its_own(tmp_path: Path, email: str) -> None:
    """Whatever a directory says somebody's address is."""
    with mail_server(tmp_path) as server:
        assert await failure_of(Mail(server.settings(), ORIGIN), target(email=email)) is Failure.NEVER
        assert server.mails == []


async def test_a_summary_begins_no_header_either(tmp_path: Path) -> None:
    """What an agent wrote stays text."""
    with mail_server(tmp_path) as server:
        hostile = msgspec.structs.replace(
            MESSAGE, body="x\r\n.\r\nMAIL FROM:<evil@example.org>\r\nBcc: evil@example.org"
        )
        await Mail(server.settings(), ORIGIN).send(ANN, hostile)
        ((envelope, mail),) = server.mails
    assert envelope.rcpt_tos == ["ann@example.org"]
    assert mail["bcc"] is None
    assert "MAIL FROM:<evil@example.org>" in mail.get_content()


async def test_a_server_that_says_nothing_is_left() -> None:
    """It takes connections and hangs."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = Smtp(host="localhost", port=silent.getsockname()[1], sender="leash@example.org")
        assert await failure_of(Mail(settings, ORIGIN, seconds=0.3), ANN) is Failure.LATER
