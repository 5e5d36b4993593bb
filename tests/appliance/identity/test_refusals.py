"""Refusals at the door: recorded for people one by one, for strangers together."""

from datetime import timedelta

from appliance.identity.records import Role, SignedIn
from appliance.identity.refusals import OF_A_PERSON, WINDOW
from appliance.identity.rules import Permission
from appliance.identity.service import Identity
from tests.support.people import NOW, Someone, ledger_events, ledger_facts, make_person


async def _signed_in(identity: Identity, someone: Someone) -> SignedIn:
    found = await identity.sessions.authenticate(someone.token, NOW)
    assert found
    return found


async def test_a_missing_permission_is_recorded_with_what_was_wanted(identity: Identity, owner: Someone) -> None:
    """By whom, which permission, on which route."""
    member = await _signed_in(identity, await make_person(identity, Role.MEMBER, "mia@example.org", NOW))
    await identity.refusals.record_permission(member, Permission.PEOPLE_MANAGE, "POST", "/people", NOW)
    assert await ledger_facts("permission.refused") == [
        {"method": "POST", "permission": "people.manage", "route": "/people"}
    ]


async def test_a_person_fills_nothing_by_knocking(identity: Identity, owner: Someone) -> None:
    """So many a minute are recorded, the others counted and told with the next one; others have their own minute."""
    person = await _signed_in(identity, owner)
    other = await _signed_in(identity, await make_person(identity, Role.MEMBER, "mia@example.org", NOW))
    for _ in range(OF_A_PERSON + 70):
        await identity.refusals.record_request(person, "POST", "/people", NOW)
    assert (await ledger_events())["request.refused"] == OF_A_PERSON
    await identity.refusals.record_request(other, "POST", "/people", NOW)
    assert (await ledger_events())["request.refused"] == OF_A_PERSON + 1
    await identity.refusals.record_request(person, "POST", "/people", NOW + WINDOW)
    told = [facts.get("unrecorded_before") for facts in await ledger_facts("request.refused")]
    assert [number for number in told if number] == [70]


async def test_strangers_are_told_together(identity: Identity) -> None:
    """One entry a minute, with the number of those before it."""
    for seconds in range(0, 180, 2):
        await identity.refusals.record_request(None, "POST", "/sign-in", NOW + timedelta(seconds=seconds))
    told = [facts.get("unrecorded_before", 0) for facts in await ledger_facts("request.refused")]
    assert told == [0, 29, 29]
