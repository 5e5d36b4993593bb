"""The users and groups that are served, as models of scim2-models; what they do not name is ignored, not stored."""

from typing import Annotated, Any, Final, Union

from pydantic import Field
from scim2_models import (
    URN,
    CaseExact,
    ComplexAttribute,
    GroupMembership,
    Mutability,
    Name,
    Reference,
    Required,
    Resource,
    ScimPolicy,
    Uniqueness,
)

# Entra writes `remove` with values, and replaces addresses that are not there yet; both are clear.
POLICY: Final = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)


class Mail(ComplexAttribute):
    """An address; the library's own model refuses domains such as corp.local."""

    value: str | None = None
    """The address."""

    display: str | None = None
    """How it is shown."""

    type: str | None = None
    """Such as work or home."""

    primary: bool | None = None
    """Whether it is the person's address here."""


class User(Resource[Any]):
    """Somebody who may come in."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    """What the provider calls the user."""

    name: Name | None = None
    """The parts of the name."""

    display_name: str | None = None
    """The name that is shown here."""

    title: str | None = None
    """Such as Vice President."""

    active: bool | None = None
    """Whether the user may come in; false ends sessions, devices and agent tokens at once."""

    emails: list[Mail] | None = None
    """Addresses; the primary one, else the first of type work, is the person's here."""

    groups: Annotated[list[GroupMembership] | None, Mutability.read_only] = None
    """Groups that the user is directly in; changed by changing groups."""


class GroupMember(ComplexAttribute):
    """A user or a group."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    """The `id` of the user or group."""

    ref: Annotated[Reference[Union["User", "Group"]] | None, Mutability.immutable] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The address of the user or group."""

    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User", "Group"])
    """User or Group."""


class Group(Resource[Any]):
    """Whom people here can grant roles together."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Required.true] = None
    """The group's name."""

    members: list[GroupMember] | None = None
    """Users and groups that are directly in it."""
