"""What counts as having proved again, at the provider, who one is."""

from collections.abc import Callable
from typing import Any

import pytest

from appliance.identity.providers.errors import ProviderUnavailableError, StepUpRefusedError
from tests.appliance.identity.providers.conftest import Scene
from tests.support.people import NOW, ledger_events, ledger_facts

IDA = {"name": "Ida", "email": "ida@example.org", "groups": []}
SECONDS = int(NOW.timestamp())


async def test_a_fresh_proof_of_the_same_person_is_one(scene: Scene) -> None:
    """The session goes on under a new token, and knows when; signing in alone is none."""
    signed_in = await scene.sign_in(**IDA, auth_time=SECONDS)
    assert signed_in.stepped_up_at is None
    scene.there.claims = {**IDA, "auth_time": SECONDS}
    asked = await scene.begin(step_up_for=signed_in)
    finished = await scene.finish(asked, signed_in)
    assert finished.session.session_id == signed_in.session_id
    after = await scene.identity.sessions.authenticate(finished.session.token, NOW)
    assert after
    assert after.stepped_up_at == NOW
    assert (await ledger_events())["sign_in.succeeded"] == 1


@pytest.mark.parametrize(
    ("claims", "cause"),
    [
        ({"auth_time": None}, "claim_missing"),
        ({"auth_time": str(SECONDS)}, "claim_mistyped"),
        ({"auth_time": True}, "claim_mistyped"),
        ({"auth_time": SECONDS - 61}, "authenticated_too_long_ago"),
        ({"auth_time": SECONDS, "acr": None}, "context_too_weak"),
        ({"auth_time": SECONDS, "acr": "weak"}, "context_too_weak"),
        ({"auth_time": SECONDS, "acr": ["strong"]}, "claim_mistyped"),
        ({"auth_time": SECONDS, "acr": "strong", "sub": "u2"}, "other_person"),
        ({"auth_time": SECONDS, "acr": "strong", "nonce": "another"}, "nonce_wrong"),
    ],
)
async def test_an_old_weak_or_foreign_proof_is_none(
    scene_of: Callable[..., Scene], claims: dict[str, Any], cause: str
) -> None:
    """The session stays as it was, and the ledger says why."""
    scene = scene_of(step_up_acr="strong")
    signed_in = await scene.sign_in(**IDA)
    scene.there.claims = {**IDA, **claims}
    asked = await scene.begin(step_up_for=signed_in)
    assert asked["acr_values"] == "strong"
    with pytest.raises(StepUpRefusedError):
        await scene.finish(asked, signed_in)
    (facts,) = await ledger_facts("provider_step_up.refused")
    assert facts == {"cause": cause, "provider": "op"}
    assert await ledger_facts("sign_in.refused") == []
    assert (await ledger_events())["session.stepped_up"] == 0


async def test_a_proof_belongs_to_the_session_that_asked_for_it(scene: Scene) -> None:
    """Not to another one of the same person, and to nobody who has signed out."""
    first, second = await scene.sign_in(**IDA), await scene.sign_in(**IDA)
    scene.there.claims = {**IDA, "auth_time": SECONDS}
    for another in (second, None):
        asked = await scene.begin(step_up_for=first)
        with pytest.raises(StepUpRefusedError):
            await scene.finish(asked, another)
    assert [each["cause"] for each in await ledger_facts("provider_step_up.refused")] == ["session_over"] * 2


async def test_saying_no_or_a_provider_that_fails_is_no_proof(scene: Scene) -> None:
    """And no refused sign-in either."""
    signed_in = await scene.sign_in(**IDA)
    asked = await scene.begin(step_up_for=signed_in)
    scene.there.failing = {"/token"}
    with pytest.raises(ProviderUnavailableError):
        await scene.finish(asked, signed_in)
    assert (await ledger_facts("provider_step_up.refused"))[-1]["cause"] == "provider_failed"
    assert await ledger_facts("sign_in.refused") == []
