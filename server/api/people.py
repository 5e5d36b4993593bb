"""People, for scripts."""

from uuid import UUID

import msgspec
from litestar import delete, get
from litestar.params import FromPath, FromQuery

from appliance.identity.account_queries import Account
from appliance.identity.queries import person_by_id
from appliance.identity.records import PeopleFilter, Person, Role
from appliance.identity.rules import Permission
from appliance.identity.whois import Membership, RoleReason, known_of
from server.api.records import PAGE, Limit
from server.authentication import signed_in_of
from server.authorization import requires, requires_step_up
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of

_READ = requires(Permission.PEOPLE_READ)
_MANAGE = requires(Permission.PEOPLE_MANAGE)
_TEXT_MAX = 200


class PeoplePage(msgspec.Struct, frozen=True, kw_only=True):
    """People, by name; `next` is `after` of the following page."""

    people: list[Person]
    next: UUID | None


class PersonDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A person with their accounts of sources, their groups, and where each role comes from."""

    person: Person
    accounts: list[Account]
    groups: list[Membership]
    roles: list[RoleReason]


class Unlinked(msgspec.Struct, frozen=True):
    """How many sessions of the person ended with it."""

    sessions: int


@get("/v1/people", guards=[_READ], tags=["People"])
async def list_people(
    request: AnyRequest,
    text: FromQuery[str] = "",
    role: FromQuery[Role | None] = None,
    source: FromQuery[str] = "",
    is_disabled: FromQuery[bool | None] = None,
    after: FromQuery[UUID | None] = None,
    limit: Limit = PAGE,
) -> PeoplePage:
    """Who has, or is invited to have, an account, with roles; by name, address, role, source and state."""
    wanted = PeopleFilter(
        text=text[:_TEXT_MAX],
        role=role,
        source=source[:_TEXT_MAX].replace("\0", ""),
        is_disabled=is_disabled,
        after=after,
        limit=limit + 1,
    )
    found = await appliance_of(request).identity.people.list(wanted)
    return PeoplePage(people=list(found[:limit]), next=found[limit - 1].id if len(found) > limit else None)


@get("/v1/people/{person_id:uuid}", guards=[_READ], tags=["People"])
async def read_person(person_id: FromPath[UUID]) -> PersonDetail:
    """One person, as far as they are known here; no directory is asked."""
    person = await person_by_id(person_id)
    known = await known_of(person)
    return PersonDetail(
        person=person, accounts=list(known.accounts), groups=list(known.groups), roles=list(known.roles)
    )


@delete(
    "/v1/people/{person_id:uuid}/accounts/{account_id:uuid}",
    guards=[_MANAGE, requires_step_up],
    status_code=200,
    tags=["People"],
)
async def unlink_account(request: AnyRequest, person_id: FromPath[UUID], account_id: FromPath[UUID]) -> Unlinked:
    """Take an account of a source from a person; every session of theirs ends."""
    people, actor = appliance_of(request).identity.people, signed_in_of(request).actor
    return Unlinked(await people.unlink(actor, person_id, account_id, now_of(request)))


handlers = [list_people, read_person, unlink_account]
