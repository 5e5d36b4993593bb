"""The tokens with which identity providers write: made, ended, and recognised."""

import os
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from appliance.database.connection import current_connection, read_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity.changes import record
from appliance.identity.provisioning import events
from appliance.identity.provisioning.errors import ProvisioningTokenRefusedError, ProvisioningTokenUnknownError
from appliance.identity.provisioning.records import Caller, NewProvisioningToken, ProvisioningToken
from appliance.identity.provisioning.rules import check_terms, prepare_provider
from appliance.identity.sealing import RandomBytes, hashed
from appliance.identity.tokens import hash_of, new_token
from appliance.ledger.records import Actor

PREFIX: Final = "olp_"
_COLUMNS: Final = "id, provider, name, created_at, created_by, expires_at, revoked_at, last_used_at"
_CREATE: Final = f"""
INSERT INTO scim_token (id, token_hash, provider, name, created_at, created_by, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING {_COLUMNS}
"""  # noqa: S608 - constants only
_SEEN_EVERY: Final = timedelta(minutes=1)
_SEEN: Final = "UPDATE scim_token SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $3)"


async def create_token(
    actor: Actor, *, provider: str, name: str, days: int, now: datetime, random_bytes: RandomBytes = os.urandom
) -> NewProvisioningToken:
    """Make a token for a provider; those that it has already keep working.

    Raises:
        ProviderNameRefusedError, TokenTermsRefusedError: a term cannot be used.
    """
    provider, name = prepare_provider(provider), check_terms(name, days)
    token = new_token(PREFIX, random_bytes)
    async with transaction():
        row = await current_connection().fetchrow(
            _CREATE, uuid7(), hashed(token), provider, name, now, actor.id, now + timedelta(days=days)
        )
        made = _token(row)
        facts = {"provider": provider, "expires_at": made.expires_at.isoformat()}
        await record(actor, events.TOKEN_CREATED, _subject(made.id), now, facts=facts, personal={"name": name})
    return NewProvisioningToken(token=token, record=made)


async def revoke_token(actor: Actor, token_id: UUID, *, now: datetime) -> None:
    """End a token at once; what was written with it stays. Ending it twice changes nothing.

    Raises:
        ProvisioningTokenUnknownError: there is none.
    """
    async with transaction():
        connection = current_connection()
        row = await connection.fetchrow(
            "SELECT provider, revoked_at FROM scim_token WHERE id = $1 FOR UPDATE", token_id
        )
        if row is None:
            raise ProvisioningTokenUnknownError
        if row["revoked_at"] is not None:
            return
        await connection.execute("UPDATE scim_token SET revoked_at = $2 WHERE id = $1", token_id, now)
        facts = {"provider": row["provider"]}
        await record(actor, events.TOKEN_REVOKED, _subject(token_id), now, facts=facts)


async def tokens(*, limit: int = 50) -> list[ProvisioningToken]:
    """Tokens, newest first."""
    async with read_connection() as connection:
        rows = await connection.fetch(
            f"SELECT {_COLUMNS} FROM scim_token ORDER BY id DESC LIMIT $1",  # noqa: S608 - constants only
            limit,
        )
    return [_token(row) for row in rows]


async def authenticate(token: object, now: datetime) -> Caller:
    """Whose token it is; at most once a minute it is written down that it was used.

    Raises:
        ProvisioningTokenRefusedError: unknown, expired or revoked.
    """
    token_hash = hash_of(token, PREFIX)
    if token_hash is None:
        raise ProvisioningTokenRefusedError
    async with read_connection() as connection:
        row = await connection.fetchrow(
            "SELECT id, provider, last_used_at FROM scim_token "
            "WHERE token_hash = $1 AND revoked_at IS NULL AND expires_at > $2",
            token_hash,
            now,
        )
        if row is None:
            raise ProvisioningTokenRefusedError
        if row["last_used_at"] is None or row["last_used_at"] < now - _SEEN_EVERY:
            await connection.execute(_SEEN, row["id"], now, now - _SEEN_EVERY)
    return Caller(token_id=row["id"], provider=row["provider"])


def _token(row: Any) -> ProvisioningToken:  # noqa: ANN401 - asyncpg.Record has no types
    return ProvisioningToken(**{name: row[name] for name in ProvisioningToken.__struct_fields__})


def _subject(token_id: UUID) -> str:
    return f"scim_token:{token_id}"
