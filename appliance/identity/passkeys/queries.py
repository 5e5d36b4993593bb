"""Reading and writing passkeys."""

from datetime import datetime
from uuid import UUID

import asyncpg

from appliance.database.connection import current_connection, read_connection
from appliance.database.identifiers import uuid7
from appliance.identity.passkeys.errors import PasskeyTakenError
from appliance.identity.passkeys.records import Passkey, Registered, StoredKey


async def passkeys_of(person: UUID) -> tuple[Passkey, ...]:
    """A person's passkeys, the oldest first."""
    async with read_connection() as connection:
        rows = await connection.fetch(
            "SELECT id, name, is_synced, created_at, last_used_at FROM passkey WHERE person = $1 ORDER BY id", person
        )
    return tuple(Passkey(**dict(row)) for row in rows)


async def credential_ids_of(person: UUID) -> tuple[bytes, ...]:
    """How a person's devices call their passkeys."""
    async with read_connection() as connection:
        rows = await connection.fetch("SELECT credential_id FROM passkey WHERE person = $1 ORDER BY id", person)
    return tuple(row["credential_id"] for row in rows)


async def find_key(credential_id: bytes) -> StoredKey | None:
    """The passkey that a device calls so."""
    async with read_connection() as connection:
        row = await connection.fetchrow(
            "SELECT id, person AS person_id, credential_id, public_key FROM passkey WHERE credential_id = $1",
            credential_id,
        )
    return None if row is None else StoredKey(**dict(row))


async def store(person: UUID, key: Registered, name: str, now: datetime) -> UUID:
    """Add a passkey inside the running transaction.

    Raises:
        PasskeyTakenError: the device calls another one so, of anybody.
    """
    passkey_id = uuid7()
    try:
        async with current_connection().transaction():
            await current_connection().execute(
                "INSERT INTO passkey (id, person, credential_id, public_key, sign_count, name, is_synced, created_at) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                passkey_id, person, key.credential_id, key.public_key, key.sign_count, name, key.is_synced, now,
            )  # fmt: skip
    except asyncpg.UniqueViolationError as problem:
        raise PasskeyTakenError from problem
    return passkey_id


async def count_use(key: StoredKey, sign_count: int, now: datetime) -> bool:
    """Note a use inside the running transaction; False if the device's counter did not go on.

    WebAuthn Level 3, section 6.1.1: a counter that stands still or goes back can mean that the key was copied. Devices
    that count nothing always say 0.
    """
    status: str = await current_connection().execute(
        "UPDATE passkey SET sign_count = $2, last_used_at = $3 "
        "WHERE id = $1 AND (sign_count < $2 OR (sign_count = 0 AND $2 = 0))",
        key.id,
        sign_count,
        now,
    )
    return status == "UPDATE 1"


async def delete(person: UUID, passkey_id: UUID) -> bool:
    """Remove a person's passkey inside the running transaction; False if there is none."""
    status: str = await current_connection().execute(
        "DELETE FROM passkey WHERE id = $1 AND person = $2", passkey_id, person
    )
    return status == "DELETE 1"
