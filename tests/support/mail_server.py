"""A real mail server on loopback with STARTTLS and a password, which keeps what it was given or refuses it."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from appliance.config.notifications import Smtp
from appliance.config.secret import Secret
from tests.support.certificates import Authority
from tests.support.processes import free_port

USER, PASSWORD = "openleash", "the mail password"
REFUSED, BUSY = "nobody@example.org", "greylisted@example.org"
# What is said of the mail itself, after its content, by whom it is for.
_REFUSALS = {
    "full@example.org": "552 mailbox full", "filtered@example.org": "451 the filter is busy",
    "hangs-up@example.org": "451", "last@example.org": "421 going down",
}  # fmt: skip


class MailServer:
    """What it has taken."""

    def __init__(self, port: int, authority: Path) -> None:
        """Nothing yet."""
        self.port = port
        self.authority = authority
        self.mails: list[tuple[Envelope, EmailMessage]] = []

    def settings(self, **changes: Any) -> Smtp:  # noqa: ANN401 - any setting
        """How to reach it."""
        known: dict[str, Any] = {
            "host": "localhost", "port": self.port, "sender": "leash@example.org", "user": USER,
            "password": Secret(PASSWORD), "ca_file": self.authority,
        }  # fmt: skip
        return Smtp(**known | changes)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Refuse one address for good, and one for now."""
        if address in {REFUSED, BUSY}:
            return "550 no such user" if address == REFUSED else "451 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        """Keep the mail, or refuse it; whoever hangs up says nothing at all."""
        if envelope.rcpt_tos == ["hangs-up@example.org"]:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        if refusal := _REFUSALS.get(envelope.rcpt_tos[0]):
            return refusal
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        self.mails.append((envelope, BytesParser(EmailMessage, policy=default).parsebytes(content)))
        return "250 kept"


def _authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _way: str, told: object) -> AuthResult:
    is_right = isinstance(told, LoginPassword) and (told.login, told.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=False)


@contextmanager
def mail_server(
    folder: Path, *hosts: str, has_tls: bool = True, is_tls_first: bool = False, has_utf8: bool = True
) -> Iterator[MailServer]:
    """The server, gone afterwards; its certificate is for these hosts, localhost if none is given."""
    authority = Authority(folder)
    certificate, key = authority.server(*(hosts or ("localhost",)))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    running = MailServer(free_port(), authority.file)
    words: dict[str, Any] = {"authenticator": _authenticate, "auth_require_tls": False}
    if is_tls_first:
        words["ssl_context"] = context
    elif has_tls:
        words |= {"tls_context": context, "require_starttls": True}
    controller = Controller(running, hostname="127.0.0.1", port=running.port, enable_SMTPUTF8=has_utf8, **words)
    controller.start()
    try:
        yield running
    finally:
        controller.stop()
