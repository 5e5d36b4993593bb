"""The tables of the sealed owner; private to the feature."""

from piccolo.columns import UUID, Boolean, Bytea, Timestamptz, Varchar
from piccolo.table import Table


class SealedOwner(Table, tablename="sealed_owner"):
    """The one owner who waits behind glass; the migration lets there be no second row."""

    person = UUID(primary_key=True, default=None)
    password_hash = Varchar(length=256)  # argon2id in PHC string format
    token_hash = Bytea(null=True, default=None)  # null: the token has been used, and a new one is needed
    sealed_at = Timestamptz(default=None)
    opened_at = Timestamptz(default=None, null=True)
    open_until = Timestamptz(default=None, null=True)
    session = UUID(default=None, null=True)


class Unsealing(Table, tablename="unsealing"):
    """Somebody who had the sheet from the safe, and waits for a second person or for their own browser."""

    id = UUID(primary_key=True, default=None)
    token_hash = Bytea(unique=True)
    person = UUID(default=None)
    is_by_operator = Boolean(default=False)
    confirmed_by = Varchar(length=80, default="")
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None, index=True)
