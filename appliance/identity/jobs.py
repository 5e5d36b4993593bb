"""What identity does on a schedule."""

from datetime import datetime, timedelta
from typing import Final

from appliance.clock import Clock
from appliance.database.connection import current_connection
from appliance.database.transaction import transaction
from appliance.identity.service import Identity
from appliance.job import Job

# Longer than the longest wait and the slowest forgiving of `allowance`, so that no count is dropped while it matters.
THROTTLE_KEPT: Final = timedelta(days=1)
_SESSIONS: Final = """
DELETE FROM session WHERE expires_at <= $1 OR (kind = 'browser' AND last_seen_at <= $2)
  OR (kind = 'device' AND last_seen_at <= $3)
"""
_KEPT_ACTS: Final = "DELETE FROM kept_act WHERE expires_at <= $1"
_CLAIMS: Final = "DELETE FROM pending_claim WHERE expires_at <= $1"
# Whoever has chosen a password in time may finish, so the link stays as long as its claim.
_LINKS: Final = """
DELETE FROM sign_up_link l
WHERE expires_at <= $1 AND NOT EXISTS (SELECT FROM pending_claim c WHERE c.link = l.id)
"""
_THROTTLE: Final = """
DELETE FROM sign_in_throttle WHERE last_at <= $1 AND (blocked_until IS NULL OR blocked_until <= $1)
"""


def jobs(identity: Identity, clock: Clock) -> tuple[Job, ...]:
    """Rows whose time is over are refused anyway; this keeps them from piling up."""

    async def delete_expired_rows() -> None:
        await delete_expired(identity, clock())

    return (Job(name="identity.delete_expired", run=delete_expired_rows, every_seconds=300.0),)


async def delete_expired(identity: Identity, now: datetime) -> None:
    """Delete ended sessions, claims and links, and counts of attempts long ago."""
    idle_since = now - timedelta(minutes=identity.limits.session_idle_minutes)
    unused_since = now - timedelta(days=identity.limits.device_idle_days)
    async with transaction():
        connection = current_connection()
        await connection.execute(_SESSIONS, now, idle_since, unused_since)
        await connection.execute(_KEPT_ACTS, now)
        await connection.execute(_CLAIMS, now)
        await connection.execute(_LINKS, now)
        await connection.execute(_THROTTLE, now - THROTTLE_KEPT)
