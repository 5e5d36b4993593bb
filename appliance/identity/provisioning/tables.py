"""The tables of provisioning; private to the feature. Tokens are stored as SHA-256 of 256 random bits."""

from piccolo.columns import JSONB, UUID, BigInt, Bytea, ForeignKey, OnDelete, Timestamptz, Varchar
from piccolo.table import Table


class ScimToken(Table, tablename="scim_token"):
    """With which one identity provider writes; several of one provider reach the same users and groups."""

    id = UUID(primary_key=True, default=None)
    token_hash = Bytea(unique=True)
    provider = Varchar(length=32)
    name = Varchar(length=100)
    created_at = Timestamptz(default=None)
    created_by = Varchar(length=64)
    expires_at = Timestamptz(default=None)
    revoked_at = Timestamptz(default=None, null=True)
    last_used_at = Timestamptz(default=None, null=True)


class ScimUser(Table, tablename="scim_user"):
    """What a provider said of somebody.

    Of a user that the provider deleted only names are left, without the document: who comes back is found by them.
    The account's key is the identifier of the first of these users, and stays when somebody comes back as another.
    """

    id = UUID(primary_key=True, default=None)
    provider = Varchar(length=32)
    account_key = Varchar(length=36)
    user_name_key = Varchar(length=254)
    external_id = Varchar(length=254, default="")
    document = JSONB(default="{}")
    version = BigInt(default=1)
    created_at = Timestamptz(default=None)
    modified_at = Timestamptz(default=None)
    deleted_at = Timestamptz(default=None, null=True)


class ScimGroup(Table, tablename="scim_group"):
    """A group as a provider names it."""

    id = UUID(primary_key=True, default=None)
    provider = Varchar(length=32, index=True)
    display_name = Varchar(length=200)
    external_id = Varchar(length=254, default="")
    version = BigInt(default=1)
    created_at = Timestamptz(default=None)
    modified_at = Timestamptz(default=None)


class ScimMember(Table, tablename="scim_member"):
    """A user or a group that is directly in a group: exactly one of them, and once, by the migration's constraints."""

    id = UUID(primary_key=True, default=None)
    holder = ForeignKey(ScimGroup, on_delete=OnDelete.cascade, null=False)
    user_member = ForeignKey(ScimUser, on_delete=OnDelete.cascade, null=True, index=True)
    group_member = ForeignKey(ScimGroup, on_delete=OnDelete.cascade, null=True, index=True)
