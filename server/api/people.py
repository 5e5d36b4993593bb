"""People, for scripts."""

import msgspec
from litestar import get

from appliance.identity.records import Person
from appliance.identity.rules import Permission
from server.authorization import requires
from server.dashboard.dependencies import AnyRequest, appliance_of


class PeoplePage(msgspec.Struct, frozen=True):
    """Everybody, by name."""

    people: list[Person]


@get("/v1/people", guards=[requires(Permission.PEOPLE_READ)], tags=["People"])
async def list_people(request: AnyRequest) -> PeoplePage:
    """Who has, or is invited to have, an account, with roles."""
    return PeoplePage(list(await appliance_of(request).identity.people.list()))


handlers = [list_people]
