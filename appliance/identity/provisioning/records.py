"""Tokens, users and groups of identity providers: frozen values that cross the feature's boundary."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from appliance.identity.provisioning.conditions import Condition
from appliance.identity.records import Source, SourceKind
from appliance.ledger.records import Actor, ActorKind


class ProvisioningToken(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's token without its secret."""

    id: UUID
    provider: str
    name: str
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


class NewProvisioningToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token that has just been made; it is told only now.

    Attributes:
        token: `olp_` and 43 characters of base64url (256 random bits).
    """

    token: str
    record: ProvisioningToken


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who a live token belongs to: all that a request may see and change is this provider's."""

    token_id: UUID
    provider: str

    @property
    def source(self) -> Source:
        """What the provider's accounts and groups come from."""
        return Source(SourceKind.SCIM, self.provider)

    @property
    def actor(self) -> Actor:
        """The token, as the ledger names it."""
        return Actor(kind=ActorKind.SYSTEM, id=f"scim_token:{self.token_id}", name=self.provider)


class UserContent(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider says of somebody.

    Attributes:
        is_active: None says nothing: then the person stays as they are.
        document: the attributes as they are answered, by their names in RFC 7643, without those that we assign.
        display_name, email: of the person; the address is empty if the provider tells none.
    """

    user_name: str
    external_id: str
    is_active: bool | None
    display_name: str
    email: str
    document: Mapping[str, Any]


class Membership(msgspec.Struct, frozen=True):
    """A group that a user is directly in."""

    group_id: UUID
    display_name: str


class ProvisionedUser(msgspec.Struct, frozen=True, kw_only=True):
    """A user as it is answered."""

    id: UUID
    document: Mapping[str, Any]
    groups: tuple[Membership, ...]
    version: int
    created_at: datetime
    modified_at: datetime


class GroupContent(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider says of a group."""

    display_name: str
    external_id: str
    members: frozenset[UUID]


class MemberStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a change of members, in the order in which the provider names them.

    Attributes:
        is_removal: take these out; else put them in.
        replaces: take out everybody else first.
    """

    members: frozenset[UUID]
    is_removal: bool = False
    replaces: bool = False


class GroupChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a group; None leaves a name as it is."""

    display_name: str | None = None
    external_id: str | None = None
    steps: tuple[MemberStep, ...] = ()


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody, or a group, directly in a group."""

    id: UUID
    is_group: bool


class ProvisionedGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group as it is answered; `members` is empty where they were not asked for."""

    id: UUID
    display_name: str
    external_id: str
    members: tuple[Member, ...]
    version: int
    created_at: datetime
    modified_at: datetime


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which resources are asked for.

    Attributes:
        sort_by: canonical name of an attribute, lower case with dots; empty means by age.
        start: number of the first one, from 1 (RFC 7644 section 3.4.2.4).
        count: how many at most; 0 asks for the total alone.
        has_related: also tell groups of users, or members of groups.
    """

    condition: Condition | None = None
    sort_by: str = ""
    is_descending: bool = False
    start: int = 1
    count: int = 100
    has_related: bool = True


class UserPage(msgspec.Struct, frozen=True, kw_only=True):
    """Users that were asked for, and how many there are in all."""

    total: int
    users: tuple[ProvisionedUser, ...]


class GroupPage(msgspec.Struct, frozen=True, kw_only=True):
    """Groups that were asked for, and how many there are in all."""

    total: int
    groups: tuple[ProvisionedGroup, ...]
