"""The tables of passkeys; private to the feature. Of secrets there are none: the private halves stay with people."""

from piccolo.columns import UUID, BigInt, Boolean, Bytea, Timestamptz, Varchar
from piccolo.table import Table


class PasskeyRow(Table, tablename="passkey"):
    """One passkey of one person; deleted with the person's credential, by the migration's foreign key."""

    id = UUID(primary_key=True, default=None)
    person = UUID(default=None, index=True)
    credential_id = Bytea(unique=True)
    public_key = Bytea()  # COSE (RFC 9052)
    sign_count = BigInt(default=0)
    name = Varchar(length=100)
    is_synced = Boolean(default=False)  # its maker keeps a copy that other devices of the person use
    created_at = Timestamptz(default=None)
    last_used_at = Timestamptz(default=None, null=True)


class PasskeyChallenge(Table, tablename="passkey_challenge"):
    """A question put to a browser; deleted when it is answered, or five minutes old."""

    id = UUID(primary_key=True, default=None)
    browser_hash = Bytea(unique=True)
    challenge = Bytea()
    purpose = Varchar(length=16)
    session = UUID(default=None, null=True)
    expires_at = Timestamptz(default=None, index=True)
