"""The cookies that carry a sign-in."""

from http.cookies import SimpleCookie

from pyotp.totp import TOTP

from appliance.clock import utc_now
from tests.support.people import OPERATOR, PASSWORD
from tests.support.web_world import ORIGIN, World

OWN_PAGE = {"origin": ORIGIN, "sec-fetch-site": "same-origin", "accept": "text/html"}


def only_cookie(header: str, name: str) -> dict[str, str]:
    """The attributes of a Set-Cookie header, which is that of the named cookie."""
    [(key, morsel)] = SimpleCookie(header).items()
    assert key == name
    return {attribute: str(value) for attribute, value in morsel.items() if value}


async def test_the_session_cookie_is_bound_to_the_host(world: World) -> None:
    """`__Host-`, Secure, HttpOnly, SameSite, the whole path, no domain, the instance in its name, and an end."""
    fields = {"email": world.owner.email, "password": PASSWORD, "code": world.owner.code(utc_now()), "next": "/"}
    reply = await world.client.post("/sign-in", data=fields, headers=OWN_PAGE, follow_redirects=False)
    assert reply.status_code == 303, reply.text
    [header] = reply.headers.get_list("set-cookie")
    found = only_cookie(header, f"__Host-leash-session-{world.appliance.config.instance_name}")
    assert 0 < int(found.pop("max-age")) <= 12 * 3600
    assert found == {"path": "/", "secure": "True", "httponly": "True", "samesite": "lax"}


async def test_the_claim_cookie_is_strict_and_taken_away(world: World) -> None:
    """Between the two steps of a one-time link its cookie never travels from another site, and ends with them."""
    link = await world.appliance.identity.links.create_owner_link(OPERATOR, now=utc_now(), is_another=True)
    fields = {"display_name": "Grace", "email": "grace@example.org", "password": PASSWORD, "repeated": PASSWORD}
    sent = await world.client.post(f"/claim/{link.token}", data=fields, headers=OWN_PAGE, follow_redirects=False)
    name = f"__Host-leash-claim-{world.appliance.config.instance_name}"
    found = only_cookie(sent.headers["set-cookie"], name)
    assert (found["samesite"], found["secure"], found["httponly"]) == ("strict", "True", "True")
    cookie = {"cookie": sent.headers["set-cookie"].partition(";")[0]}
    page = await world.client.get("/claim-code", headers={**OWN_PAGE, **cookie})
    secret = page.text.partition('<pre id="secret" tabindex="0">')[2].partition("<")[0]
    done = await world.client.post(
        "/claim-code", data={"code": TOTP(secret).now()}, headers={**OWN_PAGE, **cookie}, follow_redirects=False
    )
    ended = [header for header in done.headers.get_list("set-cookie") if header.startswith(name)]
    assert only_cookie(ended[0], name).get("max-age", "0") == "0"


async def test_another_installations_cookie_is_not_read(world: World) -> None:
    """Browsers share cookies between ports: the name of the instance keeps them apart."""
    cookie = {"cookie": f"__Host-leash-session-1={world.owner.token}"}
    assert (await world.client.get("/v1/account", headers=cookie)).status_code == 401
