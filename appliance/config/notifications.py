"""Settings of notifications: what they may say, where they may go, and the mail server."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from appliance.config.secret import Secret

_HOSTS = {
    "expected": "a list of host names; *.example.org stands for every name below example.org, and example.org:8443"
    " for that port of it, where a name alone is for ports 443 of https and 80 of http"
}


class Notifications(msgspec.Struct, frozen=True, kw_only=True):
    """How people are told that something waits for them."""

    content: Annotated[
        Literal["none", "summary"],
        Meta(
            description="What a notification says: only that something waits, or also the masked summary of the ask."
            " Web Push is encrypted to the device; mail, chats and ntfy servers read what they carry."
        ),
    ] = "none"
    asks_per_hour: Annotated[
        int,
        Meta(
            description="Asks that one person is told of within an hour; then they hear once that there are many, and"
            " security hears of it too. The asks themselves wait as ever.",
            ge=1,
            le=1000,
        ),
    ] = 20
    web_push_hosts: Annotated[
        tuple[str, ...],
        Meta(description="Push services that browsers may name; empty turns Web Push off.", extra=_HOSTS),
    ] = (
        "fcm.googleapis.com",
        "updates.push.services.mozilla.com",
        "web.push.apple.com",
        "*.push.apple.com",
        "*.notify.windows.com",
    )
    ntfy_hosts: Annotated[
        tuple[str, ...],
        Meta(description="ntfy and UnifiedPush servers that people may choose; empty turns them off.", extra=_HOSTS),
    ] = ()
    private_hosts: Annotated[
        tuple[str, ...],
        Meta(
            description="Hosts of webhooks, chats, push and ntfy servers that may have a private or loopback address,"
            " also by plain http; all others must be public and https.",
            extra=_HOSTS,
        ),
    ] = ()
    ca_file: Annotated[
        Path | None,
        Meta(
            description="PEM file of the certificate authorities that private hosts are checked against, in place of"
            " the machine's own.",
            extra={"expected": "the path of a file"},
        ),
    ] = None
    contact: Annotated[
        str,
        Meta(
            description="Mail address that push services may write to if something is wrong with what we send (VAPID);"
            " empty tells them the public URL.",
            extra={"expected": "a mail address"},
        ),
    ] = ""
    attempts_max: Annotated[int, Meta(description="Attempts at one delivery before it is given up.", ge=1, le=50)] = 12
    webhook_hours: Annotated[
        int,
        Meta(
            description="Time after which an undelivered webhook is a dead letter, which an administrator can replay.",
            ge=1,
            le=168,
            extra={"unit": "hours"},
        ),
    ] = 24
    log_days: Annotated[
        int, Meta(description="How long the delivery log is kept.", ge=1, le=3650, extra={"unit": "days"})
    ] = 30


class Smtp(msgspec.Struct, frozen=True, kw_only=True):
    """The mail server that notifications are handed to."""

    host: Annotated[
        str,
        Meta(
            description="Name of the mail server; empty means that no mail is sent.",
            extra={"expected": "a host name or IP address"},
        ),
    ] = ""
    port: Annotated[int, Meta(description="TCP port of the mail server.", ge=1, le=65535)] = 587
    security: Annotated[
        Literal["starttls", "tls", "none"],
        Meta(
            description="How the connection is protected: STARTTLS is demanded, or TLS from the first byte; none is"
            " for a mail server on this machine alone."
        ),
    ] = "starttls"
    sender: Annotated[
        str,
        Meta(description="Address that mails come from; must be set with the host.", extra={"expected": "an address"}),
    ] = ""
    user: Annotated[
        str,
        Meta(
            description="Name to sign in to the mail server with; empty means without signing in.",
            extra={"expected": "a user name"},
        ),
    ] = ""
    password: Annotated[
        Secret | None, Meta(description="Password of that name.", extra={"unit": "", "expected": "a password"})
    ] = None
    ca_file: Annotated[
        Path | None,
        Meta(
            description="PEM file of the certificate authorities that the mail server is checked against, in place of"
            " the machine's own.",
            extra={"expected": "the path of a file"},
        ),
    ] = None
