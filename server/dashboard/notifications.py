"""One's own notifications: channels, quiet hours, what one wants to hear, a test, and what became of the last ones."""

import re
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.status_codes import HTTP_303_SEE_OTHER

from appliance.errors import LeashError
from appliance.notifications import log
from appliance.notifications.errors import AddressUnknownError, PreferencesRefusedError
from appliance.notifications.kinds import CHOSEN, KINDS
from appliance.notifications.preferences import preferences_of, set_preferences
from appliance.notifications.records import Preferences
from server.authentication import signed_in_of
from server.authorization import requires_sign_in
from server.dashboard.dependencies import AnyRequest, appliance_of, attempted, fields_of, now_of, uuid_or_none
from server.dashboard.rendering import page
from server.errors import status_of

PATH: Final = "/account/notifications"
EMAIL: Final = "email"
LINES: Final = 20
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


@get(PATH, guards=[requires_sign_in], include_in_schema=False)
async def show_own(request: AnyRequest) -> Template:
    """Everything about one's own notifications."""
    return await _own_page(request)


@post(f"{PATH}/preferences", guards=[requires_sign_in], include_in_schema=False)
async def change_preferences(request: AnyRequest) -> Response[Any]:
    """Quiet hours and what one wants to hear; a box that is not ticked mutes."""
    signed_in, fields = signed_in_of(request), await fields_of(request)
    return await _done(request, _set(request, signed_in.person_id, fields), "saved")


async def _set(request: AnyRequest, person: UUID, fields: dict[str, str]) -> None:
    channels = appliance_of(request).notifications.channels()
    before = (await preferences_of([person]))[person]
    shown = {f"{channel}:{kind}" for channel in channels for kind in CHOSEN}
    wished = Preferences(
        quiet_from=minutes_of(fields.get("quiet_from", "")),
        quiet_until=minutes_of(fields.get("quiet_until", "")),
        time_zone=fields.get("time_zone", "").strip(),
        wakes_for_high="wakes_for_high" in fields,
        muted=frozenset((before.muted - shown) | {pair for pair in shown if pair not in fields}),
    )
    await set_preferences(signed_in_of(request).actor, person, wished, now_of(request))


@post(f"{PATH}/topics", guards=[requires_sign_in], include_in_schema=False)
async def add_topic(request: AnyRequest) -> Response[Any]:
    """Be told by a topic of ntfy or UnifiedPush."""
    signed_in, fields = signed_in_of(request), await fields_of(request)
    made = appliance_of(request).notifications.addresses.add_topic(
        signed_in.actor,
        signed_in.person_id,
        url=fields.get("url", "").strip(),
        token=fields.get("token", "").strip(),
        label=fields.get("label", "").strip(),
        now=now_of(request),
    )
    return await _done(request, made, "added")


@post(f"{PATH}/test", guards=[requires_sign_in], include_in_schema=False)
async def send_test(request: AnyRequest) -> Response[Any]:
    """Send oneself a test by one channel."""
    chosen = (await fields_of(request)).get("address", "")
    return await _done(request, _test(request, chosen), "tested")


async def _test(request: AnyRequest, chosen: str) -> None:
    address = uuid_or_none(chosen)
    if address is None and chosen != EMAIL:
        raise AddressUnknownError
    notifications = appliance_of(request).notifications
    await notifications.test_own(signed_in_of(request).person_id, address, now_of(request))


@post(f"{PATH}/{{address:uuid}}/remove", guards=[requires_sign_in], include_in_schema=False)
async def remove_address(request: AnyRequest, address: FromPath[UUID]) -> Response[Any]:
    """Be told by one channel no more."""
    signed_in, addresses = signed_in_of(request), appliance_of(request).notifications.addresses
    gone = addresses.remove(signed_in.actor, signed_in.person_id, address, now_of(request))
    return await _done(request, gone, "removed")


async def _done(request: AnyRequest, work: Any, done: str) -> Response[Any]:  # noqa: ANN401 - any of the coroutines above
    made = await attempted(work)
    if isinstance(made, LeashError):
        return await _own_page(request, made)
    return Redirect(f"{PATH}?done={done}", status_code=HTTP_303_SEE_OTHER)


async def _own_page(request: AnyRequest, problem: LeashError | None = None) -> Template:
    notifications, signed_in = appliance_of(request).notifications, signed_in_of(request)
    person = signed_in.person_id
    return page(
        request,
        "notifications_own.html",
        title="Your notifications",
        status_code=status_of(problem) if problem else 200,
        problem=problem,
        done=request.query_params.get("done", ""),
        channels=notifications.channels(),
        kinds=[(kind, KINDS[kind]) for kind in CHOSEN],
        addresses=await notifications.addresses.list_own(person),
        preferences=(await preferences_of([person]))[person],
        lines=await log.deliveries(person=person, limit=LINES),
        time_of=time_of,
    )


def minutes_of(text: str) -> int | None:
    """The minutes of a day that a time field holds; None for an empty one.

    Raises:
        PreferencesRefusedError: it is no time.
    """
    if not text.strip():
        return None
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise PreferencesRefusedError(f"{text!r:.20} is not a time such as 22:00")
    return int(found[1]) * 60 + int(found[2])


def time_of(minutes: int | None) -> str:
    """Minutes of a day as a time field wants them."""
    return "" if minutes is None else f"{minutes // 60:02d}:{minutes % 60:02d}"


handlers = [show_own, change_preferences, add_topic, send_test, remove_address]
