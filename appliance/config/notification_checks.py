"""Rules of the settings of notifications that a range or a pattern cannot say."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from appliance.config.origin import host_and_port, is_host, is_loopback
from appliance.config.sections import Config

_PORT_MAX: Final = 65_535
_ADDRESS: Final = re.compile(r"[^\s@<>\"(),:;\\]{1,64}@[^\s@<>]{1,255}")


def _hosts(value: tuple[str, ...]) -> None:
    for each in value:
        host, port = host_and_port(each)
        is_port = port is None or 0 < port <= _PORT_MAX
        if not is_host(host.removeprefix("*.")) or not is_port or each != each.lower():
            raise ValueError(f"holds {each!r}, which is not a host name in lower case")


def _host(value: str) -> None:
    if value and not is_host(value):
        raise ValueError("is not a host name or an IP address")


def _address(value: str) -> None:
    if value and not (_ADDRESS.fullmatch(value) and value.isprintable() and value.isascii()):
        raise ValueError("is not a mail address")


def _file(value: Path) -> None:
    try:
        with value.open("rb"):
            pass
    except OSError as error:
        raise ValueError(f"names a file that cannot be read: {value}: {error.strerror}") from None


NOTIFICATION_CHECKS: Final[Mapping[str, Callable[[Any], None]]] = {
    "notifications.web_push_hosts": _hosts,
    "notifications.ntfy_hosts": _hosts,
    "notifications.private_hosts": _hosts,
    "notifications.ca_file": _file,
    "notifications.contact": _address,
    "smtp.host": _host,
    "smtp.sender": _address,
    "smtp.ca_file": _file,
}


def across_notifications(config: Config) -> dict[str, str]:
    """What is wrong between settings that are fine alone: dotted key to message."""
    return dict(_wrong(config))


def _wrong(config: Config) -> Iterator[tuple[str, str]]:
    smtp = config.smtp
    if smtp.host and not smtp.sender:
        yield "smtp.sender", "must be set, because smtp.host is"
    if smtp.host and smtp.security == "none" and not is_loopback(smtp.host):
        yield "smtp.security", f"must be starttls or tls, because {smtp.host} is not this machine"
    if bool(smtp.user) != (smtp.password is not None):
        yield "smtp.password", "must be set together with smtp.user"
