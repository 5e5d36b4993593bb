"""The tables of identity; private to the feature.

Tokens, links and recovery codes are stored as SHA-256 of 80 random bits or more, which nobody can guess back.
"""

from piccolo.columns import (
    UUID,
    Array,
    BigInt,
    Boolean,
    Bytea,
    ForeignKey,
    Integer,
    OnDelete,
    SmallInt,
    Timestamptz,
    Varchar,
)
from piccolo.table import Table


class Person(Table, tablename="person"):
    """Somebody with an account, or invited to one; the address is in its prepared form."""

    id = UUID(primary_key=True, default=None)
    display_name = Varchar(length=200)
    email = Varchar(length=254, unique=True, null=True, default=None)  # null: the person's source tells none
    is_disabled = Boolean(default=False)
    disabled_by = Varchar(length=64, default="")  # the source that did it; empty is an administrator
    is_sealed = Boolean(default=False)  # comes in by breaking the glass alone, see identity/break_glass
    created_at = Timestamptz(default=None)


class PersonRole(Table, tablename="person_role"):
    """One role of one person, assigned by a person; unique together by the migration's index."""

    id = UUID(primary_key=True, default=None)
    person = ForeignKey(Person, on_delete=OnDelete.cascade, null=False, index=True)
    role = Varchar(length=32)


class ExternalAccount(Table, tablename="external_account"):
    """What a source calls a person; source and key are unique together by the migration's index."""

    id = UUID(primary_key=True, default=None)
    source = Varchar(length=64)
    key = Varchar(length=255)
    person = ForeignKey(Person, on_delete=OnDelete.cascade, null=False, index=True)
    user_name = Varchar(length=400)
    is_disabled = Boolean(default=False)
    made_person = Boolean(default=False)  # its source says the person's name and address; of a linked account not
    created_at = Timestamptz(default=None)
    seen_at = Timestamptz(default=None)
    spared_at = Timestamptz(default=None, null=True)  # its source would disable the last owner, since then
    groups = Array(base_column=UUID(), default=list)  # nested ones resolved, ascending, see memberships.py


class IdentityGroup(Table, tablename="identity_group"):
    """A group of a source; source and key are unique together by the migration's index."""

    id = UUID(primary_key=True, default=None)
    source = Varchar(length=64)
    key = Varchar(length=255)
    name = Varchar(length=400)
    is_gone = Boolean(default=False)  # kept for its grants; a group that has none is deleted


class GroupGrant(Table, tablename="group_grant"):
    """A role, or an approver group as `group:name`, for whoever is in a group; unique by the migration's index."""

    id = UUID(primary_key=True, default=None)
    identity_group = ForeignKey(IdentityGroup, on_delete=OnDelete.cascade, null=False)
    role = Varchar(length=80)
    project = Varchar(length=400, default="")  # a pattern; empty is every project
    created_at = Timestamptz(default=None)
    created_by = Varchar(length=80, default="")


class LocalCredential(Table, tablename="local_credential"):
    """Password and authenticator of one person."""

    id = UUID(primary_key=True, default=None)
    person = ForeignKey(Person, on_delete=OnDelete.cascade, null=False, unique=True)
    password_hash = Varchar(length=256)  # argon2id in PHC string format
    totp_sealed = Bytea()
    totp_last_step = BigInt(default=0)  # RFC 6238 5.2: a code is accepted once
    created_at = Timestamptz(default=None)


class RecoveryCode(Table, tablename="recovery_code"):
    """A code that stands in for the authenticator once; deleted by its use."""

    id = UUID(primary_key=True, default=None)
    person = ForeignKey(Person, on_delete=OnDelete.cascade, null=False, index=True)
    code_hash = Bytea()


class SignUpLink(Table, tablename="sign_up_link"):
    """A one-time link; deleted when it is spent or replaced."""

    id = UUID(primary_key=True, default=None)
    token_hash = Bytea(unique=True)
    purpose = Varchar(length=16)
    person = ForeignKey(Person, on_delete=OnDelete.cascade, null=True, index=True)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)


class PendingClaimRow(Table, tablename="pending_claim"):
    """A claim between the password and the authenticator's first code."""

    id = UUID(primary_key=True, default=None)
    token_hash = Bytea(unique=True)
    link = ForeignKey(SignUpLink, on_delete=OnDelete.cascade, null=False, unique=True)
    display_name = Varchar(length=200)
    email = Varchar(length=254)
    password_hash = Varchar(length=256)
    totp_sealed = Bytea()
    wrong_codes = SmallInt(default=0)
    expires_at = Timestamptz(default=None)


class SessionRow(Table, tablename="session"):
    """A live session; deleted when it ends."""

    id = UUID(primary_key=True, default=None)
    token_hash = Bytea(unique=True)
    person = ForeignKey(Person, on_delete=OnDelete.cascade, null=False, index=True)
    kind = Varchar(length=16)
    created_at = Timestamptz(default=None)
    last_seen_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None, index=True)
    stepped_up_at = Timestamptz(default=None, null=True)
    user_agent = Varchar(length=400, default="")
    address = Varchar(length=64, default="")
    device_name = Varchar(length=100, default="")
    platform = Varchar(length=40, default="")


class KeptAct(Table, tablename="kept_act"):
    """A form that waits until its person has proved again who they are; its fields are sealed."""

    id = UUID(primary_key=True, default=None)
    session = ForeignKey(SessionRow, on_delete=OnDelete.cascade, null=False, index=True)
    path = Varchar(length=400)
    fields_sealed = Bytea()
    expires_at = Timestamptz(default=None, index=True)


class SignInThrottle(Table, tablename="sign_in_throttle"):
    """Failed attempts of one caller, one account or one pair of them, under a keyed hash."""

    key = Bytea(primary_key=True)
    failures = Integer(default=0)
    turned_away = Integer(default=0)
    last_at = Timestamptz(default=None, index=True)
    blocked_until = Timestamptz(default=None, null=True)
