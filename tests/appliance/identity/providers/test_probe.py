"""What a provider's test says: discovery, keys, and how far the clocks are apart."""

from datetime import datetime, timedelta

import msgspec
import pytest

from appliance.adapters.jose.tokens import JoseTokenReader
from appliance.config.sign_in import Provider
from appliance.identity.providers.client import ProviderClient
from appliance.identity.providers.probe import probe
from appliance.identity.providers.records import Outbound, Reply, Step
from tests.support.people import NOW
from tests.support.pretended_provider import ISSUER, PretendedProvider
from tests.support.tokens import Signer


class Dated(PretendedProvider):
    """A provider whose server tells a time of its own."""

    time: datetime | None = None

    async def fetch(self, outbound: Outbound) -> Reply:
        """With the time."""
        return msgspec.structs.replace(await super().fetch(outbound), sent_at=self.time)


@pytest.fixture
def there() -> Dated:
    """The provider."""
    return Dated(Signer())


async def tried(there: Dated) -> dict[str, Step]:
    """What its test says, by section."""
    settings = Provider(issuer=ISSUER, client_id="leash")
    client = ProviderClient("staff", settings, there, JoseTokenReader("RS256"), "https://leash.example.org")
    return {step.section: step for step in await probe(client, NOW)}


@pytest.mark.parametrize(("seconds", "is_good"), [(0, True), (60, True), (61, False), (-60, True), (-61, False)])
async def test_clocks_may_differ_by_the_tolerance(there: Dated, seconds: int, *, is_good: bool) -> None:
    """A second more, and the test says what to do, because every token would be refused."""
    there.time = NOW + timedelta(seconds=seconds)
    clock = (await tried(there))["clock"]
    assert (clock.is_good, bool(clock.next_step)) == (is_good, not is_good)
    assert f"about {abs(seconds)} s {'ahead of' if seconds > 0 else 'behind'} ours" in clock.said


async def test_a_server_need_not_tell_its_time(there: Dated) -> None:
    """It says so, and nothing is wrong with that."""
    steps = await tried(there)
    assert list(steps) == ["discovery", "keys", "clock"]
    assert all(step.is_good for step in steps.values())


async def test_whoever_does_not_answer_is_told_once(there: Dated) -> None:
    """One step that failed, with its reason; a failure of the keys stands beside what works."""
    there.failing = {"/.well-known/openid-configuration"}
    assert [step.is_good for step in (await tried(there)).values()] == [False]
    there.failing = {"/keys"}
    assert {name: step.is_good for name, step in (await tried(there)).items()} == {"discovery": True, "keys": False}
