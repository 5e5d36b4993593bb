"""The organisation's notifications: webhooks and chats, on-call orders, and the delivery log with its dead letters."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.status_codes import HTTP_303_SEE_OTHER

from appliance.errors import LeashError
from appliance.identity.queries import find_person, people_by_ids
from appliance.identity.records import Role
from appliance.identity.rules import Permission, prepare_email
from appliance.notifications import log, on_call
from appliance.notifications.errors import OnCallRefusedError
from appliance.notifications.kinds import KINDS
from appliance.notifications.records import SHARED, DeliveryState, Kind, NewSecret
from server.authentication import signed_in_of
from server.authorization import requires, requires_step_up
from server.dashboard.dependencies import AnyRequest, appliance_of, attempted, fields_of, now_of, uuid_or_none
from server.dashboard.people import ChangeUnknownError
from server.dashboard.rendering import page
from server.errors import status_of

PATH: Final = "/notifications"
_READ = requires(Permission.SETTINGS_READ)
_MANAGE = requires(Permission.SETTINGS_MANAGE)
Change = Callable[[AnyRequest, UUID], Awaitable[NewSecret | None]]


async def _test(request: AnyRequest, webhook: UUID) -> None:
    await appliance_of(request).notifications.test_webhook(webhook, now_of(request))


async def _rotate(request: AnyRequest, webhook: UUID) -> NewSecret:
    webhooks = appliance_of(request).notifications.webhooks
    return await webhooks.rotate(signed_in_of(request).actor, webhook, now_of(request))


async def _remove(request: AnyRequest, webhook: UUID) -> None:
    webhooks = appliance_of(request).notifications.webhooks
    await webhooks.remove(signed_in_of(request).actor, webhook, now_of(request))


CHANGES: Final[dict[str, Change]] = {"rotate": _rotate, "remove": _remove}


@get(PATH, guards=[_READ], include_in_schema=False)
async def show_notifications(request: AnyRequest) -> Template:
    """Who is told of what, and what became of it."""
    return await _page(request)


@post(f"{PATH}/webhooks", guards=[_MANAGE, requires_step_up], include_in_schema=False)
async def add_webhook(request: AnyRequest) -> Response[Any]:
    """Tell a program or a chat from now on."""
    fields = await fields_of(request)
    made = await attempted(
        appliance_of(request).notifications.webhooks.add(
            signed_in_of(request).actor,
            name=fields.get("name", ""),
            channel=fields.get("channel", ""),
            url=fields.get("url", "").strip(),
            kinds=[kind.value for kind in KINDS if f"kind:{kind}" in fields],
            now=now_of(request),
        )
    )
    if isinstance(made, LeashError):
        return await _page(request, problem=made)
    return await _page(request, secret=made.secret, done="added", status_code=201)


@post(f"{PATH}/webhooks/{{webhook:uuid}}/test", guards=[_MANAGE], include_in_schema=False)
async def test_webhook(request: AnyRequest, webhook: FromPath[UUID]) -> Response[Any]:
    """Send a test to a webhook or chat."""
    return await _done(request, _test(request, webhook), "tested")


@post(f"{PATH}/webhooks/{{webhook:uuid}}/{{change:str}}", guards=[_MANAGE, requires_step_up], include_in_schema=False)
async def change_webhook(request: AnyRequest, webhook: FromPath[UUID], change: FromPath[str]) -> Response[Any]:
    """Give it another secret, or tell it nothing any more."""
    if change not in CHANGES:
        return await _page(request, problem=ChangeUnknownError())
    made = await attempted(CHANGES[change](request, webhook))
    if isinstance(made, NewSecret):
        return await _page(request, secret=made.secret, done="rotated")
    return await _page(request, problem=made) if made else _back("removed")


@post(f"{PATH}/on-call", guards=[_MANAGE, requires_step_up], include_in_schema=False)
async def change_on_call(request: AnyRequest) -> Response[Any]:
    """Set the order of a role or approver group; nobody ends it."""
    return await _done(request, _set_order(request, await fields_of(request)), "on_call")


async def _set_order(request: AnyRequest, fields: dict[str, str]) -> None:
    people = list[UUID]()
    for line in fields.get("people", "").replace(",", "\n").split("\n"):
        if line.strip():
            found = await find_person(prepare_email(line))
            if found is None:
                raise OnCallRefusedError(f"Nobody here has the address {line.strip()!r:.100}")
            people.append(found.id)
    await on_call.set_order(signed_in_of(request).actor, fields.get("role", "").strip(), people, now_of(request))


@post(f"{PATH}/log/{{delivery:uuid}}/replay", guards=[_MANAGE], include_in_schema=False)
async def replay(request: AnyRequest, delivery: FromPath[UUID]) -> Response[Any]:
    """Send a dead letter on its way again."""
    notifications = appliance_of(request).notifications
    return await _done(
        request, notifications.replay(signed_in_of(request).actor, delivery, now_of(request)), "replayed"
    )


async def _done(request: AnyRequest, work: Awaitable[None], done: str) -> Response[Any]:
    problem = await attempted(work)
    return await _page(request, problem=problem) if isinstance(problem, LeashError) else _back(done)


def _back(done: str) -> Redirect:
    return Redirect(f"{PATH}?done={done}", status_code=HTTP_303_SEE_OTHER)


async def _page(
    request: AnyRequest,
    *,
    problem: LeashError | None = None,
    secret: str = "",
    done: str = "",
    status_code: int = 200,
) -> Template:
    notifications = appliance_of(request).notifications
    state = next((each for each in DeliveryState if each == request.query_params.get("only")), None)
    lines = await log.deliveries(state=state, before=uuid_or_none(request.query_params.get("before", "")))
    orders, webhooks = await on_call.orders(), await notifications.webhooks.list()
    names = await _names(
        [*(line.person for line in lines if line.person), *(person for order in orders.values() for person in order)]
    )
    return page(
        request,
        "notifications.html",
        title="Notifications",
        status_code=status_of(problem) if problem else status_code,
        problem=problem,
        secret=secret,
        done=done or request.query_params.get("done", ""),
        webhooks=webhooks,
        shared=SHARED,
        kinds=[(kind, telling) for kind, telling in KINDS.items() if kind is not Kind.TEST],
        orders=orders,
        roles=[role.value for role in Role],
        names=names,
        webhook_names={webhook.id: webhook.name for webhook in webhooks},
        lines=lines,
        only=state,
        states=list(DeliveryState),
        following=lines[-1].id if len(lines) == log.PAGE else None,
        is_mail_on=notifications.is_mail_on,
    )


async def _names(people: Iterable[UUID]) -> dict[UUID, str]:
    """Who these people are, for whoever may see that."""
    return {person.id: person.display_name for person in await people_by_ids(set(people))}


handlers = [
    show_notifications, add_webhook, test_webhook, change_webhook, change_on_call, replay,
]  # fmt: skip
