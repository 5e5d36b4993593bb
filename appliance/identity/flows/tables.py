"""The tables of apps' sign-in; private to the feature. Flows and codes are stored as SHA-256 of 256 random bits."""

from piccolo.columns import UUID, Bytea, Timestamptz, Varchar
from piccolo.table import Table


class AppFlow(Table, tablename="app_flow"):
    """An app's sign-in that waits for its browser; deleted when it is finished, given up, or ten minutes old."""

    id = UUID(primary_key=True, default=None)
    token_hash = Bytea(unique=True)
    redirect_uri = Varchar(length=200)
    state = Varchar(length=512, default="")
    challenge = Varchar(length=43, default="")
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None, index=True)


class AppCode(Table, tablename="app_code"):
    """A code for an app; one that was used is kept for a day, so that a second use is seen."""

    id = UUID(primary_key=True, default=None)
    code_hash = Bytea(unique=True)
    person = UUID(default=None, index=True)
    challenge = Varchar(length=43, default="")
    device_name = Varchar(length=100, default="")
    issued_by = UUID(default=None, null=True)  # the browser's session; a code ends with it
    session = UUID(default=None, null=True)  # the one that it gave; it may have ended since
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None, index=True)
    used_at = Timestamptz(default=None, null=True)
