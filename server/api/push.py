"""Web Push: the key that browsers subscribe with, and their subscriptions."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import delete, get, post
from litestar.params import JSONBody

from server.api.records import Body
from server.authentication import signed_in_of
from server.authorization import requires_sign_in
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of

_Text = Annotated[str, msgspec.Meta(max_length=2048)]


class PushKey(msgspec.Struct, frozen=True, kw_only=True):
    """What a browser gives to `pushManager.subscribe` as `applicationServerKey`: base64url of 65 bytes."""

    public_key: str


class SubscriptionKeys(Body, frozen=True, kw_only=True):
    """The browser's public key and secret, as `PushSubscription.toJSON()` tells them."""

    p256dh: Annotated[str, msgspec.Meta(max_length=100)]
    auth: Annotated[str, msgspec.Meta(max_length=40)]


class SubscriptionBody(Body, frozen=True, kw_only=True):
    """A subscription; `label` is what its person calls the device."""

    endpoint: _Text
    keys: SubscriptionKeys
    label: Annotated[str, msgspec.Meta(max_length=100)] = ""
    expiration_time: float | None = msgspec.field(default=None, name="expirationTime")


class Subscribed(msgspec.Struct, frozen=True, kw_only=True):
    """The address that the person has now."""

    id: UUID


class EndpointBody(Body, frozen=True, kw_only=True):
    """What a browser knows of a subscription that it gives up."""

    endpoint: _Text


@get("/v1/push/key", guards=[requires_sign_in], tags=["Notifications"], sync_to_thread=False)
def show_push_key(request: AnyRequest) -> PushKey:
    """The key to subscribe with; it stays the same as long as the installation does."""
    return PushKey(public_key=appliance_of(request).notifications.vapid_key())


@post("/v1/push/subscriptions", guards=[requires_sign_in], status_code=201, tags=["Notifications"])
async def subscribe(request: AnyRequest, data: JSONBody[SubscriptionBody]) -> Subscribed:
    """Be told by this browser; subscribing again with the same endpoint changes its keys."""
    signed_in = signed_in_of(request)
    made = await appliance_of(request).notifications.addresses.subscribe(
        signed_in.actor,
        signed_in.person_id,
        endpoint=data.endpoint,
        p256dh=data.keys.p256dh,
        auth=data.keys.auth,
        label=data.label,
        now=now_of(request),
    )
    return Subscribed(id=made)


@delete("/v1/push/subscriptions", guards=[requires_sign_in], tags=["Notifications"])
async def unsubscribe(request: AnyRequest, data: JSONBody[EndpointBody]) -> None:
    """Be told by this browser no more."""
    signed_in, addresses = signed_in_of(request), appliance_of(request).notifications.addresses
    await addresses.unsubscribe(signed_in.actor, signed_in.person_id, data.endpoint, now_of(request))


handlers = [show_push_key, subscribe, unsubscribe]
