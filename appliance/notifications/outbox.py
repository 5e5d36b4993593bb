"""The outbox: what happens is written here in its own commit, so that nothing is told that did not happen."""

from typing import Final

from appliance.database.connection import current_connection
from appliance.database.identifiers import uuid7
from appliance.notifications.records import Notice

_TELL: Final = """
INSERT INTO notification (id, kind, about, name, person, destination, once, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, nullif($7, ''), $8, $9) ON CONFLICT (once) WHERE once IS NOT NULL DO NOTHING
"""


async def tell(notice: Notice) -> None:
    """Let people hear of it once the running transaction has committed; the scheduler's leader sees to that.

    Raises:
        RuntimeError: no transaction is running.
    """
    await current_connection().execute(
        _TELL, uuid7(), notice.kind.value, notice.about, notice.name, notice.person, notice.destination, notice.once,
        notice.created_at, notice.expires_at,
    )  # fmt: skip
