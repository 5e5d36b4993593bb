"""What ties a session here to one at the provider: for the way out, and for the provider's word that it is over."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from appliance.database.connection import current_connection, read_connection
from appliance.identity.changes import announce
from appliance.identity.providers.errors import Cause, RefusedError
from appliance.identity.providers.records import Claims
from appliance.identity.sealing import KeyedHash, Sealer

_INSERT: Final = """
INSERT INTO oidc_session (session, provider, subject_hash, provider_session_hash, id_token_sealed)
VALUES ($1, $2, $3, $4, $5)
"""
# The ID token is of the browser's session alone: an app is never sent to the provider with it.
_INHERIT: Final = """
INSERT INTO oidc_session (session, provider, subject_hash, provider_session_hash, id_token_sealed)
SELECT $2, provider, subject_hash, provider_session_hash, '' FROM oidc_session WHERE session = $1
"""
_FIND: Final = "SELECT provider, id_token_sealed FROM oidc_session WHERE session = $1 AND id_token_sealed <> ''"
# A session whose ID token named none at the provider is ended by the person's name.
_END: Final = """
DELETE FROM session s USING oidc_session o
WHERE o.session = s.id AND o.provider = $1 AND (
  o.provider_session_hash = $2 OR (($2::bytea IS NULL OR o.provider_session_hash IS NULL) AND o.subject_hash = $3))
RETURNING s.id, s.person
"""
_USE: Final = """
INSERT INTO oidc_logout_token (token_hash, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1
"""


class ProviderSessions:
    """The sessions that began at a provider."""

    def __init__(self, sealer: Sealer, hashing: KeyedHash) -> None:
        """Both are for this use alone."""
        self._sealer = sealer
        self._hashing = hashing

    async def keep(self, session_id: UUID, provider: str, claims: Claims) -> None:
        """Remember, inside the running transaction, where a new session began."""
        sealed = self._sealer.seal(claims.id_token.reveal(), _place(session_id))
        await current_connection().execute(
            _INSERT, session_id, provider, self._hashing.of("subject", provider, claims.subject),
            self._session_hash(provider, claims.session), sealed,
        )  # fmt: skip

    async def find(self, session_id: UUID) -> tuple[str, str] | None:
        """Provider and ID token of a session; None if it did not begin at one."""
        async with read_connection() as connection:
            row = await connection.fetchrow(_FIND, session_id)
        if row is None:
            return None
        return row["provider"], self._sealer.open(row["id_token_sealed"], _place(session_id))

    async def end(self, provider: str, claims: Mapping[str, Any]) -> tuple[UUID, ...]:
        """End, inside the running transaction, what a checked logout token means; whose sessions they were.

        Sessions of apps that such a session has let in are among them.
        """
        subject, rows = claims.get("sub"), list[Any]()
        meant = (
            provider, self._session_hash(provider, claims.get("sid", "")),
            self._hashing.of("subject", provider, subject) if subject else None,
        )  # fmt: skip
        # Again until there is none: an app may have been let in while this waited for the session that did so.
        while found := await current_connection().fetch(_END, *meant):
            rows += found
        for person_id in {row["person"] for row in rows}:
            await announce(person_id)
        return tuple(row["person"] for row in rows)

    async def use_up(self, provider: str, token_id: str, now: datetime, kept: timedelta) -> None:
        """Take a logout token, inside the running transaction, so that nobody takes it again.

        Raises:
            RefusedError: it was taken before.
        """
        token_hash = self._hashing.of("logout", provider, token_id)
        if await current_connection().fetchval(_USE, token_hash, now + kept) is None:
            raise RefusedError(Cause.USED_BEFORE)

    def _session_hash(self, provider: str, session: str) -> bytes | None:
        return self._hashing.of("session", provider, session) if session else None


async def pass_on(issuer: UUID, session_id: UUID) -> None:
    """Tie, inside the running transaction, an app's new session to where the session began that let it in, if anywhere.

    The issuer's session is locked by the caller: it ends either before this or with what it has passed on.
    """
    await current_connection().execute(_INHERIT, issuer, session_id)


def _place(session_id: UUID) -> str:
    return f"oidc_session/{session_id}"
