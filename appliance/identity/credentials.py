"""Passwords, authenticators and recovery codes as they are stored, and their use exactly once."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec

from appliance.database.connection import current_connection, read_connection
from appliance.database.identifiers import uuid7
from appliance.identity.sealing import Sealer, hashed
from appliance.ledger.records import Actor, ActorKind


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What sign-in needs to know of a person; the last three are None until a link was claimed."""

    person_id: UUID
    display_name: str
    email: str
    is_disabled: bool
    password_hash: str | None
    totp_sealed: bytes | None
    totp_last_step: int | None

    @property
    def actor(self) -> Actor:
        """The person, once they have proved to be it."""
        return Actor(kind=ActorKind.PERSON, id=str(self.person_id), name=f"{self.display_name} <{self.email}>")


async def find_account(email: str) -> Account | None:
    """The account with this address, which is in its prepared form."""
    async with read_connection() as connection:
        row = await connection.fetchrow(
            "SELECT p.id AS person_id, p.display_name, p.email, p.is_disabled OR p.is_sealed AS is_disabled, "
            "c.password_hash, c.totp_sealed, c.totp_last_step "
            "FROM person p LEFT JOIN local_credential c ON c.person = p.id WHERE p.email = $1",
            email,
        )
    return None if row is None else Account(**dict(row))


async def store_credential(
    sealer: Sealer,
    person_id: UUID,
    password_hash: str,
    secret: str,
    step: int,
    recovery_codes: Iterable[str],
    now: datetime,
) -> None:
    """Give a person a credential inside the running transaction; `step` is the time step of the code just used."""
    connection = current_connection()
    await connection.execute("DELETE FROM local_credential WHERE person = $1", person_id)
    await connection.execute("DELETE FROM recovery_code WHERE person = $1", person_id)
    await connection.execute(
        "INSERT INTO local_credential (id, person, password_hash, totp_sealed, totp_last_step, created_at) "
        "VALUES ($1, $2, $3, $4, $5, $6)",
        uuid7(), person_id, password_hash, sealer.seal(secret, place_of(person_id)), step, now,
    )  # fmt: skip
    rows = [(uuid7(), person_id, hashed(code)) for code in recovery_codes]
    await connection.executemany("INSERT INTO recovery_code (id, person, code_hash) VALUES ($1, $2, $3)", rows)


async def lock_unchanged(account: Account) -> bool:
    """Whether the account is still as it was checked; nobody changes it before the running transaction ends."""
    connection = current_connection()
    await connection.execute("SELECT 1 FROM person WHERE id = $1 FOR UPDATE", account.person_id)
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM person p JOIN local_credential c ON c.person = p.id "
        "WHERE p.id = $1 AND NOT (p.is_disabled OR p.is_sealed) AND c.password_hash = $2)",
        account.person_id,
        account.password_hash,
    )
    return found


async def spend_step(person_id: UUID, step: int) -> bool:
    """Use an authenticator's code inside the running transaction; False if it, or a newer one, was used before."""
    status: str = await current_connection().execute(
        "UPDATE local_credential SET totp_last_step = $2 WHERE person = $1 AND totp_last_step < $2", person_id, step
    )
    return status == "UPDATE 1"


async def spend_recovery_code(person_id: UUID, code: str) -> bool:
    """Use a recovery code inside the running transaction; False if there is no such code any more."""
    status: str = await current_connection().execute(
        "DELETE FROM recovery_code WHERE person = $1 AND code_hash = $2", person_id, hashed(code)
    )
    return status == "DELETE 1"


async def renew_hash(person_id: UUID, password_hash: str) -> None:
    """Store the same password's hash at today's cost, inside the running transaction."""
    await current_connection().execute(
        "UPDATE local_credential SET password_hash = $2 WHERE person = $1", person_id, password_hash
    )


def place_of(person_id: UUID) -> str:
    """What a person's sealed authenticator secret is bound to."""
    return f"credential:{person_id}"
