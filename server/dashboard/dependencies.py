"""What pages take from a request: the appliance, who is signed in, and the fields of a form."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from litestar import Request
from litestar.enums import RequestEncodingType

from appliance.approvals.records import Answerer
from appliance.bootstrap import Appliance, Road
from appliance.errors import LeashError
from appliance.identity.errors import SignInRequiredError
from appliance.identity.queries import person_by_id
from appliance.identity.records import SignedIn
from appliance.identity.rules import Permission, is_permitted
from server.authentication import signed_in_of

AnyRequest = Request[Any, Any, Any]
T = TypeVar("T")


def appliance_of(request: AnyRequest) -> Appliance:
    """The appliance of this process."""
    found: Appliance = request.app.state.appliance
    return found


def road_of(request: AnyRequest) -> Road:
    """The decision road of this process."""
    found: Road = request.app.state.road
    return found


def now_of(request: AnyRequest) -> datetime:
    """This moment, by the appliance's clock."""
    return appliance_of(request).clock()


def may(request: AnyRequest, permission: Permission) -> bool:
    """Whether whoever is signed in holds the permission; raises SignInRequiredError for nobody."""
    return is_permitted(signed_in_of(request).roles, permission)


def answerer_of(signed_in: SignedIn) -> Answerer:
    """The person as one who answers asks."""
    return Answerer(
        person_id=signed_in.person_id,
        email=signed_in.email,
        display_name=signed_in.display_name,
        roles=frozenset(role.value for role in signed_in.roles),
        actor=signed_in.actor,
        scoped=signed_in.scoped,
        groups=signed_in.groups,
    )


async def present_answerer(request: AnyRequest) -> Answerer:
    """Whoever is signed in, with the roles of this moment: what was revoked elsewhere must not answer from memory.

    Raises:
        SignInRequiredError: the person was disabled meanwhile.
    """
    signed_in = signed_in_of(request)
    person = await person_by_id(signed_in.person_id)
    if person.is_disabled:
        raise SignInRequiredError
    present = msgspec.structs.replace(signed_in, roles=person.roles, scoped=person.scoped, groups=person.groups)
    is_proven = appliance_of(request).identity.step_ups.is_proven(signed_in, now_of(request))
    return msgspec.structs.replace(answerer_of(present), is_proven=is_proven)


async def fields_of(request: AnyRequest) -> dict[str, str]:
    """A URL-encoded form's fields; line ends are one character, of a repeated field the last one counts.

    No page of ours sends anything else, and a multipart form can name encodings that do not exist.
    """
    if request.content_type[0] != RequestEncodingType.URL_ENCODED:
        return {}
    form = await request.form()
    return {name: value.replace("\r\n", "\n") for name, value in form.items() if isinstance(value, str)}


async def attempted(work: Awaitable[T]) -> T | LeashError:
    """What the work gives, or the error that the page shows in its place."""
    try:
        return await work
    except LeashError as problem:
        return problem


def uuid_or_none(text: str) -> UUID | None:
    """The identifier that a text is, or None."""
    try:
        return UUID(text)
    except ValueError:
        return None


def whole_number(text: str, default: int) -> int:
    """The number that a short text is, or the default."""
    digits = text.strip()
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 9 else default  # noqa: PLR2004
