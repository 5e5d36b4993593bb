"""Errands of browsers at a provider: begun here, taken back once, by the same browser, within ten minutes."""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from appliance.config.secret import Secret
from appliance.database.connection import current_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity.providers.errors import Cause, RefusedError
from appliance.identity.providers.records import Flow, Purpose
from appliance.identity.sealing import RandomBytes, Sealer, hashed
from appliance.identity.tokens import hash_of, new_token

LIFE: Final = timedelta(minutes=10)
BROWSER: Final = "olb_"
_STATE: Final = "olo_"
_BACK_MAX: Final = 2000
_INSERT: Final = """
INSERT INTO oidc_flow (id, state_hash, browser_hash, provider, purpose, nonce_hash, verifier_sealed, back, session,
  created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
_TAKE: Final = "DELETE FROM oidc_flow WHERE state_hash = $1 AND provider = $2 RETURNING *"


class Errand(msgspec.Struct, frozen=True, kw_only=True):
    """What the browser is sent to the provider with; told only now.

    Attributes:
        challenge: S256 of the verifier, which stays here (RFC 7636 section 4.2).
    """

    state: str
    nonce: str
    challenge: str
    browser: str
    expires_at: datetime


class Flows:
    """The errands of this installation."""

    def __init__(self, sealer: Sealer, random_bytes: RandomBytes) -> None:
        """`sealer` is for this use alone."""
        self._sealer = sealer
        self._random_bytes = random_bytes

    async def begin(
        self,
        provider: str,
        purpose: Purpose,
        now: datetime,
        *,
        browser: str | None = None,
        back: str = "/",
        session_id: UUID | None = None,
    ) -> Errand:
        """Send a browser off; one that has an errand under way keeps its cookie, so that two tabs both come back."""
        bound = browser if browser is not None and hash_of(browser, BROWSER) else new_token(BROWSER, self._random_bytes)
        state, nonce = new_token(_STATE, self._random_bytes), new_token("", self._random_bytes)
        verifier = new_token("", self._random_bytes)
        flow_id, expires_at = uuid7(), now + LIFE
        async with transaction():
            await current_connection().execute(
                _INSERT, flow_id, hashed(state), hashed(bound), provider, purpose.value, hashed(nonce),
                self._sealer.seal(verifier, _place(flow_id)), back if len(back) <= _BACK_MAX else "/", session_id,
                now, expires_at,
            )  # fmt: skip
        return Errand(state=state, nonce=nonce, challenge=challenge_of(verifier), browser=bound, expires_at=expires_at)

    async def take(self, provider: str, state: str, browser: str | None, now: datetime) -> Flow:
        """Take the errand back; whatever comes of this, nobody takes it again.

        Raises:
            RefusedError: unknown, taken before, over, or begun in another browser.
        """
        state_hash = hash_of(state, _STATE)
        if state_hash is None:
            raise RefusedError(Cause.FLOW_UNKNOWN)
        async with transaction():
            row = await current_connection().fetchrow(_TAKE, state_hash, provider)
        if row is None or row["expires_at"] <= now:
            raise RefusedError(Cause.FLOW_UNKNOWN)
        browser_hash = hash_of(browser, BROWSER) or b""
        if not hmac.compare_digest(browser_hash, row["browser_hash"]):
            raise RefusedError(Cause.OTHER_BROWSER)
        return Flow(
            id=row["id"],
            provider=provider,
            purpose=Purpose(row["purpose"]),
            nonce_hash=row["nonce_hash"],
            verifier=Secret(self._sealer.open(row["verifier_sealed"], _place(row["id"]))),
            back=row["back"],
            session_id=row["session"],
            created_at=row["created_at"],
        )


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636 section 4.2); `plain` is never used."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).decode("ascii").rstrip("=")


def _place(flow_id: UUID) -> str:
    return f"oidc_flow/{flow_id}"
