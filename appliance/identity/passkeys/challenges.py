"""Questions put to browsers: single use, five minutes, and answered by the browser that was asked."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from appliance.database.connection import current_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity.passkeys.errors import Cause, RefusedError
from appliance.identity.passkeys.records import Challenge, Purpose
from appliance.identity.sealing import RandomBytes, hashed
from appliance.identity.tokens import hash_of, new_token

BROWSER: Final = "olk_"
LIFE: Final = timedelta(minutes=5)
_CHALLENGE_BYTES: Final = 32  # WebAuthn Level 3, section 13.4.3: at least 16


async def ask(
    purpose: Purpose, session: UUID | None, random_bytes: RandomBytes, now: datetime
) -> tuple[bytes, str, datetime]:
    """A new question: the challenge, the browser's token, and when both end."""
    challenge, browser = random_bytes(_CHALLENGE_BYTES), new_token(BROWSER, random_bytes)
    expires_at = now + LIFE
    async with transaction():
        await current_connection().execute(
            "INSERT INTO passkey_challenge (id, browser_hash, challenge, purpose, session, expires_at) "
            "VALUES ($1, $2, $3, $4, $5, $6)",
            uuid7(), hashed(browser), challenge, purpose.value, session, expires_at,
        )  # fmt: skip
    return challenge, browser, expires_at


async def take(browser: object, purposes: frozenset[Purpose], session: UUID | None, now: datetime) -> Challenge:
    """The question that the browser was asked; it is gone afterwards, whatever the answer is worth.

    Raises:
        RefusedError: this browser, or this session, has no such question (any more).
    """
    browser_hash = hash_of(browser, BROWSER)
    if browser_hash is None:
        raise RefusedError(Cause.CHALLENGE_UNKNOWN)
    async with transaction():
        row = await current_connection().fetchrow(
            "DELETE FROM passkey_challenge WHERE browser_hash = $1 RETURNING challenge, purpose, session, expires_at",
            browser_hash,
        )
    if row is None or row["expires_at"] <= now or row["session"] != session or row["purpose"] not in purposes:
        raise RefusedError(Cause.CHALLENGE_UNKNOWN)
    return Challenge(challenge=row["challenge"], purpose=Purpose(row["purpose"]), session=row["session"])


async def delete_expired(now: datetime) -> None:
    """Delete questions that nobody can answer any more."""
    async with transaction():
        await current_connection().execute("DELETE FROM passkey_challenge WHERE expires_at <= $1", now)
