"""What every answer has, whichever way it was made, and what is refused before anybody looks at it."""

import json

import httpx
import pytest
import structlog
from structlog.testing import capture_logs

from tests.support.web_world import ORIGIN, World

PLACES = ("/sign-in", "/health/live", "/v1/account", "/no/such/page", "/v1/no-such", "/static/frame.css")


@pytest.mark.parametrize("path", PLACES)
async def test_every_answer_has_the_security_headers(world: World, path: str) -> None:
    """Pages, JSON, files, refusals and addresses without a route alike."""
    headers = (await world.client.get(path, headers={"accept": "text/html"})).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["referrer-policy"] in {"no-referrer", "same-origin"}
    assert "camera=()" in headers["permissions-policy"]
    assert headers["strict-transport-security"].startswith("max-age=")
    assert "access-control-allow-origin" not in headers
    assert headers["cache-control"] in {"no-store", "no-cache"}


async def test_another_sites_page_gets_no_permission(world: World) -> None:
    """A preflight request is answered without any CORS header."""
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    reply = await world.client.options("/v1/policies", headers=asked)
    assert not [name for name in reply.headers if name.startswith("access-control-")]


async def test_a_request_is_found_again_by_its_number(world: World) -> None:
    """A well-formed number is taken over, every other is replaced; log line and problem carry it."""
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        taken = await world.client.get("/v1/account", headers={"x-request-id": "ticket-4711-abc"})
    assert taken.headers["x-request-id"] == "ticket-4711-abc"
    assert taken.json()["correlation_id"] == "ticket-4711-abc"
    [line] = [line for line in lines if line["event"] == "http.request"]
    assert (line["request_id"], line["status"]) == ("ticket-4711-abc", 401)
    for odd in ("short", "x" * 65, "with space", 'quote"d-and-long', "<script>alert(1)</script>"):
        reply = await world.client.get("/health/live", headers={"x-request-id": odd})
        assert reply.headers["x-request-id"] != odd
        assert len(reply.headers["x-request-id"]) == 36


async def test_the_log_holds_no_token(world: World) -> None:
    """No query string, no one-time link, no cookie and no bearer token stands in a log line."""
    secret = "oll_" + "s" * 43
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        await world.client.get(f"/claim/{secret}")
        await world.client.get(f"/Claim/{secret}/x")
        await world.client.get(f"/v1/account?token={secret}", headers={"authorization": f"Bearer {secret}"})
        await world.hook({}, token="ol_" + "s" * 43)
    assert len([line for line in lines if line["event"] in {"http.request", "hook.denied"}]) == 4
    assert "sssss" not in json.dumps(lines, default=str)


@pytest.mark.parametrize(
    "host", ["evil.example", "leash.example.org.evil.example", "leash.example.org@evil.example", "[::2]", "x y"]
)
async def test_another_host_name_is_refused(world: World, host: str) -> None:
    """A name that was rebound to our address opens nothing: 421, whoever is signed in."""
    reply = await world.as_browser(world.owner, "GET", "/approvals", {"host": host, "accept": "application/json"})
    assert (reply.status_code, reply.json()["code"]) == (421, "host_unknown")


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
async def test_an_empty_host_is_refused_like_another_one(world: World, accept: str) -> None:
    """With an answer, although its address cannot be put together."""
    reply = await world.as_browser(world.owner, "GET", "/approvals", {"host": "", "accept": accept})
    assert (reply.status_code, reply.headers["content-type"].partition("+")[0].partition(";")[0]) == (
        421, "text/html" if accept == "text/html" else "application/problem",
    )  # fmt: skip


async def test_clients_never_get_html(world: World) -> None:
    """Whatever they say that they take: the published ones show a text as it is."""
    for path in ("/v1/no-such", "/api/no-such"):
        reply = await world.client.get(path, headers={"accept": "text/html"})
        assert (reply.status_code, reply.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/sign-in", "/claim/oll_x", "/claim-code"])
async def test_a_form_in_an_encoding_that_does_not_exist_is_no_fault_of_ours(world: World, path: str) -> None:
    """Strangers can send it: it is a form without fields."""
    part = 'Content-Disposition: form-data; name="email"\r\nContent-Type: text/plain; charset=bogus'
    reply = await world.client.post(
        path,
        content=f"--x\r\n{part}\r\n\r\na\r\n--x--".encode(),
        headers={"content-type": "multipart/form-data; boundary=x", "origin": ORIGIN, "sec-fetch-site": "same-origin"},
    )
    assert 400 <= reply.status_code < 500


@pytest.mark.parametrize("host", ["leash.example.org", "LEASH.example.org:443", "localhost:8080", "127.0.0.1", "[::1]"])
async def test_our_own_names_are_answered(world: World, host: str) -> None:
    """The public name, and the names of the machine itself, with any port."""
    assert (await world.as_browser(world.owner, "GET", "/approvals", {"host": host})).status_code == 200


async def test_probes_of_the_platform_may_use_an_address(world: World) -> None:
    """Health is answered whatever the host is called: kubelets ask by address."""
    assert (await world.client.get("/health/live", headers={"host": "10.1.2.3:9318"})).status_code == 200


async def test_a_forged_forwarded_address_is_not_believed(world: World) -> None:
    """Without a trusted proxy the client is whoever is connected."""
    with capture_logs() as lines:
        await world.client.get("/sign-in", headers={"x-forwarded-for": "198.51.100.1", "forwarded": "for=198.51.100.1"})
    assert lines[-1]["address"] == "192.0.2.7"


async def test_doubled_slashes_before_a_path_do_not_matter(world: World) -> None:
    """Clients that append `/v1/…` to an address with a slash at its end reach what they want."""
    request = httpx.Request("GET", f"{ORIGIN}//health/live")
    assert (await world.client.send(request)).status_code == 200


async def test_nobody_is_signed_in_twice(world: World) -> None:
    """A request with a dead bearer token is nobody's, whatever cookie it also carries."""
    reply = await world.as_browser(world.owner, "GET", "/v1/account", {"authorization": "Bearer ols_dead"})
    assert reply.status_code == 401
    basic = await world.as_browser(world.owner, "GET", "/v1/account", {"authorization": "Basic eDp5"})
    assert basic.status_code == 401
