"""The tables of agents; private to the feature. Tokens are stored as SHA-256 of 256 random bits."""

from piccolo.columns import UUID, Array, Bytea, Integer, Text, Timestamptz, Varchar
from piccolo.table import Table


class DeploymentTokenRow(Table, tablename="deployment_token"):
    """A token with which machines enrol."""

    id = UUID(primary_key=True, default=None)
    token_hash = Bytea(unique=True)
    name = Varchar(length=100)
    email_domains = Array(base_column=Text(), default=list)
    default_email = Varchar(length=254, default="")
    max_uses = Integer(default=None, null=True)
    uses = Integer(default=0)
    created_at = Timestamptz(default=None)
    created_by = Varchar(length=64)
    expires_at = Timestamptz(default=None)
    revoked_at = Timestamptz(default=None, null=True)


class MachineRow(Table, tablename="machine"):
    """An enrolled machine; the person is known by identifier, or looked up by address until then."""

    id = UUID(primary_key=True, default=None)
    token_hash = Bytea(unique=True)
    deployment_token_id = UUID(default=None, null=True, index=True)  # null: enrolled by somebody who was signed in
    hostname = Varchar(length=255)
    platform = Varchar(length=64)
    os_release = Varchar(length=128)
    client_version = Varchar(length=64, default="")
    mode = Varchar(length=32, default="")
    email = Varchar(length=254, default="")
    display_name = Varchar(length=200, default="")
    person_id = UUID(default=None, null=True, index=True)
    enrolled_at = Timestamptz(default=None)
    last_seen_at = Timestamptz(default=None, null=True)
    revoked_at = Timestamptz(default=None, null=True)
