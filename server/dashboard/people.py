"""People: who can sign in, with which roles; inviting, disabling, giving a new way in."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.status_codes import HTTP_303_SEE_OTHER

from appliance.errors import LeashError
from appliance.identity.people import People
from appliance.identity.queries import sources_of_people
from appliance.identity.records import NewLink, PeopleFilter, Role
from appliance.identity.rules import Permission
from appliance.ledger.records import Actor
from server.authentication import signed_in_of
from server.authorization import requires, requires_step_up
from server.dashboard.dependencies import AnyRequest, appliance_of, attempted, fields_of, now_of, uuid_or_none
from server.dashboard.rendering import page
from server.errors import status_of

PAGE: Final = 50
FIELDS: Final = ("text", "role", "source", "state")
_TEXT_MAX: Final = 200
_READ = requires(Permission.PEOPLE_READ)
_MANAGE = requires(Permission.PEOPLE_MANAGE)
Change = Callable[[People, Actor, UUID, AnyRequest, dict[str, str]], Awaitable[NewLink | None]]
CHANGES: Final[dict[str, Change]] = {
    "grant": lambda people, actor, person, request, fields: people.grant_role(
        actor, person, role_of(fields), now_of(request)
    ),
    "take": lambda people, actor, person, request, fields: people.revoke_role(
        actor, person, role_of(fields), now_of(request)
    ),
    "disable": lambda people, actor, person, request, _: people.disable(actor, person, now_of(request)),
    "enable": lambda people, actor, person, request, _: people.enable(actor, person, now_of(request)),
    "reset": lambda people, actor, person, request, _: people.reset_credential(actor, person, now_of(request)),
}


_DANGEROUS: Final = frozenset({"take", "disable", "enable", "reset"})
_POWERFUL: Final = frozenset({Role.OWNER.value, Role.ADMINISTRATOR.value, Role.SECURITY.value, Role.APPROVER.value})


class RoleUnknownError(LeashError):
    """A form named no role of ours."""

    code = "role_unknown"
    summary = "There is no such role"
    next_step = "Choose one of the roles in the list."


class ChangeUnknownError(LeashError):
    """A form asked for no change of ours."""

    code = "change_unknown"
    summary = "There is no such change"
    next_step = "Reload the page and choose one of the changes in the list."


@get("/people", guards=[_READ], include_in_schema=False)
async def show_people(request: AnyRequest) -> Template:
    """Whoever matches, by name, a page at a time."""
    return await _people(request, dict(request.query_params))


async def _people(
    request: AnyRequest,
    asked: dict[str, str],
    problem: LeashError | None = None,
    fields: dict[str, str] | None = None,
) -> Template:
    wanted = filter_of(asked)
    found = await appliance_of(request).identity.people.list(wanted)
    narrowed = {name: asked[name] for name in FIELDS if asked.get(name)}
    is_more = len(found) > PAGE
    return page(
        request,
        "people.html",
        title="People",
        status_code=status_of(problem) if problem else 200,
        people=found[:PAGE],
        asked={name: asked.get(name, "") for name in FIELDS},
        back=urlencode(narrowed | ({"after": str(wanted.after)} if wanted.after else {})),
        first=urlencode(narrowed),
        following=urlencode(narrowed | {"after": str(found[PAGE - 1].id)}) if is_more else "",
        is_later_page=wanted.after is not None,
        roles=[role.value for role in Role],
        sources=await sources_of_people(),
        problem=problem,
        fields=fields or {},
        done=request.query_params.get("done", ""),
    )


def filter_of(asked: Mapping[str, str]) -> PeopleFilter:
    """Whom the form asks for, and one more to know whether there are more; what cannot be read does not narrow."""
    return PeopleFilter(
        text=asked.get("text", "").strip()[:_TEXT_MAX],
        role=Role(asked["role"]) if asked.get("role") in set(Role) else None,
        source=asked.get("source", "").replace("\0", ""),
        is_disabled={"disabled": True, "enabled": False}.get(asked.get("state", "")),
        after=uuid_or_none(asked.get("after", "")),
        limit=PAGE + 1,
    )


def back_to(fields: Mapping[str, str], **more: str) -> str:
    """The list as it was, by the field `back` of a form that stood in it."""
    kept = {name: value for name, value in parse_qsl(fields.get("back", "")) if name in {*FIELDS, "after"}}
    return f"/people?{urlencode(kept | more)}"


@post("/people", guards=[_MANAGE], include_in_schema=False)
async def invite(request: AnyRequest) -> Response[Any]:
    """A new person, and the one-time link that this page shows the only time."""
    fields = await fields_of(request)
    await _check_danger(request, "grant", fields)
    made = await attempted(_invite(request, fields))
    if isinstance(made, LeashError):
        return await _people(request, {}, made, fields)
    return _link_page(request, made)


async def _invite(request: AnyRequest, fields: dict[str, str]) -> NewLink:
    return await appliance_of(request).identity.people.invite(
        signed_in_of(request).actor,
        display_name=fields.get("display_name"),
        email=fields.get("email"),
        role=role_of(fields),
        now=now_of(request),
    )


@post("/people/{person:uuid}/{change:str}", guards=[_MANAGE], include_in_schema=False)
async def change_person(request: AnyRequest, person: FromPath[UUID], change: FromPath[str]) -> Response[Any]:
    """Grant or take a role, disable, enable, or reset the way in."""
    fields = await fields_of(request)
    await _check_danger(request, change, fields)
    made = await attempted(_change(request, person, change, fields))
    if isinstance(made, LeashError):
        return await _people(request, dict(parse_qsl(fields.get("back", ""))), made)
    if isinstance(made, NewLink):
        return _link_page(request, made)
    return Redirect(back_to(fields, done="changed"), status_code=HTTP_303_SEE_OTHER)


async def _check_danger(request: AnyRequest, change: str, fields: dict[str, str]) -> None:
    """Whoever takes away, lets somebody back in, or makes somebody powerful, has proved a moment ago who they are."""
    if change in _DANGEROUS or (change == "grant" and fields.get("role") in _POWERFUL):
        await requires_step_up(request, request.route_handler)


async def _change(request: AnyRequest, person: UUID, change: str, fields: dict[str, str]) -> NewLink | None:
    if change not in CHANGES:
        raise ChangeUnknownError
    people = appliance_of(request).identity.people
    return await CHANGES[change](people, signed_in_of(request).actor, person, request, fields)


def role_of(fields: dict[str, str]) -> Role:
    """The role that a form names; raises RoleUnknownError."""
    try:
        return Role(fields.get("role", ""))
    except ValueError as problem:
        raise RoleUnknownError from problem


def _link_page(request: AnyRequest, link: NewLink) -> Template:
    url = f"{appliance_of(request).config.public_origin}/claim/{link.token}"
    return page(request, "person_link.html", title="One-time link", status_code=201, link=link, url=url)


handlers = [show_people, invite, change_person]
