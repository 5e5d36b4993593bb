"""An app's way in: what a code gives once, what it gives never, and what the ledger says."""

import asyncio
import base64
import hashlib
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from appliance.database.connection import current_connection, read_connection
from appliance.database.transaction import transaction
from appliance.identity.flows.errors import (
    AppChallengeRefusedError,
    AppCodeRefusedError,
    AppFlowInvalidError,
    AppNotLetInError,
    AppRedirectRefusedError,
)
from appliance.identity.flows.jobs import USED_KEPT, delete_expired
from appliance.identity.flows.records import AppSession, FlowRequest, NewCode, StartedFlow
from appliance.identity.flows.rules import APP_REDIRECT
from appliance.identity.flows.service import CODE_LIFE, FLOW_LIFE, AppSignIns
from appliance.identity.records import SessionKind, SignedIn
from appliance.identity.service import Identity
from tests.appliance.identity.conftest import built, committed, identity, owner
from tests.support.people import HERE, NOW, OPERATOR, Someone, ledger_events, ledger_facts, make_owner

__all__ = ["built", "committed", "identity", "owner"]
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636 appendix B
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
SECOND = timedelta(seconds=1)


@pytest.fixture
def apps(identity: Identity) -> AppSignIns:
    """As bootstrap builds it."""
    return AppSignIns(identity.sessions)


async def browser_of(identity: Identity, someone: Someone) -> SignedIn:
    async with transaction():
        session = await identity.sessions.begin(someone.id, SessionKind.BROWSER, HERE, NOW)
    signed_in = await identity.sessions.authenticate(session.token, NOW)
    assert signed_in
    return signed_in


async def start(apps: AppSignIns, redirect_uri: str = APP_REDIRECT, **fields: str) -> StartedFlow:
    return await apps.start(FlowRequest(redirect_uri=redirect_uri, **fields), NOW)


async def code_for(apps: AppSignIns, signed_in: SignedIn, **fields: str) -> NewCode:
    return await apps.approve((await start(apps, **fields)).token, signed_in, NOW)


async def exchange(apps: AppSignIns, code: str, verifier: str = "", now: datetime = NOW) -> AppSession | str:
    """What the code gives, or the code of the refusal."""
    try:
        return await apps.exchange(code, verifier, HERE, now)
    except AppCodeRefusedError as problem:
        return problem.code


async def test_a_flow_gives_a_device_its_own_session(identity: Identity, owner: Someone, apps: AppSignIns) -> None:
    """By the code alone; months long, named, and told apart from the browser's in the ledger."""
    started = await start(apps, state="Q7")
    assert started.expires_at - NOW == FLOW_LIFE
    signed_in = await browser_of(identity, owner)
    code = await apps.approve(started.token, signed_in, NOW)
    query = parse_qs(urlsplit(code.address).query)
    assert code.address.startswith("openleash://auth/callback?code=")
    assert query == {"code": [code.code], "state": ["Q7"]}
    admitted = await exchange(apps, code.code, now=NOW + CODE_LIFE - SECOND)
    assert isinstance(admitted, AppSession)
    assert admitted.person.id == owner.id
    device = await identity.sessions.authenticate(admitted.session.token, NOW)
    assert device
    assert (device.kind, device.expires_at - NOW > timedelta(days=80)) == (SessionKind.DEVICE, True)
    names = {each.id: each.device_name for each in await identity.sessions.list_own(owner.id, NOW)}
    assert names[device.session_id] == "OpenLeash app"
    [issued] = await ledger_facts("app_code.issued")
    assert issued == {"code": issued["code"], "session": str(signed_in.session_id), "way": "flow"}
    signed = (await ledger_facts("sign_in.succeeded"))[-1]
    assert signed == {"factor": "app_code", "code": issued["code"], "session": str(device.session_id)}


async def test_a_second_use_ends_what_the_first_one_gave(identity: Identity, owner: Someone, apps: AppSignIns) -> None:
    """Somebody else has the code: nobody keeps a session by it, and the ledger says so each time."""
    code = await code_for(apps, await browser_of(identity, owner))
    admitted = await exchange(apps, code.code)
    assert isinstance(admitted, AppSession)
    assert await identity.sessions.authenticate(admitted.session.token, NOW)
    for _ in range(2):
        assert await exchange(apps, code.code) == "app_code_refused"
    assert await identity.sessions.authenticate(admitted.session.token, NOW) is None
    assert [each["is_ended"] for each in await ledger_facts("app_code.reused")] == [True, False]


async def test_of_many_at_once_none_keeps_a_session(committed: Identity) -> None:
    """One comes first, and the next one ends what it got."""
    apps = AppSignIns(committed.sessions)
    owner = await make_owner(committed, NOW)
    code = await code_for(apps, await browser_of(committed, owner))
    results = await asyncio.gather(*(exchange(apps, code.code) for _ in range(8)))
    assert sum(isinstance(result, AppSession) for result in results) == 1
    assert SessionKind.DEVICE not in {each.kind for each in await committed.sessions.list_own(owner.id, NOW)}


async def test_a_code_lives_for_a_minute(identity: Identity, owner: Someone, apps: AppSignIns) -> None:
    """Then it is gone, and the ledger has the cause that the app is not told."""
    code = await code_for(apps, await browser_of(identity, owner))
    assert code.expires_at - NOW == CODE_LIFE <= timedelta(seconds=60)
    for _ in range(2):
        assert await exchange(apps, code.code, now=NOW + CODE_LIFE) == "app_code_refused"
    [facts] = await ledger_facts("app_code.refused")
    assert facts["cause"] == "expired"


@pytest.mark.parametrize("code", ["", "c9", "olk_" + "A" * 43, "\x00", "olf_" + "A" * 43, "x" * 65536, "\ud800" * 47])
async def test_what_is_no_code_gives_nothing(apps: AppSignIns, code: str) -> None:
    """And leaves nothing in the ledger, which strangers could fill otherwise."""
    assert await exchange(apps, code) == "app_code_refused"
    assert not {event for event in await ledger_events() if event.startswith("app_code")}


async def test_a_flow_is_finished_once(identity: Identity, owner: Someone, apps: AppSignIns) -> None:
    """Not again, not after it was given up, not after ten minutes."""
    signed_in = await browser_of(identity, owner)
    first, second, third = [await start(apps) for _ in range(3)]
    await apps.approve(first.token, signed_in, NOW)
    address = await apps.cancel(second.token, NOW)
    assert parse_qs(urlsplit(address).query) == {
        "error": ["access_denied"], "error_description": ["You cancelled the sign-in."], "state": [second.state],
    }  # fmt: skip
    assert await apps.offer(third.token, NOW)
    for token, now in (
        (first.token, NOW), (second.token, NOW), (third.token, NOW + FLOW_LIFE), ("olf_" + "A" * 43, NOW), ("\0", NOW),
    ):  # fmt: skip
        for work in (apps.approve(token, signed_in, now), apps.cancel(token, now), apps.offer(token, now)):
            with pytest.raises(AppFlowInvalidError):
                await work


async def test_a_person_who_was_disabled_meanwhile_stays_out(committed: Identity) -> None:
    """A code is no way around it."""
    apps = AppSignIns(committed.sessions)
    await make_owner(committed, NOW)
    bob = await make_owner(committed, NOW, "bob@example.org")
    code = await code_for(apps, await browser_of(committed, bob))
    await committed.people.disable(OPERATOR, bob.id, NOW)
    assert await exchange(apps, code.code) == "app_code_refused"
    assert (await ledger_facts("app_code.refused"))[0]["cause"] == "person_disabled"


@pytest.mark.parametrize("way", ["revoked", "all revoked", "signed out", "replaced", "reset", "over"])
async def test_a_code_ends_with_the_session_that_issued_it(
    identity: Identity, owner: Someone, apps: AppSignIns, way: str
) -> None:
    """However that ended: nothing comes of it afterwards; the person's other sessions keep their codes."""
    signed_in, other = await browser_of(identity, owner), await browser_of(identity, owner)
    code, kept = await code_for(apps, signed_in), await code_for(apps, other)
    if way == "revoked":
        await identity.sessions.revoke(OPERATOR, owner.id, signed_in.session_id, NOW)
    elif way == "all revoked":
        await identity.sessions.revoke_all(OPERATOR, owner.id, NOW)
    elif way == "signed out":
        await identity.sessions.sign_out(signed_in, NOW)
    elif way == "replaced":
        await identity.sessions.revoke_others(other, NOW)
    elif way == "reset":
        await identity.people.reset_credential(OPERATOR, owner.id, NOW)
    else:
        async with transaction():
            await current_connection().execute(
                "UPDATE session SET expires_at = $2 WHERE id = $1", signed_in.session_id, NOW
            )
    assert await exchange(apps, code.code) == "app_code_refused"
    assert [each["cause"] for each in await ledger_facts("app_code.refused")] == ["session_ended"]
    assert isinstance(await exchange(apps, kept.code), AppSession) == (way not in {"all revoked", "reset"})


async def test_a_challenge_is_honoured(identity: Identity, owner: Someone, apps: AppSignIns) -> None:
    """Only whoever made it can use the code, and a wrong guess uses the code up."""
    made = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
    assert made == CHALLENGE
    signed_in = await browser_of(identity, owner)
    pkce = {"challenge": CHALLENGE, "challenge_method": "S256"}
    for wrong in ("", CHALLENGE, VERIFIER[:-1] + "l", VERIFIER + "\n", "x" * 65536):
        code = await code_for(apps, signed_in, **pkce)
        assert await exchange(apps, code.code, wrong) == "app_code_refused"
        assert await exchange(apps, code.code, VERIFIER) == "app_code_refused"
    assert isinstance(await exchange(apps, (await code_for(apps, signed_in, **pkce)).code, VERIFIER), AppSession)
    assert {each["cause"] for each in await ledger_facts("app_code.refused")} == {"verifier_wrong"}


@pytest.mark.parametrize(
    ("challenge", "method"),
    [(CHALLENGE, ""), (CHALLENGE, "plain"), ("", "S256"), ("x", "S256"), (CHALLENGE + "=", "S256")],
)
async def test_a_challenge_that_protects_nobody_is_refused(apps: AppSignIns, challenge: str, method: str) -> None:
    """Rather than dropped in silence."""
    with pytest.raises(AppChallengeRefusedError):
        await start(apps, challenge=challenge, challenge_method=method)


@pytest.mark.parametrize(
    "uri",
    [
        APP_REDIRECT, "http://localhost:9317/v1/auth/google/callback", "http://localhost:9317/v1/auth/github/callback",
        "http://localhost:9317/v1/auth/microsoft/callback", "http://127.0.0.1:51234/cb", "http://[::1]:8080",
    ],
)  # fmt: skip
async def test_codes_go_to_apps_of_this_device(apps: AppSignIns, uri: str) -> None:
    """The app's own scheme, the published desktop's address, or the loopback interface."""
    assert (await start(apps, uri)).redirect_uri == uri


@pytest.mark.parametrize(
    "uri",
    [
        "", "openleash://auth/callback?x=1", "openleash://evil/callback", "OPENLEASH://auth/callback", "https://evil.example/",
        "http://localhost:9317/v1/auth/evil/callback", "http://localhost:9318/v1/auth/google/callback",
        "http://localhost.evil.example:9317/v1/auth/google/callback", "http://127.0.0.1@evil.example:80/",
        "http://127.0.0.1:80@evil.example/", "http://127.0.0.1:80/?x", "http://127.0.0.1:80/#x", "http://127.0.0.1/",
        "http://127.0.0.1:99999/", "http://127.0.0.1:080/", "http://127.1:80/", "http://2130706433:80/",
        "https://127.0.0.1:80/", "javascript:alert(1)", "http://127.0.0.1:80/\r\nRefresh: 0",
        "openleash://auth/callback\n",
        "http://localhost:9317/v1/auth/google/callback\n", "http://127.0.0.1:80/a;url=x",
        "http://127.0.0.1:80/" + "a" * 300,
        "http://127.0.0.1:\u0661/",
    ],
)  # fmt: skip
async def test_codes_go_nowhere_else(apps: AppSignIns, uri: str) -> None:
    """Whatever looks like one of those and is none."""
    with pytest.raises(AppRedirectRefusedError):
        await start(apps, uri)


async def test_a_state_that_cannot_come_back_gives_way_to_ours(apps: AppSignIns) -> None:
    """Every flow has one."""
    assert (await start(apps, state="a b&c=d")).state == "a b&c=d"
    for odd in ("x" * 600, "a\r\nb", "\ud800", ""):
        assert len((await start(apps, state=odd)).state) == 43


async def test_only_browsers_let_apps_in(identity: Identity, owner: Someone, apps: AppSignIns) -> None:
    """The session of a script, of another app or of the owner behind glass must not outlive itself by months."""
    signed_in, token = await browser_of(identity, owner), (await start(apps)).token
    for kind in set(SessionKind) - {SessionKind.BROWSER}:
        other = msgspec.structs.replace(signed_in, kind=kind)
        for work in (apps.approve(token, other, NOW), apps.new_code(other, NOW)):
            with pytest.raises(AppNotLetInError):
                await work
    assert await apps.approve(token, signed_in, NOW)


async def test_a_desktop_is_told_from_a_phone(identity: Identity, owner: Someone, apps: AppSignIns) -> None:
    """In the list of sessions, until it gives itself a name."""
    signed_in = await browser_of(identity, owner)
    for redirect_uri in (APP_REDIRECT, "http://localhost:9317/v1/auth/google/callback"):
        code = await apps.approve((await start(apps, redirect_uri)).token, signed_in, NOW)
        assert code.address.startswith(f"{redirect_uri}?code=")
        await exchange(apps, code.code)
    names = {each.device_name for each in await identity.sessions.list_own(owner.id, NOW)}
    assert {"OpenLeash app", "OpenLeash on a computer"} <= names


async def test_a_code_on_the_screen_needs_no_flow(identity: Identity, owner: Someone, apps: AppSignIns) -> None:
    """It leads into the app by the app's own scheme."""
    code = await apps.new_code(await browser_of(identity, owner), NOW)
    assert code.address == f"openleash://auth/callback?code={code.code}"
    assert isinstance(await exchange(apps, code.code), AppSession)
    assert [each["way"] for each in await ledger_facts("app_code.issued")] == ["screen"]


async def test_nothing_that_was_told_is_stored(identity: Identity, owner: Someone, apps: AppSignIns) -> None:
    """Neither flow nor code."""
    started = await start(apps)
    kept = (await start(apps)).token
    code = await apps.approve(started.token, await browser_of(identity, owner), NOW)
    async with read_connection() as connection:
        texts = [str(await connection.fetchval(f"SELECT string_agg(t::text, ' ') FROM {table} t"))  # noqa: S608 - ours
                 for table in ("app_flow", "app_code", "ledger_entry", "ledger_payload")]  # fmt: skip
    for told in (started.token, kept, code.code):
        assert told[4:] not in " ".join(texts)


async def test_what_is_over_is_deleted(identity: Identity, owner: Someone, apps: AppSignIns) -> None:
    """Flows when they end; codes a day later, so that a second use is seen until then."""
    await start(apps)
    code = await code_for(apps, await browser_of(identity, owner))
    await exchange(apps, code.code)

    async def left() -> list[int]:
        async with read_connection() as connection:
            return [await connection.fetchval(f"SELECT count(*) FROM {table}") for table in ("app_flow", "app_code")]  # noqa: S608 - ours

    await delete_expired(NOW + FLOW_LIFE - SECOND)
    assert await left() == [1, 1]
    await delete_expired(NOW + USED_KEPT)
    assert await left() == [0, 1]
    await delete_expired(NOW + CODE_LIFE + USED_KEPT)
    assert await left() == [0, 0]
