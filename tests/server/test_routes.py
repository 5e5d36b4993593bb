"""The route table: whatever changes something refuses strangers, the wrong roles, and forged requests."""

import re
from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from appliance.clock import utc_now
from appliance.database.identifiers import uuid7
from appliance.identity.records import Role
from appliance.identity.rules import Permission
from server.authorization import requires_client, requires_own_page
from tests.support.people import ledger_events, make_person
from tests.support.web_world import World

SAFE = {"GET", "HEAD", "OPTIONS"}
# Machines come with a token of their own in the body or the query: no session, no cookie, nothing to forge.
BY_THEIR_OWN_TOKEN = {
    "/v1/enroll", "/v1/hooks/{agent:str}/{event:str}", "/auth/oidc/{name:str}/backchannel-logout",
    "/v1/mobile/auth/start", "/v1/mobile/auth/exchange",
    "/api/updates/check",  # published clients ask for updates without any token
}  # fmt: skip
# Identity providers send a token of their own; tests/server/scim looks at every one of these routes.
SCIM = "/scim/v2/"
# What everybody who is signed in may try; what becomes of it depends on whose thing it is.
FOR_EVERYBODY = {
    "/sign-out", "/account/sessions/{session_id:uuid}/revoke", "/account/sessions/revoke-others",
    "/v1/account/sessions", "/v1/account/sessions/{session_id:uuid}", "/step-up", "/step-up/directory/{name:str}",
    "/step-up/passkey/begin", "/step-up/passkey", "/account/passkeys", "/account/passkeys/begin",
    "/account/passkeys/{passkey_id:uuid}/remove",
    "/auth/app", "/account/connect", "/v1/mobile/devices", "/v1/desktop/enroll",
    "/v1/push/subscriptions", "/v1/notifications/topics", "/v1/notifications/addresses/{address:uuid}",
    "/v1/notifications/preferences", "/v1/notifications/test", "/account/notifications/preferences",
    "/account/notifications/topics", "/account/notifications/test", "/account/notifications/{address:uuid}/remove",
}  # fmt: skip
HTML = {"accept": "text/html"}


def changing_routes(app: Litestar) -> Iterator[tuple[str, str, bool]]:
    """Method, path pattern, and whether it is a form of people without a session."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                is_open = requires_own_page in (handler.guards or ())
                for method in handler.http_methods - SAFE:
                    yield method, route.path, is_open


def api_routes(app: Litestar) -> Iterator[tuple[str, str, str]]:
    """Method, path and permission of the routes that machines and scripts use; without a permission why not."""
    for route in app.routes:
        if not isinstance(route, HTTPRoute) or not route.path.startswith(("/v1/", "/health", "/.well-known/", "/api/")):
            continue
        for handler in route.route_handlers:
            for method in handler.http_methods - {"HEAD", "OPTIONS"}:
                if handler.include_in_schema is not False and not route.path.startswith("/v1/openapi"):
                    yield method, route.path_format, _permission(handler)


def _permission(handler: HTTPRouteHandler) -> str:
    names = [getattr(guard, "__name__", "") for guard in handler.guards or ()]
    found = [name for name in names if name.startswith("requires_")]
    if not found:
        return "-"
    wanted = found[0].removeprefix("requires_")
    plain = {"sign_in": "signed in", "client": "signed in, or a machine"}
    return plain.get(wanted) or f"`{Permission[wanted.upper()].value}`"


def filled(path: str) -> str:
    """A path with a plausible value for each parameter."""
    values = {"uuid": str(uuid7()), "int": "1", "str": "x", "path": "x"}
    return re.sub(r"\{\w+:(\w+)\}", lambda found: values[found[1]], path)


def session_routes(world: World) -> list[tuple[str, str]]:
    """The routes that need a session."""
    found = [(method, path) for method, path, is_open in changing_routes(world.client.app) if not is_open]
    own = (*BY_THEIR_OWN_TOKEN, SCIM)
    return [(method, path) for method, path in found if not path.startswith(own)]


def client_paths(world: World) -> set[str]:
    """The routes that take a machine's own token, too."""
    return {
        route.path
        for route in world.client.app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if requires_client in (handler.guards or ())
    }


async def test_every_change_needs_somebody_signed_in(world: World) -> None:
    """API routes answer 401 with a problem, pages lead to sign-in; a machine's token is nobody's sign-in."""
    routes, clients = session_routes(world), client_paths(world)
    assert len(routes) >= 19
    assert len(clients) >= 17
    for method, path in routes:
        machine = {"authorization": f"Bearer {'ol_' + 'A' * 43 if path in clients else world.machine_token}"}
        for headers in ({}, machine):
            reply = await world.client.request(method, filled(path), headers=headers, follow_redirects=False)
            is_page = not path.startswith("/v1/") and not headers
            assert reply.status_code == (303 if is_page else 401), (method, path, reply.text)
            if is_page:
                assert reply.headers["location"] == "/sign-in"
            else:
                assert reply.json()["code"] == "sign_in_required"
                assert reply.headers["www-authenticate"] == "Bearer"


async def test_a_machine_changes_nothing_that_is_not_its_own(world: World) -> None:
    """On each route of clients an agent's token tells of its machine, or is refused in words; never a fault."""
    headers = {"authorization": f"Bearer {world.machine_token}"}
    for method, path in session_routes(world):
        if path in client_paths(world):
            reply = await world.client.request(method, filled(path), headers=headers, json={})
            assert reply.status_code in {200, 400, 403, 404}, (method, path, reply.text)


async def test_every_change_by_cookie_needs_the_form_token(world: World) -> None:
    """With the owner's cookie but no token, another session's token, or another site's page: 403, and recorded."""
    other = await make_person(world.appliance.identity, Role.SECURITY, "sec@example.org", utc_now())
    right, wrong = await world.csrf(world.owner), await world.csrf(other)
    for method, path in session_routes(world):
        for headers, fields in (
            ({}, {}),
            ({}, {"csrf_token": wrong}),
            ({"x-csrf-token": wrong}, {}),
            ({"sec-fetch-site": "cross-site", "origin": "https://evil.example"}, {"csrf_token": right}),
            ({"sec-fetch-site": "same-site"}, {"csrf_token": right}),
        ):
            reply = await world.as_browser(world.owner, method, filled(path), headers, data=fields or None)
            assert reply.status_code == 403, (method, path, reply.text)
            assert reply.json()["code"] == "request_forged"
    assert (await ledger_events())["request.refused"] > 0


async def test_every_change_needs_its_permission(world: World) -> None:
    """Somebody without any role but member is refused, and the refusal is in the ledger."""
    for method, path in session_routes(world):
        if path in FOR_EVERYBODY | client_paths(world) or path.startswith(("/approvals/", "/v1/approvals/")):
            continue
        reply = await world.as_script(world.member, method, filled(path))
        assert reply.status_code == 403, (method, path, reply.text)
        assert reply.json()["code"] == "permission_missing"
    assert (await ledger_events())["permission.refused"] > 0


async def test_the_right_token_opens_what_was_refused(world: World) -> None:
    """The same request with its own session's token gets past the guards, by field and by header."""
    token = await world.csrf(world.owner)
    by_field = await world.as_browser(world.owner, "POST", "/policies/edit", data={"csrf_token": token, "text": ""})
    assert by_field.status_code == 200, by_field.text
    by_header = await world.as_browser(
        world.owner, "POST", "/v1/policies/validate", {"x-csrf-token": token}, json={"text": "permit ("}
    )
    assert by_header.json()["is_publishable"] is False


@pytest.mark.parametrize("told", [{}, {"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}])
async def test_sign_in_forms_come_from_our_own_pages(world: World, told: dict[str, str]) -> None:
    """Nobody can be signed in, or be made an owner, by another site's page."""
    open_forms = [(method, path) for method, path, is_open in changing_routes(world.client.app) if is_open]
    assert len(open_forms) == 9
    for method, path in open_forms:
        reply = await world.client.request(method, filled(path), headers={**HTML, **told})
        assert reply.status_code == 403, (path, reply.text)
        assert "did not come from a page of this service" in reply.text


async def test_every_page_and_route_that_reads_needs_somebody_too(world: World) -> None:
    """Only health, sign-in, one-time links, the API's description and files are open."""
    is_open = (
        "/health",
        "/sign-in",
        "/break-glass",
        "/claim",
        "/v1/openapi",
        "/static/",
        "/{",
        "/auth/oidc/",
        "/auth/app",
        "/v1/mobile/bootstrap",
        "/shim/",
        "/.well-known/",
        "/sw.js",
        "/offline",
        "/api/updates/",
    )
    for route in world.client.app.routes:
        if not isinstance(route, HTTPRoute) or "GET" not in route.methods or route.path.startswith(is_open):
            continue
        reply = await world.client.get(filled(route.path), follow_redirects=False)
        assert reply.status_code in {303, 401}, (route.path, reply.status_code)
