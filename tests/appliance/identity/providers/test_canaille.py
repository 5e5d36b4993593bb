"""Sign-in through a second real provider, which others wrote in another language: `canaille`."""

from pathlib import Path

from appliance.config import Secret
from appliance.config.sign_in import Provider
from tests.appliance.identity.providers.test_oidc_provider import groups_of
from tests.support.canaille import SECRET, CanailleBrowser, canaille
from tests.support.oidc_world import ORIGIN, Browser, oidc_world
from tests.support.postgres import TestPostgres


async def test_a_person_signs_in_and_out(postgres: TestPostgres, tmp_path: Path) -> None:
    """With name, address and groups; the test of the provider is good; signing out ends both sessions."""
    async with canaille(tmp_path, ORIGIN) as issuer:
        settings = Provider(
            issuer=issuer,
            client_id="leash",
            client_secret=Secret(SECRET),
            scopes=("openid", "profile", "email", "groups"),
            allow_private_addresses=True,
            trust_email=True,  # it says neither that it verified an address nor that it did not
        )
        there = CanailleBrowser(ORIGIN)
        async with oidc_world(postgres, tmp_path, {"canaille": settings}) as world:
            steps = await world.appliance.providers.probe("canaille", world.appliance.clock())
            assert [step.is_good for step in steps] == [True, True, True], steps
            browser = Browser(world)
            back = await there.follow(await browser.begin("canaille"))
            assert (await browser.send("GET", back)).status_code == 303
            person = await world.signed_in(browser)
            assert person
            assert (person.display_name, person.email) == ("Ida Rhodes", "ida@example.org")
            assert await groups_of("ida@example.org") == {"staff"}
            left = await browser.sign_out()
            assert await world.signed_in(browser) is None
            back = await there.follow(left.headers["refresh"].removeprefix("0;url="))
            assert "Here and at your organisation" in (await browser.send("GET", back)).text
        await there.close()
