"""Sign-in through a real provider: npm's `oidc-provider`, certified by the OpenID Foundation."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.config import Secret
from appliance.config.sign_in import Provider
from appliance.database.connection import read_connection
from tests.support.oidc_provider import SECRET, ProviderBrowser, RunningProvider, oidc_provider, query_of
from tests.support.oidc_world import ORIGIN, Browser, Clock, OidcWorld, oidc_world, relayed
from tests.support.people import ledger_events, ledger_facts
from tests.support.postgres import TestPostgres

SCOPES = ("openid", "profile", "email", "groups")


def settings_of(running: RunningProvider, **changes: object) -> Provider:
    """The provider as an administrator would configure it."""
    common = {"label": "Staff", "issuer": running.issuer, "client_id": "leash", "client_secret": Secret(SECRET)}
    return Provider(**{**common, "scopes": SCOPES, "allow_private_addresses": True, **changes})  # type: ignore[arg-type]


@asynccontextmanager
async def at_provider(person: str) -> AsyncIterator[ProviderBrowser]:
    """Somebody at the provider."""
    browser = ProviderBrowser(person, ORIGIN)
    try:
        yield browser
    finally:
        await browser.close()


async def signed_in_browser(world: OidcWorld, there: ProviderBrowser) -> Browser:
    """A browser that has signed in."""
    browser = Browser(world)
    back = await there.follow(await browser.begin())
    assert (await browser.send("GET", back)).status_code == 303
    return browser


async def groups_of(email: str) -> set[str]:
    """The names of a person's groups."""
    async with read_connection() as connection:
        rows = await connection.fetch(
            "SELECT g.name FROM external_account a JOIN identity_group g ON g.id = ANY(a.groups) "
            "JOIN person p ON p.id = a.person WHERE p.email = $1",
            email,
        )
    return {row["name"] for row in rows}


@pytest.mark.parametrize(
    ("algorithm", "is_conform", "method"),
    [
        ("RS256", False, "client_secret_basic"),
        ("PS256", True, "client_secret_post"),
        ("ES256", True, "client_secret_basic"),
        ("EdDSA", False, "client_secret_post"),
    ],
)
async def test_a_person_signs_in_with_code_and_pkce(
    postgres: TestPostgres,
    tmp_path: Path,
    algorithm: str,
    is_conform: bool,  # noqa: FBT001 - a parameter of the test
    method: str,
) -> None:
    """By each algorithm and way to prove who the client is; claims come in the ID token or from userinfo."""
    async with (
        oidc_provider(tmp_path, ORIGIN, algorithm=algorithm, is_conform=is_conform, method=method) as running,
        oidc_world(postgres, tmp_path, {"op": settings_of(running, algorithm=algorithm)}) as world,
        at_provider("ida") as there,
    ):
        browser = Browser(world)
        assert "Sign in with Staff" in (await browser.send("GET", "/sign-in?next=/agents")).text
        there_address = await browser.begin(query="?next=/account")
        asked = query_of(there_address)
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        back = await there.follow(there_address)
        done = await browser.send("GET", back)
        assert (done.status_code, done.headers["location"]) == (303, "/account")
        person = await world.signed_in(browser)
        assert person
        assert (person.display_name, person.email) == ("Ida Rhodes", "ida@example.org")
        assert await groups_of("ida@example.org") == {"staff", "admins"}
        (facts,) = [each for each in await ledger_facts("sign_in.succeeded") if each.get("provider") == "op"]
        assert facts["factor"] == "provider"
        again = await signed_in_browser(world, there)
        second = await world.signed_in(again)
        assert second
        assert second.person_id == person.person_id
        assert (await ledger_events())["person.provisioned"] == 1


async def test_a_code_works_once_and_in_its_own_browser(postgres: TestPostgres, tmp_path: Path) -> None:
    """A way back that is opened again, or in another browser, leads to a page that says what to do."""
    async with (
        oidc_provider(tmp_path, ORIGIN) as running,
        oidc_world(postgres, tmp_path, {"op": settings_of(running)}) as world,
        at_provider("ida") as there,
    ):
        browser, other = Browser(world), Browser(world)
        back = await there.follow(await browser.begin())
        await other.begin()
        stolen = await other.send("GET", back)
        assert stolen.status_code == 410
        assert "Begin again" in stolen.text
        assert other.token is None
        assert (await browser.send("GET", back)).status_code == 410, "what was tried elsewhere is used up"
        back = await there.follow(await browser.begin())
        assert (await browser.send("GET", back)).status_code == 303
        assert (await browser.send("GET", back)).status_code == 410
        # The code itself under a state of this browser's own: the provider refuses it.
        state = query_of(await browser.begin())["state"]
        reused = f"{ORIGIN}/auth/oidc/op/callback?code={query_of(back)['code']}&state={state}&iss={running.issuer}"
        assert (await browser.send("GET", reused)).status_code == 401
        causes = [each["cause"] for each in await ledger_facts("sign_in.refused")]
        assert causes == ["other_browser", "code_refused"]


async def test_two_tabs_of_a_browser_both_come_back(postgres: TestPostgres, tmp_path: Path) -> None:
    """The second one keeps the cookie of the first."""
    async with (
        oidc_provider(tmp_path, ORIGIN) as running,
        oidc_world(postgres, tmp_path, {"op": settings_of(running)}) as world,
        at_provider("ida") as there,
    ):
        browser = Browser(world)
        first, second = await browser.begin(), await browser.begin()
        for address in (first, second):
            assert (await browser.send("GET", await there.follow(address))).status_code == 303


async def test_keys_that_change_during_a_sign_in_are_fetched(postgres: TestPostgres, tmp_path: Path) -> None:
    """Once in half a minute at most: a second change within it waits."""
    clock = Clock()
    async with (
        oidc_provider(tmp_path, ORIGIN) as running,
        oidc_world(postgres, tmp_path, {"op": settings_of(running)}, clock) as world,
        at_provider("ida") as there,
    ):
        await signed_in_browser(world, there)
        browser = Browser(world)
        back = await there.follow(await browser.begin())
        await running.rotate()
        assert (await browser.send("GET", back)).status_code == 401
        assert (await ledger_facts("sign_in.refused"))[-1]["cause"] == "key_unknown"
        clock.ahead = timedelta(seconds=31)
        back = await there.follow(await browser.begin())
        assert (await browser.send("GET", back)).status_code == 303
        assert await world.signed_in(browser)


async def test_signing_out_here_signs_out_there(postgres: TestPostgres, tmp_path: Path) -> None:
    """The provider knows whose session it is by the token that we kept, and sends the browser back."""
    async with (
        oidc_provider(tmp_path, ORIGIN) as running,
        oidc_world(postgres, tmp_path, {"op": settings_of(running)}) as world,
        at_provider("ida") as there,
    ):
        browser = await signed_in_browser(world, there)
        left = await browser.sign_out()
        assert left.status_code == 200, left.text
        address = left.headers["refresh"].removeprefix("0;url=")
        assert address.startswith(running.issuer)
        assert query_of(address)["id_token_hint"].count(".") == 2
        assert browser.token is None
        back = await there.follow(address)
        page = await browser.send("GET", back)
        assert "Here and at your organisation" in page.text
        again = await browser.send("GET", back)
        assert "Here and at your organisation" not in again.text
        assert there.logins == 1
        await signed_in_browser(world, there)
        assert there.logins == 2, "the provider had forgotten the person"


async def test_signing_out_there_signs_out_here(
    postgres: TestPostgres, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At once, the browser's other session at another provider session stays; the token works once."""
    async with (
        oidc_provider(tmp_path, ORIGIN) as running,
        oidc_world(postgres, tmp_path, {"op": settings_of(running)}) as world,
        at_provider("ida") as there,
        at_provider("ida") as elsewhere,
        relayed(world, running.backchannel) as statuses,
    ):
        first, second = await signed_in_browser(world, there), await signed_in_browser(world, elsewhere)
        assert await world.signed_in(first)
        leaving = await there.follow(f"{running.issuer}/session/end?{_hint(await _id_token(world, first))}")
        began = time.monotonic()
        while await world.signed_in(first):
            assert time.monotonic() - began < 60
            await asyncio.sleep(0.02)
        with capsys.disabled():
            print(f"\nback-channel logout: session dead after {time.monotonic() - began:.3f} s")  # noqa: T201 - measured
        assert leaving.startswith(ORIGIN)
        assert statuses == [200]
        assert await world.signed_in(second), "another session at the provider is another session here"
        (facts,) = await ledger_facts("provider_logout.received")
        assert facts["sessions"] == 1


async def _id_token(world: OidcWorld, browser: Browser) -> str:
    signed_in = await world.signed_in(browser)
    assert signed_in
    begun = await world.appliance.providers.sign_out_address(signed_in.session_id, None, world.appliance.clock())
    assert begun
    return query_of(begun.address)["id_token_hint"]


def _hint(id_token: str) -> str:
    return f"id_token_hint={id_token}&client_id=leash&post_logout_redirect_uri={ORIGIN}/auth/oidc/op/signed-out"


async def test_a_step_up_asks_the_person_again(postgres: TestPostgres, tmp_path: Path) -> None:
    """Though they have a session at the provider; somebody else's proof is no proof."""
    async with (
        oidc_provider(tmp_path, ORIGIN) as running,
        oidc_world(postgres, tmp_path, {"op": settings_of(running)}) as world,
        at_provider("ida") as there,
        at_provider("kay") as another,
    ):
        browser = await signed_in_browser(world, there)
        before = await world.signed_in(browser)
        assert before
        assert before.stepped_up_at is None
        address = await browser.begin(verb="step-up", query="?next=/people")
        assert (query_of(address)["max_age"], query_of(address)["prompt"]) == ("0", "login")
        refused = await browser.send("GET", await another.follow(address))
        assert refused.status_code == 403
        assert (await ledger_facts("provider_step_up.refused"))[-1]["cause"] == "other_person"
        back = await there.follow(await browser.begin(verb="step-up", query="?next=/people"))
        done = await browser.send("GET", back)
        assert (done.status_code, done.headers["location"]) == (303, "/people")
        assert there.logins == 2
        after = await world.signed_in(browser)
        assert after
        assert after.stepped_up_at is not None


async def test_an_acr_that_the_provider_does_not_give_is_no_step_up(postgres: TestPostgres, tmp_path: Path) -> None:
    """What the settings insist on is insisted on."""
    async with (
        oidc_provider(tmp_path, ORIGIN) as running,
        oidc_world(postgres, tmp_path, {"op": settings_of(running, step_up_acr="strong")}) as world,
        at_provider("ida") as there,
    ):
        browser = await signed_in_browser(world, there)
        address = await browser.begin(verb="step-up")
        assert query_of(address)["acr_values"] == "strong"
        assert (await browser.send("GET", await there.follow(address))).status_code == 403
        assert (await ledger_facts("provider_step_up.refused"))[-1]["cause"] == "context_too_weak"


async def test_somebody_who_says_no_is_told_kindly(postgres: TestPostgres, tmp_path: Path) -> None:
    """The page offers to try again."""
    async with (
        oidc_provider(tmp_path, ORIGIN) as running,
        oidc_world(postgres, tmp_path, {"op": settings_of(running)}) as world,
    ):
        browser = Browser(world)
        state = query_of(await browser.begin())["state"]
        told = f"/auth/oidc/op/callback?error=access_denied&state={state}&iss={running.issuer}"
        page = await browser.send("GET", told)
        assert page.status_code == 401
        assert "Try Staff again" in page.text
        assert "did not sign you in" in page.text
