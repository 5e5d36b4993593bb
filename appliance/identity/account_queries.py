"""Accounts of sources as they are read, and what a source says of somebody in the form that is stored."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from appliance.database.connection import read_connection
from appliance.identity.errors import AccountKeyRefusedError, EmailRefusedError, NameRefusedError
from appliance.identity.records import Source
from appliance.identity.rules import NAME_MAX, prepare_email, prepare_name, shown

KEY_MAX: Final = 255
USER_NAME_MAX: Final = 400
_COLUMNS: Final = "id, source, key, person AS person_id, user_name, is_disabled, seen_at, spared_at"


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What a source says of somebody.

    Attributes:
        key: what never changes there: entryUUID or objectGUID as lower-case UUID text, OIDC subject, SCIM id.
        email: empty if the source has none.
    """

    key: str
    user_name: str
    display_name: str
    email: str


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody as a source knows them.

    Attributes:
        is_disabled: the source does not want them in; that is the person's whole state, other accounts included.
        seen_at: when the source last vouched for them.
        spared_at: since when the source would disable the last owner; None for anybody else.
    """

    id: UUID
    source: Source
    key: str
    person_id: UUID
    user_name: str
    is_disabled: bool
    seen_at: datetime
    spared_at: datetime | None = None


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A profile in the form that is stored; the address is None if there is none that could be."""

    key: str
    user_name: str
    display_name: str
    email: str | None


def prepared(profile: Profile) -> Prepared:
    """The stored form; what a source gets wrong of names and addresses must keep nobody out.

    Raises:
        AccountKeyRefusedError: a key that cannot be stored as it is; to change it could make two people one.
    """
    if not is_key(profile.key):
        raise AccountKeyRefusedError
    try:
        email = prepare_email(profile.email) if profile.email else None
    except EmailRefusedError:
        email = None
    user_name = shown(profile.user_name, USER_NAME_MAX).strip() or profile.key
    try:
        name = prepare_name(profile.display_name)
    except NameRefusedError:
        name = shown(profile.display_name, NAME_MAX).strip() or user_name[:NAME_MAX]
    return Prepared(key=profile.key, user_name=user_name, display_name=name, email=email)


def is_key(text: str) -> bool:
    """Whether an account can have this key (OpenID Connect Core 1.0, 2: a subject has at most 255 characters)."""
    return 0 < len(text) <= KEY_MAX and text.isprintable()


async def find_account(source: Source, key: str) -> Account | None:
    """The account of this key; None if there is none."""
    found = await accounts_with(source, (key,))
    return found[0] if found else None


async def accounts_with(source: Source, keys: Collection[str]) -> tuple[Account, ...]:
    """The accounts of these keys, as far as there are any."""
    async with read_connection() as connection:
        rows = await connection.fetch(
            f"SELECT {_COLUMNS} FROM external_account WHERE source = $1 AND key = ANY($2)",  # noqa: S608 - a constant
            str(source),
            [key for key in keys if is_key(key)],
        )
    return tuple(_account(row) for row in rows)


async def accounts_of(source: Source) -> tuple[Account, ...]:
    """Every account of a source, by key."""
    async with read_connection() as connection:
        rows = await connection.fetch(
            f"SELECT {_COLUMNS} FROM external_account WHERE source = $1 ORDER BY key",  # noqa: S608 - a constant
            str(source),
        )
    return tuple(_account(row) for row in rows)


async def accounts_of_person(person_id: UUID) -> tuple[Account, ...]:
    """Every account of a person, by source."""
    async with read_connection() as connection:
        rows = await connection.fetch(
            f"SELECT {_COLUMNS} FROM external_account WHERE person = $1 ORDER BY source, key",  # noqa: S608 - a constant
            person_id,
        )
    return tuple(_account(row) for row in rows)


def _account(row: Any) -> Account:  # noqa: ANN401 - asyncpg.Record has no types
    return Account(**{**dict(row), "source": Source.of(row["source"])})
