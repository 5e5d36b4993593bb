"""A provider's word that a session is over, true and forged; and the way out to the provider."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from appliance.database.connection import read_connection
from appliance.database.piccolo_conf import DB
from appliance.database.transaction import transaction
from appliance.identity.flows.service import AppSignIns
from appliance.identity.providers.errors import Cause, LogoutTokenRefusedError, ProviderUnavailableError
from appliance.identity.providers.jobs import delete_expired
from appliance.identity.providers.rules import LOGOUT_EVENT
from appliance.identity.records import SignedIn
from appliance.identity.service import Identity
from tests.appliance.identity.providers.conftest import Scene
from tests.support.oidc_provider import query_of
from tests.support.people import HERE, NOW, Someone, ledger_facts
from tests.support.tokens import Signer

IDA = {"name": "Ida", "email": "ida@example.org", "groups": []}
EVENTS: dict[str, dict[str, str]] = {LOGOUT_EVENT: {}}
RIGHT = {"events": EVENTS, "sub": "u1", "sid": "s1", "jti": "j1"}


async def is_live(scene: Scene, signed_in: SignedIn) -> bool:
    listed = await scene.identity.sessions.list_own(signed_in.person_id, NOW)
    return signed_in.session_id in {each.id for each in listed}


async def test_a_session_at_the_provider_ends_its_sessions_here(scene: Scene, owner: Someone) -> None:
    """Those of another session or person stay; the entry says how many they were."""
    ended, other = await scene.sign_in(**IDA, sid="s1"), await scene.sign_in(**IDA, sid="s2")
    stranger = await scene.sign_in(name="Kay", email="kay@example.org", groups=[], sub="u2", sid="s3")
    assert await scene.providers.receive_logout("op", scene.there.token(**RIGHT), NOW) == 1
    assert [await is_live(scene, each) for each in (ended, other, stranger)] == [False, True, True]
    assert await scene.identity.sessions.authenticate(owner.token, NOW)
    (facts,) = await ledger_facts("provider_logout.received")
    assert facts == {"sessions": 1, "people": [str(ended.person_id)]}


async def test_a_person_who_left_the_provider_leaves_altogether(scene: Scene) -> None:
    """Without a session named, all of the person's sessions from there end."""
    sessions = [await scene.sign_in(**IDA, sid="s1"), await scene.sign_in(**IDA)]
    token = scene.there.token(events=EVENTS, sub="u1", jti="j2")
    assert await scene.providers.receive_logout("op", token, NOW) == 2
    assert [await is_live(scene, each) for each in sessions] == [False, False]


@pytest.mark.parametrize(("meant", "ends"), [({"sid": "s1"}, True), ({}, True), ({"sid": "s2"}, False)])
async def test_an_app_ends_with_the_providers_session_that_let_it_in(
    scene: Scene, meant: dict[str, str], *, ends: bool
) -> None:
    """By that session's name, and by the person's; not with another session of theirs. It is no way out there."""
    apps = AppSignIns(scene.identity.sessions)
    browser, other = await scene.sign_in(**IDA, sid="s1"), await scene.sign_in(**IDA, sid="s2")
    app = await app_of(scene, apps, browser)
    assert await scene.providers.sign_out_address(app.session_id, None, NOW) is None
    await scene.identity.sessions.sign_out(browser, NOW)
    assert await is_live(scene, app), "the browser's own end is not the provider's word"
    token = scene.there.token(events=EVENTS, sub="u1", jti="j3", **meant)
    assert await scene.providers.receive_logout("op", token, NOW) == (2 if not meant else 1)
    assert await is_live(scene, app) != ends
    assert await is_live(scene, other) == (meant == {"sid": "s1"})


async def test_an_app_that_is_let_in_during_the_logout_ends_too(committed: Identity) -> None:
    """The logout waits for the session that lets it in, and looks again."""
    scene = Scene(committed)
    apps = AppSignIns(committed.sessions)
    browser = await scene.sign_in(**IDA, sid="s1")
    code = (await apps.new_code(browser, NOW)).code
    async with transaction():
        app = await apps.exchange(code, "", HERE, NOW)
        logout = asyncio.create_task(_in_a_transaction_of_its_own(scene))
        await asyncio.sleep(0.3)
        assert not logout.done()
    assert await logout == 2
    assert await committed.sessions.authenticate(app.session.token, NOW) is None


async def _in_a_transaction_of_its_own(scene: Scene) -> int:
    DB.current_transaction.set(None)
    return await scene.providers.receive_logout("op", scene.there.token(**RIGHT), NOW)


async def app_of(scene: Scene, apps: AppSignIns, browser: SignedIn) -> SignedIn:
    """An app that a browser's session has let in."""
    code = (await apps.new_code(browser, NOW)).code
    admitted = await apps.exchange(code, "", HERE, NOW)
    found = await scene.identity.sessions.authenticate(admitted.session.token, NOW)
    assert found
    return found


async def test_a_session_whose_provider_named_none_ends_by_its_person(scene: Scene) -> None:
    """Nobody can tell that it was not the one that is over."""
    session = await scene.sign_in(**IDA)
    assert await scene.providers.receive_logout("op", scene.there.token(**RIGHT), NOW) == 1
    assert not await is_live(scene, session)


async def test_a_logout_token_works_once(scene: Scene) -> None:
    """Also in another process, and also after everybody has signed in again."""
    await scene.sign_in(**IDA, sid="s1")
    token = scene.there.token(**RIGHT)
    assert await scene.providers.receive_logout("op", token, NOW) == 1
    again = await scene.sign_in(**IDA, sid="s1")
    with pytest.raises(LogoutTokenRefusedError):
        await scene.built().receive_logout("op", token, NOW)
    assert await is_live(scene, again)
    assert (await ledger_facts("provider_logout.refused"))[-1]["cause"] == Cause.USED_BEFORE


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"events": None}, Cause.EVENT_WRONG),
        ({"events": {}}, Cause.EVENT_WRONG),
        ({"events": {"another": {}}}, Cause.EVENT_WRONG),
        ({"events": {LOGOUT_EVENT: "x"}}, Cause.EVENT_WRONG),
        ({"events": [LOGOUT_EVENT]}, Cause.EVENT_WRONG),
        ({"nonce": "n"}, Cause.EVENT_WRONG),
        ({"jti": None}, Cause.CLAIM_MISSING),
        ({"jti": 5}, Cause.CLAIM_MISTYPED),
        ({"sub": None, "sid": None}, Cause.CLAIM_MISSING),
        ({"sub": ["u1"]}, Cause.CLAIM_MISTYPED),
        ({"aud": "another"}, Cause.AUDIENCE_WRONG),
        ({"iss": "https://login.example.org/"}, Cause.ISSUER_WRONG),
        ({"exp": 1}, Cause.EXPIRED),
        ({"exp": None}, Cause.CLAIM_MISSING),
        ({"iat": None}, Cause.CLAIM_MISSING),
        ({"iat": 1}, Cause.ISSUED_TOO_LONG_AGO),
    ],
)
async def test_a_forged_logout_token_ends_nothing(scene: Scene, changes: dict[str, Any], cause: Cause) -> None:
    """An ID token is none either."""
    session = await scene.sign_in(**IDA, sid="s1")
    with pytest.raises(LogoutTokenRefusedError):
        await scene.providers.receive_logout("op", scene.there.token(**{**RIGHT, **changes}), NOW)
    assert await is_live(scene, session)
    assert (await ledger_facts("provider_logout.refused"))[-1]["cause"] == cause


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "x" * 100_000, "\x00", "é.é.é"])
async def test_what_is_no_token_ends_nothing(scene: Scene, token: str) -> None:
    """And is recorded once a minute, however often somebody knocks."""
    for _ in range(5):
        with pytest.raises(LogoutTokenRefusedError):
            await scene.providers.receive_logout("op", token, NOW)
    assert len(await ledger_facts("provider_logout.refused")) == 1
    with pytest.raises(LogoutTokenRefusedError):
        await scene.providers.receive_logout("op", token, NOW + timedelta(minutes=1))
    assert len(await ledger_facts("provider_logout.refused")) == 2


async def test_a_logout_token_by_another_key_ends_nothing(scene: Scene) -> None:
    """Nor one without a key that can be had."""
    session = await scene.sign_in(**IDA, sid="s1")
    scene.there.signer = Signer()
    with pytest.raises(LogoutTokenRefusedError):
        await scene.providers.receive_logout("op", scene.there.token(**RIGHT), NOW)
    scene.there.failing = {"/keys"}
    with pytest.raises(ProviderUnavailableError):
        await scene.built().receive_logout("op", scene.there.token(**RIGHT), NOW)
    assert await is_live(scene, session)


async def test_the_way_out_leads_to_the_provider_with_the_kept_token(scene: Scene) -> None:
    """Behind what its address has already, with a state of its own."""
    signed_in = await scene.sign_in(**IDA)
    begun = await scene.providers.sign_out_address(signed_in.session_id, None, NOW)
    assert begun
    told = query_of(begun.address)
    assert begun.address.startswith("https://login.example.org/logout?a=b&")
    assert told["post_logout_redirect_uri"] == "https://leash.example.org/auth/oidc/op/signed-out"
    assert told["id_token_hint"].count(".") == 2
    assert not await scene.providers.has_signed_out("op", told["state"], "olb_" + "A" * 43, NOW)
    begun = await scene.providers.sign_out_address(signed_in.session_id, None, NOW)
    assert begun
    assert await scene.providers.has_signed_out("op", query_of(begun.address)["state"], begun.browser, NOW)


async def test_there_is_no_way_out_where_there_was_no_way_in(scene_of: Callable[..., Scene], owner: Someone) -> None:
    """A local session, a provider without such a place, one that does not answer, a token too long for an address."""
    scene = scene_of()
    local = await scene.identity.sessions.authenticate(owner.token, NOW)
    assert local
    assert await scene.providers.sign_out_address(local.session_id, None, NOW) is None
    signed_in = await scene.sign_in(**IDA, padding="x" * 5000)
    begun = await scene.providers.sign_out_address(signed_in.session_id, None, NOW)
    assert begun
    assert "id_token_hint" not in query_of(begun.address)
    scene.there.failing = {"/.well-known/openid-configuration"}
    assert await scene.built().sign_out_address(signed_in.session_id, None, NOW) is None
    scene.there.failing = set()
    del scene.there.metadata["end_session_endpoint"]
    assert await scene.built().sign_out_address(signed_in.session_id, None, NOW) is None


async def test_what_is_over_is_deleted(scene: Scene) -> None:
    """Errands that nobody came back from, and logout tokens that are too old to work."""
    await scene.begin()
    await scene.sign_in(**IDA, sid="s1")
    await scene.begin()
    await scene.providers.receive_logout("op", scene.there.token(**RIGHT), NOW)
    assert await _rows() == (2, 1)
    await delete_expired(NOW + timedelta(minutes=9))
    assert await _rows() == (2, 1)
    await delete_expired(NOW + timedelta(minutes=15))
    assert await _rows() == (0, 0)


async def _rows() -> tuple[int, int]:
    async with read_connection() as connection:
        flows = await connection.fetchval("SELECT count(*) FROM oidc_flow")
        tokens = await connection.fetchval("SELECT count(*) FROM oidc_logout_token")
    return flows, tokens
