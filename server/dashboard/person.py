"""One person: by what they come in, what they may do and why, and taking an account of a source from them."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.status_codes import HTTP_303_SEE_OTHER

from appliance.errors import LeashError
from appliance.identity.queries import person_by_id
from appliance.identity.rules import Permission
from appliance.identity.whois import known_of
from server.authentication import signed_in_of
from server.authorization import requires, requires_step_up
from server.dashboard.dependencies import AnyRequest, appliance_of, attempted, now_of
from server.dashboard.rendering import page
from server.errors import status_of

_READ = requires(Permission.PEOPLE_READ)
_MANAGE = requires(Permission.PEOPLE_MANAGE)


@get("/people/{person:uuid}", guards=[_READ], include_in_schema=False)
async def show_person(request: AnyRequest, person: FromPath[UUID]) -> Template:
    """Accounts, groups, and where each role comes from; no directory is asked."""
    return await _person_page(request, person)


async def _person_page(request: AnyRequest, person_id: UUID, problem: LeashError | None = None) -> Template:
    person = await person_by_id(person_id)
    return page(
        request,
        "person.html",
        title=person.display_name,
        status_code=status_of(problem) if problem else 200,
        person=person,
        known=await known_of(person),
        problem=problem,
        done=request.query_params.get("done", ""),
    )


@post(
    "/people/{person:uuid}/accounts/{account:uuid}/unlink", guards=[_MANAGE, requires_step_up],
    include_in_schema=False,
)  # fmt: skip
async def unlink_account(request: AnyRequest, person: FromPath[UUID], account: FromPath[UUID]) -> Response[Any]:
    """Take an account of a source from the person; every session of theirs ends."""
    people, actor = appliance_of(request).identity.people, signed_in_of(request).actor
    made = await attempted(people.unlink(actor, person, account, now_of(request)))
    if isinstance(made, LeashError):
        return await _person_page(request, person, made)
    return Redirect(f"/people/{person}?done=unlinked", status_code=HTTP_303_SEE_OTHER)


handlers = [show_person, unlink_account]
