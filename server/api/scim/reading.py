"""Bodies about users and groups, read with scim2-models: what they say becomes plain values of provisioning."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from scim2_models import Context, PatchOp, SCIMException

from appliance.identity.provisioning import errors
from appliance.identity.provisioning.records import GroupContent, UserContent
from appliance.identity.provisioning.rules import (
    NAME_MAX,
    check_texts,
    person_email,
    person_name,
    prepare_text,
    prepare_user_name,
)
from appliance.identity.provisioning.users import UserChange
from appliance.identity.rules import NAME_MAX as SHOWN_NAME_MAX
from appliance.identity.rules import shown
from server.api.scim.attributes import GROUP_SCHEMA, USER_SCHEMA
from server.api.scim.bodies import PATCH_SCHEMA, check_keys, check_no_password, check_schemas, member_ids, operations
from server.api.scim.models import POLICY, Group, User

USER_OPERATIONS_MAX: Final = 50
ENTRIES_MAX: Final = 200
_OURS: Final = frozenset({"schemas", "id", "meta", "groups"})
_TOLD_MAX: Final = 300
_BY_TYPE: Final[Mapping[str, type[errors.ProvisioningError]]] = {
    "invalidPath": errors.PathRefusedError,
    "noTarget": errors.NoTargetError,
    "mutability": errors.MutabilityError,
    "invalidSyntax": errors.SyntaxRefusedError,
    "invalidFilter": errors.PathRefusedError,
}
_Model = TypeVar("_Model", bound=BaseModel)


def new_user(raw: dict[str, Any]) -> UserContent:
    """A new user, who may come in unless the provider says otherwise.

    Raises:
        ProvisioningError: see `_validated` and `_content`.
    """
    return _content(_user(raw, Context.RESOURCE_CREATION_REQUEST), is_active_by_default=True)


def user_replacement(raw: dict[str, Any]) -> UserChange:
    """A user as a whole; left out, `active` stays as it is: nobody comes in by an omission.

    Raises:
        ProvisioningError: as for `new_user`.
    """
    user = _user(raw, Context.RESOURCE_REPLACEMENT_REQUEST)
    _content(user)

    def change(before: Mapping[str, Any]) -> UserContent:
        return _content(user, is_active_by_default=before.get("active"))

    return change


def user_patch(raw: dict[str, Any]) -> UserChange:
    """Changes of a user, in their order; all or none.

    Raises:
        ProvisioningError: as for `new_user`, or a path that leads nowhere.
    """
    check_schemas(raw, PATCH_SCHEMA)
    found = operations(raw, USER_OPERATIONS_MAX)
    for operation in found:
        check_no_password(operation)
    if sum(_entries(operation) for operation in found) > ENTRIES_MAX:
        raise errors.TooManyError(f"A PATCH of a user has at most {ENTRIES_MAX} values here")
    patch: PatchOp[User] = _validated(PatchOp[User], raw, Context.RESOURCE_PATCH_REQUEST)

    def change(before: Mapping[str, Any]) -> UserContent:
        user = User.model_validate({**before, "schemas": [USER_SCHEMA]})
        try:
            patch.patch(user, scim_policy=POLICY)
        except SCIMException as problem:
            raise _refusal(problem.scim_type, problem.detail) from problem
        return _content(user)

    return change


def group(raw: dict[str, Any]) -> GroupContent:
    """A group as a whole.

    Raises:
        ProvisioningError: see `_validated`; a member without an identifier of ours.
    """
    check_schemas(raw, GROUP_SCHEMA)
    check_keys(raw)
    found = _validated(Group, raw, Context.RESOURCE_REPLACEMENT_REQUEST)
    name = prepare_text(found.display_name or "", "displayName", SHOWN_NAME_MAX)
    if not name:
        raise errors.ValueRefusedError("displayName is empty")
    return GroupContent(
        display_name=name,
        external_id=prepare_text(found.external_id or "", "externalId", NAME_MAX),
        members=member_ids([each.value for each in found.members or ()]),
    )


def _entries(operation: dict[str, Any]) -> int:
    """How many values an operation writes; a few, unless somebody wants to keep us busy."""
    values = [value for value in operation.values() if isinstance(value, dict | list)]
    inner = [each for value in values if isinstance(value, dict) for each in value.values()]
    return sum(len(value) for value in (*values, *inner) if isinstance(value, dict | list))


def _user(raw: dict[str, Any], context: Context) -> User:
    check_schemas(raw, USER_SCHEMA)
    check_keys(raw)
    check_no_password({"value": raw})
    return _validated(User, raw, context)


def _content(user: User, *, is_active_by_default: bool | None = None) -> UserContent:
    """What a user's model says.

    Raises:
        ValueRefusedError: a text or address that cannot be kept.
    """
    shown_user = user.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    document = {name: value for name, value in shown_user.items() if name not in _OURS}
    check_texts(document, "")
    document["userName"] = prepare_user_name(user.user_name or "")
    if "active" not in document and is_active_by_default is not None:
        document["active"] = is_active_by_default
    name = document.get("name", {})
    parts = f"{name.get('givenName', '')} {name.get('familyName', '')}"
    return UserContent(
        user_name=document["userName"],
        external_id=prepare_text(document.get("externalId", ""), "externalId", NAME_MAX),
        is_active=document.get("active"),
        display_name=person_name(
            [document.get("displayName", ""), name.get("formatted", ""), parts, document["userName"]]
        ),
        email=person_email(document.get("emails", [])),
        document=document,
    )


def _validated(model: type[_Model], raw: dict[str, Any], context: Context) -> _Model:
    """A body as the library's model of it; values are told to nobody but the provider.

    Raises:
        ProvisioningError: it is not what the schema says.
    """
    try:
        return model.model_validate(raw, scim_ctx=context, scim_policy=POLICY)  # type: ignore[call-arg] # the library's own
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        told = f"{where}: {first['msg']}" if where else first["msg"]
        raise _refusal(first.get("ctx", {}).get("scim_type", ""), told) from problem
    except SCIMException as problem:
        raise _refusal(problem.scim_type, problem.detail) from problem


def _refusal(scim_type: str, told: str) -> errors.ProvisioningError:
    return _BY_TYPE.get(scim_type, errors.ValueRefusedError)(shown(told, _TOLD_MAX))
