"""Rules of the section of backups that a range or a pattern cannot say."""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from appliance.config.backups import Backups

_RECIPIENT: Final = re.compile(r"age1[02-9ac-hj-np-z]{58}\Z")
_FIELDS: Final = (("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12))
_DAY: Final = "(?:mon|tue|wed|thu|fri|sat|sun)"
_DAYS: Final = re.compile(rf"(?:\*|{_DAY}(?:-{_DAY})?(?:,{_DAY}(?:-{_DAY})?)*)\Z")
_NUMBERS: Final = re.compile(r"(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?\Z")
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")


def _store(value: str) -> None:
    if not value:
        return
    try:
        parts = urlsplit(value)
    except ValueError:
        raise ValueError("is no address of a store") from None
    if parts.scheme == "file" and parts.path.startswith("/") and len(parts.path) > 1 and not parts.netloc:
        return
    if parts.scheme == "s3" and _BUCKET.match(parts.netloc) and not parts.query:
        return
    raise ValueError("is neither s3://BUCKET/PREFIX nor file:///DIRECTORY")


def _recipients(value: tuple[str, ...]) -> None:
    for key in value:
        if key.upper().startswith("AGE-SECRET-KEY"):
            raise ValueError(
                "holds a private key: only the public one (age1…) belongs here, the private one into a safe"
            )
        if not _RECIPIENT.match(key):
            raise ValueError(f"holds {key[:20]!r}, which is no public key of age")


def _endpoint(value: str) -> None:
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query):
        raise ValueError("is no address such as https://s3.example.org")


def _cron(value: str) -> None:
    if not value:
        return
    fields = value.split()
    if len(fields) != len(_FIELDS) + 1:
        raise ValueError("has not five fields: minute, hour, day of month, month, day of week")
    for text, (name, least, most) in zip(fields, _FIELDS, strict=False):
        for each in text.split(","):
            _numbers(each, name, least, most)
    if not _DAYS.match(fields[-1]):
        raise ValueError(f"has {fields[-1]!r} for the day of the week; write names, such as sun or mon-fri")


def _numbers(text: str, name: str, least: int, most: int) -> None:
    found = _NUMBERS.match(text)
    numbers = [int(number) for number in (found.groups()[:2] if found else ()) if number]
    step = int(found.group(3) or 1) if found else 0
    if not step or any(not least <= number <= most for number in numbers) or numbers != sorted(numbers):
        raise ValueError(f"has {text!r} for the {name}, which is not within {least} to {most}")


def _full(value: str) -> None:
    if not value:
        raise ValueError("is empty; without full backups there are no others")
    _cron(value)


def _zone(value: str) -> None:
    try:
        ZoneInfo(value)
    except (OSError, ValueError, ZoneInfoNotFoundError):
        raise ValueError(f"{value!r} is no time zone such as Europe/Berlin") from None


BACKUPS_CHECKS: Final[Mapping[str, Callable[[Any], None]]] = {
    "backups.store": _store,
    "backups.recipients": _recipients,
    "backups.s3_endpoint": _endpoint,
    "backups.full_schedule": _full,
    "backups.incremental_schedule": _cron,
    "backups.time_zone": _zone,
}


def across_backups(settings: "Backups") -> dict[str, str]:
    """What is wrong between the settings of backups: dotted key to message."""
    wrong: dict[str, str] = {}
    if settings.store and len(set(settings.recipients)) < 2:  # noqa: PLR2004 - one in use and one in a safe
        wrong["backups.recipients"] = "names fewer than two keys: if one is lost, every backup is"
    for one, other in (("s3_access_key", "s3_secret_key"), ("s3_prune_access_key", "s3_prune_secret_key")):
        if (getattr(settings, one) is None) != (getattr(settings, other) is None):
            wrong[f"backups.{one}"] = f"goes together with {other}"
    return wrong
