"""The pages of sign-in through a provider: cookies, redirects, and what a visitor is told when it fails."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.config.sign_in import Provider
from appliance.database.connection import read_connection
from server.authentication import provider_cookie_name
from tests.support.oidc_world import HTML, ORIGIN, Browser, OidcWorld, oidc_world
from tests.support.postgres import TestPostgres
from tests.support.pretended_provider import ISSUER, PretendedProvider
from tests.support.tokens import Signer


@pytest.fixture(scope="module")
async def world(postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OidcWorld]:
    """An application with a provider that answers, and one that nobody can reach."""
    place: Path = tmp_path_factory.mktemp("providers")
    settings = Provider(label="Staff & <b>", issuer=ISSUER, client_id="leash")
    gone = Provider(issuer="https://127.0.0.1:1", client_id="leash", allow_private_addresses=True)
    async with oidc_world(postgres, place, {"op": settings, "gone": gone}) as made:
        there = PretendedProvider(Signer())
        client = made.appliance.providers._clients["op"]
        client._fetcher = client._discovery._fetcher = there
        yield made


async def test_the_sign_in_page_offers_each_provider(world: OidcWorld) -> None:
    """By its label, as text, and with the way on from there."""
    page = await Browser(world).send("GET", "/sign-in?next=/agents%3Fa%3Db%26c")
    assert "Sign in with Staff &amp; &lt;b&gt;" in page.text
    assert 'href="/auth/oidc/op/begin?next=/agents%3Fa%3Db%26c"' in page.text
    assert "Sign in with gone" in page.text


async def test_the_cookie_of_an_errand_is_bound_to_this_host(world: OidcWorld) -> None:
    """Ten minutes, no script, no plain http; `Lax`, because the way back begins elsewhere."""
    sent = await world.client.get("/auth/oidc/op/begin", follow_redirects=False)
    told = sent.headers["set-cookie"]
    assert told.startswith(f"{provider_cookie_name(world.appliance.config.instance_name)}=olb_")
    for part in ("HttpOnly", "Secure", "Path=/", "SameSite=lax"):
        assert part.lower() in told.lower()
    assert "domain" not in told.lower()
    age = int(told.lower().partition("max-age=")[2].partition(";")[0])
    assert 590 <= age <= 600
    assert sent.headers["location"].startswith(f"{ISSUER}/authorize?")
    assert sent.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("evil", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"])
async def test_sign_in_never_leads_to_another_site(world: OidcWorld, evil: str) -> None:
    """What was wanted is kept on our side, and only if it is a path of ours."""
    await world.client.get("/auth/oidc/op/begin", params={"next": evil}, follow_redirects=False)
    async with read_connection() as connection:
        assert await connection.fetchval("SELECT back FROM oidc_flow ORDER BY created_at DESC LIMIT 1") == "/"


async def test_a_provider_that_is_gone_is_told_in_words(world: OidcWorld) -> None:
    """Without its address; the other ways in stay open."""
    page = await world.client.get("/auth/oidc/gone/begin", headers=HTML, follow_redirects=False)
    assert page.status_code == 503
    assert "cannot be used right now" in page.text
    assert "Other ways to sign in" in page.text
    assert "127.0.0.1:1" not in page.text


@pytest.mark.parametrize("path", ["begin", "callback", "signed-out"])
async def test_an_unknown_provider_is_not_found(world: OidcWorld, path: str) -> None:
    """With a way back to the page that lists them."""
    page = await world.client.get(f"/auth/oidc/nobody/{path}", headers=HTML, follow_redirects=False)
    assert page.status_code == 404
    assert "/sign-in" in page.text


@pytest.mark.parametrize(
    "query", ["", "?state=x&code=y", "?state=a&state=b&code=c", "?error=access_denied", "?code=" + "x" * 5000]
)
async def test_a_way_back_that_was_never_begun_is_told(world: OidcWorld, query: str) -> None:
    """And nobody is signed in by it."""
    page = await world.client.get(f"/auth/oidc/op/callback{query}", headers=HTML, follow_redirects=False)
    assert page.status_code == 410
    assert "was not begun in this browser" in page.text
    assert "set-cookie" not in page.headers


async def test_a_step_up_is_for_the_signed_in(world: OidcWorld) -> None:
    """Strangers are led to sign-in."""
    sent = await world.client.get("/auth/oidc/op/step-up", headers=HTML, follow_redirects=False)
    assert sent.status_code == 303
    assert sent.headers["location"].startswith("/sign-in")


async def test_a_providers_word_is_taken_as_a_form_only(world: OidcWorld) -> None:
    """Refused as the specification says (section 2.8): 400, and not to be cached."""
    for sent in ({"json": {"logout_token": "x"}}, {"data": {"logout_token": "a.b.c"}}, {}):
        reply = await world.client.post("/auth/oidc/op/backchannel-logout", **sent)  # type: ignore[arg-type]
        assert reply.status_code == 400
        assert reply.json()["code"] == "logout_token_refused"
        assert reply.headers["cache-control"] == "no-store"
    assert (await world.client.get("/auth/oidc/op/backchannel-logout")).status_code == 405


async def test_our_own_policy_lets_no_form_leave(world: OidcWorld) -> None:
    """That is why the provider is reached by links, and signed out of by a page of its own."""
    page = await world.client.get(f"{ORIGIN}/auth/oidc/op/signed-out", headers=HTML)
    assert "form-action 'self'" in page.headers["content-security-policy"]
    assert "You are signed out" in page.text
