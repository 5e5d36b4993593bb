"""Mail by one server of the organisation: plain text with one link, which opens a page and decides nothing."""

import asyncio
import smtplib
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final
from urllib.parse import urlsplit

from appliance.config.notifications import Smtp
from appliance.notifications.ports import Failure, SendError
from appliance.notifications.records import Message, Target

SECONDS: Final = 8.0
_FINAL: Final = 500  # RFC 5321 4.2.1: from here on, another attempt would end the same
_GOES_DOWN: Final = 421  # RFC 5321 3.8: the server itself ends, whatever it was asked
_TOO_LARGE: Final = 552  # of the mail, also as the answer to its sender (RFC 1870 6.1)
_NAME: Final = "OpenLeash"
# Threads of its own: a mail server that hangs takes none from anybody else.
_THREADS: Final = ThreadPoolExecutor(4, thread_name_prefix="mail")


def _refusal(problem: Exception) -> SendError:
    """Why one mail was not taken, once the server had let us in; others may well be, unless the server says not."""
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        code, words = next(iter(problem.recipients.values()))[0], "the mail server refuses the recipient"
    elif isinstance(problem, smtplib.SMTPSenderRefused):
        code, words = problem.smtp_code, "the mail server refuses our sender"
        if code != _TOO_LARGE:
            return SendError(Failure.LATER, f"{words}: {code}")
    elif isinstance(problem, smtplib.SMTPResponseException):
        code, words = problem.smtp_code, "the mail server refuses the mail"
    elif isinstance(problem, (smtplib.SMTPNotSupportedError, UnicodeError)):
        return SendError(Failure.NEVER, "the mail server takes no such address, because it lacks SMTPUTF8")
    else:
        return SendError(Failure.POSTPONED, f"the mail server left: {type(problem).__name__}")
    if code == _GOES_DOWN:
        return SendError(Failure.LATER, f"the mail server says {code}")
    return SendError(Failure.NEVER if code >= _FINAL else Failure.POSTPONED, f"{words}: {code}")


class Mail:
    """The port `Sender` over SMTP."""

    def __init__(self, settings: Smtp, origin: str, *, seconds: float = SECONDS) -> None:
        """`origin` is the public address, whose host names the list of the mails; `seconds` bound each step."""
        self._settings = settings
        self._seconds = seconds
        self._origin = origin

    async def send(self, target: Target, message: Message) -> None:
        """Hand the mail to the server.

        Raises:
            SendError: not taken.
        """
        mail = self._mail(target.address["email"], message)
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(_THREADS, self._hand_over, mail)
        except smtplib.SMTPNotSupportedError as problem:
            raise SendError(Failure.LATER, "the mail server lacks STARTTLS or signing in") from problem
        except smtplib.SMTPAuthenticationError as problem:
            raise SendError(Failure.LATER, f"the mail server refuses our password: {problem.smtp_code}") from problem
        except smtplib.SMTPResponseException as problem:
            raise SendError(Failure.LATER, f"the mail server says {problem.smtp_code}") from problem
        except ssl.SSLError as problem:
            raise SendError(Failure.LATER, f"TLS with the mail server failed: {problem.reason}") from problem
        except (smtplib.SMTPException, OSError) as problem:
            raise SendError(Failure.LATER, f"the mail server cannot be used: {type(problem).__name__}") from problem

    def _hand_over(self, mail: EmailMessage) -> None:
        """Until the server has let us in, what fails is the server's fault; from then on, this mail's alone."""
        settings = self._settings
        if settings.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=self._seconds, context=self._trusted()
            )
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=self._seconds)
        with closing(server):
            if settings.security == "starttls":
                server.starttls(context=self._trusted())
            if settings.user and settings.password is not None:
                server.login(settings.user, settings.password.reveal())
            try:
                server.send_message(mail)
            except (smtplib.SMTPException, OSError, ValueError) as problem:
                raise _refusal(problem) from problem
            with suppress(smtplib.SMTPException, OSError):  # it is taken, however the server says good-bye
                server.quit()

    def _trusted(self) -> ssl.SSLContext:
        """Whom TLS trusts; the server's name is checked."""
        ca_file = self._settings.ca_file
        return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)

    def _mail(self, email: str, message: Message) -> EmailMessage:
        """The mail; no name, address or text can begin a header of its own (RFC 5322 2.2).

        Raises:
            SendError: the address cannot stand in a header.
        """
        host = urlsplit(self._origin).hostname or "localhost"
        mail = EmailMessage(policy=SMTP)
        try:
            mail["From"] = Address(_NAME, addr_spec=self._settings.sender)
            mail["To"] = Address(addr_spec=email)
            mail["Subject"] = f"{_NAME}: {message.title}"
            mail["Date"] = format_datetime(message.occurred_at)
            mail["Message-ID"] = f"<{message.id}@{host}>"
            mail["List-Id"] = f"{_NAME} notifications <notifications.{host}>"
            mail["List-Unsubscribe"] = f"<{self._origin}/account/notifications>"
            mail["Auto-Submitted"] = "auto-generated"
        except (ValueError, IndexError, MessageError) as problem:
            raise SendError(Failure.NEVER, "the address cannot stand in a mail") from problem
        mail.set_content(f"{message.title}.\n\n{message.body}\n\n{message.url}\n\n{_FOOTER}{self._origin}{_PAGE}\n")
        return mail


_FOOTER: Final = "-- \nOpening the link decides nothing: you answer on the page, after signing in.\nWhat you hear of: "
_PAGE: Final = "/account/notifications"
