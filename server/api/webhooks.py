"""Webhooks and chats of the organisation, for scripts."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import delete, get, post
from litestar.params import FromPath, JSONBody

from appliance.identity.rules import Permission
from appliance.notifications.records import NewSecret, Webhook
from server.api.records import Body
from server.authentication import signed_in_of
from server.authorization import requires, requires_step_up
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of

_READ = requires(Permission.SETTINGS_READ)
_MANAGE = requires(Permission.SETTINGS_MANAGE)


class WebhookList(msgspec.Struct, frozen=True, kw_only=True):
    """Every webhook and chat, the oldest first; without addresses and secrets."""

    webhooks: list[Webhook]


class WebhookBody(Body, frozen=True, kw_only=True):
    """Whom to tell of what: `channel` is webhook, slack or teams; no `kinds` are all of them."""

    name: Annotated[str, msgspec.Meta(max_length=100)]
    url: Annotated[str, msgspec.Meta(max_length=2048)]
    channel: Annotated[str, msgspec.Meta(max_length=20)] = "webhook"
    kinds: Annotated[tuple[str, ...], msgspec.Meta(max_length=50)] = ()


@get("/v1/webhooks", guards=[_READ], tags=["Notifications"])
async def list_webhooks(request: AnyRequest) -> WebhookList:
    """Who is told, and how that goes."""
    return WebhookList(webhooks=list(await appliance_of(request).notifications.webhooks.list()))


@post("/v1/webhooks", guards=[_MANAGE, requires_step_up], status_code=201, tags=["Notifications"])
async def add_webhook(request: AnyRequest, data: JSONBody[WebhookBody]) -> NewSecret:
    """Tell a program or a chat from now on; the secret that signs is told only now."""
    webhooks = appliance_of(request).notifications.webhooks
    return await webhooks.add(
        signed_in_of(request).actor,
        name=data.name,
        channel=data.channel,
        url=data.url,
        kinds=data.kinds,
        now=now_of(request),
    )


@post("/v1/webhooks/{webhook:uuid}/rotate", guards=[_MANAGE, requires_step_up], status_code=200, tags=["Notifications"])
async def rotate_webhook(request: AnyRequest, webhook: FromPath[UUID]) -> NewSecret:
    """Give it a new secret; for a day the old one signs as well."""
    webhooks = appliance_of(request).notifications.webhooks
    return await webhooks.rotate(signed_in_of(request).actor, webhook, now_of(request))


@post("/v1/webhooks/{webhook:uuid}/test", guards=[_MANAGE], status_code=202, tags=["Notifications"])
async def test_one_webhook(request: AnyRequest, webhook: FromPath[UUID]) -> None:
    """Send it a test; what becomes of it is in the log within seconds."""
    await appliance_of(request).notifications.test_webhook(webhook, now_of(request))


@delete("/v1/webhooks/{webhook:uuid}", guards=[_MANAGE, requires_step_up], tags=["Notifications"])
async def remove_webhook(request: AnyRequest, webhook: FromPath[UUID]) -> None:
    """Tell it nothing any more."""
    webhooks = appliance_of(request).notifications.webhooks
    await webhooks.remove(signed_in_of(request).actor, webhook, now_of(request))


handlers = [list_webhooks, add_webhook, rotate_webhook, test_one_webhook, remove_webhook]
