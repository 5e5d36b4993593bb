"""Sign-in of the published apps, word for word."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest

from appliance.clock import utc_now
from appliance.config.sign_in import Directory, Provider
from appliance.database.transaction import transaction
from appliance.identity.records import SessionKind
from tests.support.contract import VERSIONS
from tests.support.directory_sign_in import settings
from tests.support.people import HERE
from tests.support.phone import CALLBACK, Phone
from tests.support.postgres import TestPostgres
from tests.support.web_world import World, web_world

GOLDEN = Path(__file__).parent / "golden" / "mobile"
PATHS = {
    "mobileBootstrap": "/v1/mobile/bootstrap",
    "mobileAuthStart": "/v1/mobile/auth/start",
    "mobileAuthExchange": "/v1/mobile/auth/exchange",
}
# What is new each time, by its form.
_NEW = (
    (re.compile(r"ol[a-z]_[A-Za-z0-9_-]{43}"), "<token>"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<uuid>"),
    (re.compile(r"20\d\d-\d\d-\d\dT[0-9:.]+Z"), "<moment>"),
    (re.compile(r'(?<=")[A-Za-z0-9_-]{43}(?=")'), "<random>"),
)


@pytest.fixture(scope="module")
async def world(postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """With a directory and a provider, neither of which is ever asked."""
    directories: dict[str, Directory] = {"corp": settings()}
    providers = {"acme": Provider(label="Acme login", issuer="https://login.example.org", client_id="leash")}
    place = tmp_path_factory.mktemp("state")
    async with web_world(postgres, place, directories=directories, providers=providers) as running:
        yield running


@pytest.fixture
def phone(world: World) -> Phone:
    return Phone(world.client)


async def code_of(world: World, authorization_url: str) -> str:
    """The owner lets the app in, whose browser shows the page."""
    token = parse_qs(urlsplit(authorization_url).query)["flow"][0]
    now = utc_now()
    async with transaction():
        session = await world.appliance.identity.sessions.begin(world.owner.id, SessionKind.BROWSER, HERE, now)
    signed_in = await world.appliance.identity.sessions.authenticate(session.token, now)
    assert signed_in
    return (await world.appliance.app_sign_ins.approve(token, signed_in, now)).code


def golden(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))
    return found


def told(reply: httpx.Response) -> Any:  # noqa: ANN401 - JSON
    assert reply.status_code == 200, reply.text
    text = json.dumps(reply.json())
    for pattern, name in _NEW:
        text = pattern.sub(name, text)
    return json.loads(text)


@pytest.mark.parametrize("token", ["", "ols_" + "A" * 43, "rubbish"])
async def test_bootstrap_is_as_the_app_reads_it(world: World, phone: Phone, token: str) -> None:
    """Also at a relaunch with a dead token: a failure here would leave the app without its sign-out."""
    phone.token = token
    reply = await phone.call("mobileBootstrap", PATHS["mobileBootstrap"])
    assert told(reply) == golden("bootstrap")["answered"]
    query = await world.client.get("/v1/mobile/bootstrap?organizationSlug=other", headers={"authorization": "Basic x"})
    assert query.json() == reply.json()


@pytest.mark.parametrize("client", ["july_app", "1_1_0", "desktop"])
async def test_start_takes_what_each_client_sends(world: World, phone: Phone, client: str) -> None:
    """And answers what each reads."""
    case = golden(f"start_{client}")
    assert told(await phone.call("mobileAuthStart", PATHS["mobileAuthStart"], case["sent"])) == case["answered"]


@pytest.mark.parametrize("client", ["july_app", "restarted_app", "desktop"])
async def test_exchange_goes_by_the_code_alone(world: World, phone: Phone, client: str) -> None:
    """Whatever redirect, provider and organisation the client remembers."""
    case = golden(f"exchange_{client}")
    code = await code_of(world, await phone.start())
    body = {**case["sent"], "authorizationCode": code}
    assert told(await phone.call("mobileAuthExchange", PATHS["mobileAuthExchange"], body)) == case["answered"]


@pytest.mark.parametrize("function", PATHS)
async def test_another_version_is_told_so_before_anything_else(world: World, function: str) -> None:
    """426 with the members that clients log; an older date and no version are welcome; both headers come back."""
    method, path, expected = "GET" if "Boot" in function else "POST", PATHS[function], VERSIONS[function]
    name = expected.partition(".")[2]
    for version, status in ((f"2027-01-01.{name}", 426), (expected[:-1] + "2", 426), ("x", 426)):
        headers = {
            "x-openleash-api-function": function, "x-openleash-api-version": version, "authorization": "Bearer dead",
        }  # fmt: skip
        reply = await world.client.request(method, path, headers=headers, content=b"{")
        answer = reply.json()
        assert reply.status_code == status, reply.text
        assert (answer["error"], answer["function"], answer["expectedVersion"], answer["receivedVersion"]) == (
            "contract version not supported", function, expected, version,
        )  # fmt: skip
        assert reply.headers["x-openleash-api-version"] == version
    for version in (f"2026-01-01.{name}", ""):
        reply = await world.client.request(method, path, headers={"x-openleash-api-version": version}, content=b"{")
        assert reply.status_code == (200 if method == "GET" else 400), reply.text


async def test_every_way_in_leads_back_to_the_app(world: World, phone: Phone) -> None:
    """The page that the browser comes to keeps the app's sign-in in each of its forms and links."""
    path = (await phone.start()).removeprefix("https://leash.example.org")
    led = await world.client.get(path, headers={"accept": "text/html"}, follow_redirects=False)
    assert led.status_code == 303
    page = (await world.client.get(led.headers["location"])).text
    assert page.count(f'name="next" value="{path}"') >= 2
    assert f'href="/auth/oidc/acme/begin?next={quote(path)}"' in page
    assert 'action="/sign-in/directory/corp"' in page


async def test_the_token_is_the_persons_own(world: World, phone: Phone) -> None:
    """It works as bearer, is listed as a device, and the relaunch with it goes well."""
    await phone.bootstrap()
    assert phone.provider_type == "ldap"
    assert (await phone.exchange(await code_of(world, await phone.start()))).status_code == 200
    account = await world.client.get("/v1/account", headers={"authorization": f"Bearer {phone.token}"})
    assert (account.json()["email"], account.json()["session_kind"]) == (world.owner.email, "device")
    assert (await phone.bootstrap())["apiUrl"] == "https://leash.example.org"


async def test_a_code_works_once(world: World, phone: Phone) -> None:
    """The second use is told in words, and takes the first one's token away."""
    code = await code_of(world, await phone.start())
    assert (await phone.exchange(code)).status_code == 200
    again = await Phone(world.client).exchange(code)
    assert (again.status_code, again.json()["code"]) == (401, "app_code_refused")
    account = await world.client.get("/v1/account", headers={"authorization": f"Bearer {phone.token}"})
    assert account.status_code == 401


@pytest.mark.parametrize("code", ["", "c9", "olk_" + "A" * 43, "\x00", "\u202e" * 47])
async def test_a_wrong_code_is_told_in_words(phone: Phone, code: str) -> None:
    """In each of the members that the apps look for, without HTML."""
    reply = await phone.exchange(code)
    assert reply.status_code == 401
    assert phone.shown.startswith("This code does not work")
    assert {"message", "error", "detail"} <= reply.json().keys()
    assert "<" not in phone.shown


async def test_pkce_is_honoured_in_either_spelling(world: World) -> None:
    """Published clients send none; whoever sends one is protected by it, or told that it is none."""
    challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    for sent, proof in (
        ({"codeChallenge": challenge, "codeChallengeMethod": "S256"}, {"codeVerifier": verifier}),
        ({"code_challenge": challenge, "code_challenge_method": "S256"}, {"code_verifier": verifier}),
    ):
        for brought, status in (({}, 401), (proof, 200)):
            asked = {"redirectUri": CALLBACK, "state": "Q7", **sent}
            started = (await world.client.post(PATHS["mobileAuthStart"], json=asked)).json()
            assert started["state"] == "Q7"
            body = {"authorizationCode": await code_of(world, started["authorizationUrl"]), **brought}
            assert (await world.client.post(PATHS["mobileAuthExchange"], json=body)).status_code == status
    plain = {"redirectUri": CALLBACK, "code_challenge": challenge}
    assert (await world.client.post(PATHS["mobileAuthStart"], json=plain)).json()["code"] == "app_challenge_refused"


@pytest.mark.parametrize("function", ["mobileAuthStart", "mobileAuthExchange"])
@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"[]", b"{}", b"null", b'{"redirectUri":["x"],"authorizationCode":["x"]}', b"\xff",
        b'{"redirectUri":1,"authorizationCode":1}', b'{"redirectUri":null,"authorizationCode":null}',
        b'{"redirectUri":"\\ud800","authorizationCode":"\\ud800"}', b'{"a":' * 100 + b"1" + b"}" * 100,
        b'{"redirectUri":"a","redirectUri":"b","authorizationCode":"a","authorizationCode":"b"}',
        b'{"redirectUri":"https://evil.example/","authorizationCode":{}}',
    ],
)  # fmt: skip
async def test_a_body_that_is_none_is_told_so_in_json(world: World, function: str, raw: bytes) -> None:
    """Never a 5xx, always words."""
    reply = await world.client.post(PATHS[function], content=raw, headers={"content-type": "application/json"})
    assert 400 <= reply.status_code < 500, reply.text
    assert reply.json()["message"]


async def test_what_the_hosted_service_needs_is_not_looked_at(world: World) -> None:
    """Audience, organisation and provider of any type and value."""
    for odd in (None, 7, ["x"], {"a": 1}, "x" * 10_000, "<script>"):
        body = {"redirectUri": CALLBACK, "audience": odd, "organizationId": odd, "providerType": odd}
        reply = await world.client.post(PATHS["mobileAuthStart"], json=body)
        assert reply.status_code == 200, reply.text
        assert isinstance(reply.json()["providerType"], str)
