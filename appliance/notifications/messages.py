"""What is said of a delivery: no content, unless the installation is set to send a summary of asks."""

import unicodedata
from datetime import datetime
from typing import Final

from appliance.approvals.records import Ask
from appliance.notifications.kinds import KINDS
from appliance.notifications.records import Kind, Message, Stored
from appliance.notifications.rules import severity_of

SUMMARY_MAX: Final = 200
_BODY: Final = "Open the page to read it."


def message_of(
    notice: Stored, origin: str, now: datetime, ask: Ask | None = None, *, is_summary_sent: bool = False
) -> Message:
    """The message; of `ask`, which it may be about, a summary is sent only where that is wanted."""
    telling = KINDS[notice.kind]
    path = telling.path.replace("{about}", str(notice.about or ""))
    return Message(
        id=str(notice.id),
        tag=notice.about or notice.id,
        kind=notice.kind,
        url=f"{origin}{path}",
        title=telling.title,
        body=_summary(ask) if ask is not None and is_summary_sent else _BODY,
        severity=severity_of(notice.kind, ask),
        occurred_at=notice.created_at,
        seconds_left=max(0, int((notice.expires_at - now).total_seconds())),
    )


def _summary(ask: Ask) -> str:
    """The masked summary with its agent; what has no shape or turns text around is left out, lines become one."""
    return _plain(f"{ask.agent}: {ask.summary}") or _BODY


def _plain(text: str) -> str:
    spaced = " ".join(text.split())
    kept = "".join(char for char in spaced if unicodedata.category(char)[0] != "C")
    return kept if len(kept) <= SUMMARY_MAX else kept[: SUMMARY_MAX - 1] + "\u2026"


def is_ask(kind: Kind) -> bool:
    """Whether a delivery of this kind is worth nothing once its ask has an answer."""
    return kind is Kind.ASK_OPENED
