"""The same proof at the same moment: one of them counts."""

import asyncio
import os
from collections import Counter

import pytest

from appliance.errors import LeashError
from appliance.identity.break_glass.ports import NoAlarm
from appliance.identity.break_glass.service import BreakGlass
from appliance.identity.changes import NOBODY
from appliance.identity.passkeys.service import build_passkeys
from appliance.identity.service import Identity
from tests.appliance.identity.passkeys.conftest import ORIGIN, register, signed_in_as
from tests.support.authenticator import Authenticator
from tests.support.people import HERE, NOW, OPERATOR, ledger_events, make_owner


async def _outcomes(*works: object) -> Counter[str]:
    done = await asyncio.gather(*works, return_exceptions=True)  # type: ignore[call-overload] # coroutines
    for each in done:
        if isinstance(each, BaseException) and not isinstance(each, LeashError):
            raise each
    return Counter("refused" if isinstance(each, LeashError) else "done" for each in done)


@pytest.mark.parametrize("times", [8])
async def test_an_answer_sent_many_times_signs_in_once(committed: Identity, times: int) -> None:
    """However the requests fall."""
    passkeys = build_passkeys(committed, public_origin=ORIGIN, name="x", is_open=True, random_bytes=os.urandom)
    signed_in = await signed_in_as(committed, await make_owner(committed, NOW))
    device = Authenticator(ORIGIN)
    await register(passkeys, signed_in, device)
    asked = await passkeys.begin_sign_in(NOW, is_person_known=False)
    answer = device.use(asked.options)
    works = [
        passkeys.sign_in(answer=answer, browser=asked.browser, email=None, password=None, origin=HERE, now=NOW)
        for _ in range(times)
    ]
    assert (await _outcomes(*works))["done"] == 1


async def test_a_code_sent_many_times_renews_once(committed: Identity) -> None:
    """The token that the one answer brings is the one that lives."""
    owner = await make_owner(committed, NOW)
    signed_in, code = await signed_in_as(committed, owner), owner.code(NOW)
    works = [committed.step_ups.by_code(signed_in, code, HERE, NOW) for _ in range(4)]
    assert (await _outcomes(*works))["done"] == 1
    assert (await ledger_events())["session.stepped_up"] == 1


async def test_a_sheet_typed_many_times_opens_once(committed: Identity) -> None:
    """Also where two people hold copies of it."""
    glass = BreakGlass(committed, people=1, alarm=NoAlarm(), random_bytes=os.urandom)
    sheet = await glass.seal(OPERATOR, "glass@example.org", NOW)

    async def come_in() -> None:
        begun = await glass.unseal(NOBODY, password=sheet.password, token=sheet.token, origin=HERE, now=NOW)
        await glass.open_session(begun.token, HERE, NOW)

    found = await _outcomes(*(come_in() for _ in range(4)))
    assert found["done"] == 1
    assert (await ledger_events())["break_glass.opened"] == 1
