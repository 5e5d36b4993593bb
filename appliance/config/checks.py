"""Rules of single settings that a range or a pattern cannot say, and rules between settings."""

import math
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from typing import Any, Final
from urllib.parse import urlsplit

from appliance.config.backups_checks import BACKUPS_CHECKS, across_backups
from appliance.config.notification_checks import NOTIFICATION_CHECKS, across_notifications
from appliance.config.origin import is_host, normalised_origin, origin_of
from appliance.config.secret import Secret
from appliance.config.sections import Config
from appliance.config.sign_in_checks import SIGN_IN_CHECKS, across_sign_in
from appliance.config.updates import UPDATE_CHECKS, across_updates

_NAME_MAX: Final = 100
_ANY_ADDRESS: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - refused as a public name, not listened on


def _host(value: str) -> None:
    if not is_host(value):
        raise ValueError("is not a host name or an IP address")


def _public_url(value: str) -> None:
    if value:
        normalised_origin(value)


def _organization_name(value: str) -> None:
    # The Key URI of authenticators separates the name from the account by a colon.
    if len(value) > _NAME_MAX or ":" in value or not value.isprintable() or value != value.strip():
        raise ValueError("is longer than 100 characters, or holds a colon, spaces around it, or what cannot be seen")


def _networks(value: tuple[str, ...]) -> None:
    for text in value:
        try:
            network = ip_network(text)
        except ValueError:
            raise ValueError(f"holds {text!r}, which is not a network such as 10.1.0.0/16") from None
        if network.prefixlen == 0:
            raise ValueError(f"holds {text!r}, the whole address space: everyone could forge addresses")


def _database_url(value: Secret) -> None:
    try:
        scheme = urlsplit(value.reveal()).scheme
    except ValueError:
        scheme = ""
    if scheme not in ("postgresql", "postgres"):
        raise ValueError("is not a postgresql:// URL")


def _directory(value: object) -> None:
    if str(value) in ("", "."):
        raise ValueError("is empty or the working directory itself")


CHECKS: Final[Mapping[str, Callable[[Any], None]]] = {
    "server.host": _host,
    "server.public_url": _public_url,
    "server.trusted_proxies": _networks,
    "organization.name": _organization_name,
    "database.owner_url": _database_url,
    "database.service_url": _database_url,
    "database.retention_url": _database_url,
    "database.replication_url": _database_url,
    "state.directory": _directory,
    **SIGN_IN_CHECKS,
    **NOTIFICATION_CHECKS,
    **UPDATE_CHECKS,
    **BACKUPS_CHECKS,
}


def check(key: str, value: Any) -> None:  # noqa: ANN401 - a value of any setting's type
    """Check one converted value; `key` is its setting's `rule`.

    Raises:
        ValueError: with what is wrong; never holds a secret.
    """
    if value is not None and key in CHECKS:
        CHECKS[key](value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("is not a finite number")


def across(config: Config) -> dict[str, str]:
    """What is wrong between settings that are fine alone: dotted key to message."""
    wrong: dict[str, str] = {}
    server, hooks = config.server, config.hooks
    if not server.public_url:
        if server.host in _ANY_ADDRESS:
            wrong["server.public_url"] = f"must be set, because {server.host} is no address that people can open"
        else:
            try:
                origin_of("http", server.host, server.port)
            except ValueError:
                wrong["server.public_url"] = f"must be set to an https:// origin, because {server.host} is not loopback"
    if hooks.decision_timeout_seconds > hooks.hold_seconds:
        wrong["hooks.decision_timeout_seconds"] = f"must not be above hooks.hold_seconds ({hooks.hold_seconds:g})"
    wrong |= across_sign_in(config) | across_notifications(config)
    return wrong | across_updates(config.updates) | across_backups(config.backups)
