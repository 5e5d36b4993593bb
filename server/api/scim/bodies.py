"""Bodies of requests as plain JSON, and what is looked at before any model: kind, repeated names, passwords."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from appliance.identity.provisioning.errors import (
    MemberUnknownError,
    PasswordAttributeRefusedError,
    PathRefusedError,
    SyntaxRefusedError,
    TooManyError,
    ValueRefusedError,
)
from server.api.bodies import parsed
from server.api.scim.attributes import USER_SCHEMA, canonical
from server.dashboard.dependencies import AnyRequest

PATCH_SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MEMBERS_MAX: Final = 60_000
PATH_MAX: Final = 1000


async def body_of(request: AnyRequest) -> dict[str, Any]:
    """The JSON object that a provider sends.

    Raises:
        RequestInvalidError, RequestTooLargeError: it is none, or beyond the limits.
    """
    return parsed(await request.body(), members_max=MEMBERS_MAX)


def check_schemas(raw: dict[str, Any], expected: str) -> None:
    """Refuse a message that says of itself that it is another one; saying nothing is let pass.

    Raises:
        SyntaxRefusedError: `schemas` does not name what is expected.
    """
    told = raw.get("schemas")
    if not told:
        return
    names = [each.lower() for each in told if isinstance(each, str)] if isinstance(told, list) else []
    if expected.lower() not in names:
        raise SyntaxRefusedError(f"schemas does not name {expected}")


def check_keys(raw: dict[str, Any]) -> None:
    """Refuse a name that is there twice in different case, of which two readers could take different ones.

    Raises:
        SyntaxRefusedError: there is one.
    """
    if len({key.lower() for key in raw}) < len(raw):
        raise SyntaxRefusedError("An attribute is there twice: case does not count in their names")


def operations(raw: dict[str, Any], most: int) -> list[dict[str, Any]]:
    """The operations of a PATCH.

    Raises:
        SyntaxRefusedError, TooManyError, PathRefusedError: there are none, too many, or one with a very long path.
    """
    check_keys(raw)
    found = next((value for key, value in raw.items() if key.lower() == "operations"), None)
    if not isinstance(found, list) or not found or not all(isinstance(each, dict) for each in found):
        raise SyntaxRefusedError("Operations is a list of at least one object")
    if len(found) > most:
        raise TooManyError(f"A PATCH has at most {most} operations here")
    for each in found:
        check_keys(each)
        if any(
            isinstance(value, str) and len(value) > PATH_MAX for key, value in each.items() if key.lower() == "path"
        ):
            raise PathRefusedError(f"A path has at most {PATH_MAX} characters here")
    return found


def check_no_password(operation: dict[str, Any]) -> None:
    """Refuse a password, wherever an operation has it.

    Raises:
        PasswordAttributeRefusedError: there is one.
    """
    lowered = {key.lower(): value for key, value in operation.items()}
    path, value = lowered.get("path"), lowered.get("value")
    names = [path] if isinstance(path, str) else []
    names += list(value) if isinstance(value, dict) else []
    if any(canonical(name, USER_SCHEMA) == "password" for name in names):
        raise PasswordAttributeRefusedError


def member_ids(values: Iterable[object]) -> frozenset[UUID]:
    """The identifiers of members.

    Raises:
        MemberUnknownError, ValueRefusedError: none of ours, or none at all.
    """
    found = set()
    for value in values:
        if not isinstance(value, str):
            raise ValueRefusedError("A member has no value, which is the id of a user or group")
        identifier = identifier_of(value)
        if identifier is None:
            raise MemberUnknownError
        found.add(identifier)
    return frozenset(found)


def identifier_of(text: str) -> UUID | None:
    """An identifier as we write them; None for any other text, which nothing has."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text.lower() else None
