"""Notifications: one's own channels and preferences, the delivery log, and the on-call order."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import delete, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody

from appliance.identity.rules import Permission
from appliance.notifications import log, on_call
from appliance.notifications.preferences import preferences_of, set_preferences
from appliance.notifications.records import Delivery, DeliveryState, OwnAddress, Preferences
from server.api.records import PAGE, Body, Limit
from server.authentication import signed_in_of
from server.authorization import requires, requires_sign_in, requires_step_up
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of

_READ = requires(Permission.SETTINGS_READ)
_MANAGE = requires(Permission.SETTINGS_MANAGE)


class Channels(msgspec.Struct, frozen=True, kw_only=True):
    """What can be chosen here, and what the person has; mail goes to the address of the account."""

    available: list[str]
    addresses: list[OwnAddress]


class TopicBody(Body, frozen=True, kw_only=True):
    """A topic of ntfy, or an endpoint of UnifiedPush; `token` is the topic's own, if it wants one."""

    url: Annotated[str, msgspec.Meta(max_length=2048)]
    token: Annotated[str, msgspec.Meta(max_length=200)] = ""
    label: Annotated[str, msgspec.Meta(max_length=100)] = ""


class AddressMade(msgspec.Struct, frozen=True, kw_only=True):
    """The address that the person has now."""

    id: UUID


class PreferencesBody(Body, frozen=True, kw_only=True):
    """Quiet hours in minutes of the day, both or neither; `muted` has pairs such as `email:ask.opened`."""

    quiet_from: int | None = None
    quiet_until: int | None = None
    time_zone: Annotated[str, msgspec.Meta(max_length=64)] = "UTC"
    wakes_for_high: bool = True
    muted: Annotated[tuple[str, ...], msgspec.Meta(max_length=100)] = ()


class TestBody(Body, frozen=True, kw_only=True):
    """Which address to test; none is the mail of the account."""

    address: UUID | None = None


class DeliveryPage(msgspec.Struct, frozen=True, kw_only=True):
    """Deliveries, newest first; `next` is `before` of the following page."""

    deliveries: list[Delivery]
    next: UUID | None


class OnCallOrders(msgspec.Struct, frozen=True, kw_only=True):
    """Role or approver group -> people in the order in which they are told."""

    orders: dict[str, list[UUID]]


class OrderBody(Body, frozen=True, kw_only=True):
    """The order that takes the place of the present one; none ends it."""

    people: Annotated[list[UUID], msgspec.Meta(max_length=50)]


@get("/v1/notifications/channels", guards=[requires_sign_in], tags=["Notifications"])
async def list_channels(request: AnyRequest) -> Channels:
    """Where you can be reached."""
    notifications = appliance_of(request).notifications
    own = await notifications.addresses.list_own(signed_in_of(request).person_id)
    return Channels(available=[channel.value for channel in notifications.channels()], addresses=list(own))


@post("/v1/notifications/topics", guards=[requires_sign_in], status_code=201, tags=["Notifications"])
async def add_topic(request: AnyRequest, data: JSONBody[TopicBody]) -> AddressMade:
    """Be told by a topic of ntfy or UnifiedPush."""
    signed_in, addresses = signed_in_of(request), appliance_of(request).notifications.addresses
    made = await addresses.add_topic(
        signed_in.actor, signed_in.person_id, url=data.url, token=data.token, label=data.label, now=now_of(request)
    )
    return AddressMade(id=made)


@delete("/v1/notifications/addresses/{address:uuid}", guards=[requires_sign_in], tags=["Notifications"])
async def remove_address(request: AnyRequest, address: FromPath[UUID]) -> None:
    """Be told there no more."""
    signed_in, addresses = signed_in_of(request), appliance_of(request).notifications.addresses
    await addresses.remove(signed_in.actor, signed_in.person_id, address, now_of(request))


@get("/v1/notifications/preferences", guards=[requires_sign_in], tags=["Notifications"])
async def show_preferences(request: AnyRequest) -> Preferences:
    """What you want to hear, and when not."""
    person = signed_in_of(request).person_id
    return (await preferences_of([person]))[person]


@put("/v1/notifications/preferences", guards=[requires_sign_in], tags=["Notifications"])
async def change_preferences(request: AnyRequest, data: JSONBody[PreferencesBody]) -> Preferences:
    """Change all of it at once."""
    signed_in = signed_in_of(request)
    wished = Preferences(
        quiet_from=data.quiet_from,
        quiet_until=data.quiet_until,
        time_zone=data.time_zone,
        wakes_for_high=data.wakes_for_high,
        muted=frozenset(data.muted),
    )
    return await set_preferences(signed_in.actor, signed_in.person_id, wished, now_of(request))


@post("/v1/notifications/test", guards=[requires_sign_in], status_code=202, tags=["Notifications"])
async def test_own_address(request: AnyRequest, data: JSONBody[TestBody]) -> None:
    """Send yourself a test; what becomes of it is in your deliveries within seconds."""
    notifications = appliance_of(request).notifications
    await notifications.test_own(signed_in_of(request).person_id, data.address, now_of(request))


@get("/v1/notifications/deliveries", guards=[requires_sign_in], tags=["Notifications"])
async def list_own_deliveries(
    request: AnyRequest, before: FromQuery[UUID | None] = None, limit: Limit = PAGE
) -> DeliveryPage:
    """What you were told, and what came of it."""
    return _page(await log.deliveries(person=signed_in_of(request).person_id, before=before, limit=limit), limit)


@get("/v1/notifications/log", guards=[_READ], tags=["Notifications"])
async def list_deliveries(
    only: FromQuery[DeliveryState | None] = None,
    person: FromQuery[UUID | None] = None,
    before: FromQuery[UUID | None] = None,
    limit: Limit = PAGE,
) -> DeliveryPage:
    """The delivery log of everybody; `only=dead` are the dead letters."""
    return _page(await log.deliveries(person=person, state=only, before=before, limit=limit), limit)


@post("/v1/notifications/log/{delivery:uuid}/replay", guards=[_MANAGE], status_code=202, tags=["Notifications"])
async def replay_delivery(request: AnyRequest, delivery: FromPath[UUID]) -> None:
    """Send a dead letter of a webhook or chat on its way again, under the same identifier."""
    await appliance_of(request).notifications.replay(signed_in_of(request).actor, delivery, now_of(request))


@get("/v1/notifications/on-call", guards=[_READ], tags=["Notifications"])
async def list_on_call() -> OnCallOrders:
    """Every on-call order."""
    return await _orders()


@put("/v1/notifications/on-call/{role:str}", guards=[_MANAGE, requires_step_up], tags=["Notifications"])
async def change_on_call(request: AnyRequest, role: FromPath[str], data: JSONBody[OrderBody]) -> OnCallOrders:
    """Set the order in which the holders of a role or approver group are told."""
    await on_call.set_order(signed_in_of(request).actor, role, data.people, now_of(request))
    return await _orders()


async def _orders() -> OnCallOrders:
    return OnCallOrders(orders={role: list(people) for role, people in (await on_call.orders()).items()})


def _page(found: tuple[Delivery, ...], limit: int) -> DeliveryPage:
    return DeliveryPage(deliveries=list(found), next=found[-1].id if len(found) == limit else None)


handlers = [
    list_channels,
    add_topic,
    remove_address,
    show_preferences,
    change_preferences,
    test_own_address,
    list_own_deliveries,
    list_deliveries,
    replay_delivery,
    list_on_call,
    change_on_call,
]
