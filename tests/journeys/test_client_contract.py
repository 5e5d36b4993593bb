"""Each row of the clients' contract over HTTP, as both apps, desktop and CLI send it, from the contract alone."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.support.cast import Cast, gathered
from tests.support.contract import (
    DEVICE,
    ENROLLED,
    EVENT,
    EXCHANGE,
    HISTORY,
    LOOK,
    MACHINE,
    OPEN,
    POLL,
    REFUSED,
    ROWS,
    START,
    STATE,
    STREAM,
    UPDATE,
    VERSIONS,
    Row,
)
from tests.support.journey import Cloud
from tests.support.machines import Machine, bash
from tests.support.phone import handed_over
from tests.support.questions import FIRST, POLICY, SECOND, asking
from tests.support.shapes import ANYTHING, wrong

FORCED = "git push --force origin main"
DEFAULT_REDIRECT = "openleash://auth/callback"
LOOPBACK = "http://localhost:9317/v1/auth/google/callback"


@pytest.fixture(scope="module")
async def cast(cloud: Cloud, deployment_token: str) -> Cast:
    """Everybody signed in and enrolled, with a history of more than one page."""
    return await gathered(cloud, deployment_token)


def _named(row: Row) -> str:
    return f"{row.function or 'headerless'} {row.method} {row.path} {str(row.body)[:24] if row.body else ''}".strip()


VERSIONED = [row for row in (*OPEN, STREAM, *ROWS) if row.function]


# ---- headers and versions


@pytest.mark.parametrize("row", VERSIONED, ids=_named)
async def test_another_version_is_426_before_anything_else(cast: Cast, row: Row) -> None:
    """By method and path, whatever the function is called and whoever calls; the members are those that clients log."""
    expected = VERSIONS[row.function]
    date, name = expected[:10], expected[11:]
    for version in (f"2027-01-01.{name}", f"{date}.{name[:-1]}2", f"{date}.another.v1", "x"):
        reply = await cast.send(row, "dead", version)
        told = reply.json()
        assert reply.status_code == 426, (version, reply.text)
        assert told["error"] == "contract version not supported"
        assert (told["expectedVersion"], told["receivedVersion"]) == (expected, version)
        assert VERSIONS[told["function"]] == expected
        assert _echo(reply) == (row.function, version)


@pytest.mark.parametrize("row", VERSIONED, ids=_named)
async def test_an_older_date_and_no_version_are_spoken(cast: Cast, row: Row) -> None:
    """As is the version itself: then a dead token is what is wrong, where one is needed; both headers come back."""
    expected = VERSIONS[row.function]
    for version in (expected, f"2026-01-01.{expected[11:]}", ""):
        reply = await cast.send(row, cast.dead[0], version)
        assert reply.status_code == (row.session if row in OPEN else 401), (version, reply.text)
        assert _echo(reply) == ((row.function, version) if version else (None, None))


def _echo(reply: httpx.Response) -> tuple[str | None, str | None]:
    return reply.headers.get("x-openleash-api-function"), reply.headers.get("x-openleash-api-version")


# ---- who is signed in


@pytest.mark.parametrize("row", [*ROWS, STREAM], ids=_named)
async def test_a_dead_token_is_401_with_words(cast: Cast, row: Row) -> None:
    """None, a made-up one, an ended session, a revoked machine: the status that signs the app out, and JSON."""
    for token in (None, "", "x", "ols_" + "A" * 43, *cast.dead):
        reply = await cast.send(row, token)
        assert reply.status_code == 401, (token, reply.text)
        assert wrong(reply.json(), REFUSED) == []


@pytest.mark.parametrize("row", ROWS, ids=_named)
async def test_each_row_is_answered_as_its_clients_read_it(cast: Cast, row: Row) -> None:
    """With a session, and with the token of a machine that has one from the desktop or from the CLI."""
    for token, status in ((cast.own, row.session), (cast.desktop, row.machine), (cast.cli.token, row.machine)):
        reply = await cast.send(row, token)
        assert reply.status_code == status, reply.text
        shape = row.shape if status < 400 or row.shape is REFUSED else REFUSED
        assert shape is ANYTHING or wrong(reply.json(), shape) == []
    assert wrong((await cast.send(LOOK, cast.desktop)).json(), STATE) == []  # and nothing is switched off


# ---- the apps


async def test_the_way_in_is_told_to_everybody(cast: Cast) -> None:
    """Bootstrap with and without a token, dead or alive; its address is obeyed, so it is the one that was called."""
    for token in (None, cast.own, cast.desktop, *cast.dead):
        for query in ("", "?organizationSlug=acme"):
            row = Row("mobileBootstrap", "GET", f"/v1/mobile/bootstrap{query}", None, 200, 200)
            told = (await cast.send(row, token)).json()
            shape = {"apiUrl": str, "providers": [{"id": str, "type": str, "label": str}], "organization": {"id": str}}
            assert wrong(told, shape) == []
            assert (told["apiUrl"], told.get("ok")) == (cast.cloud.url, None)
            assert told["providers"]


@pytest.mark.parametrize(
    ("start", "exchange"),
    [
        (START, EXCHANGE),
        (START | {"organizationId": "o1"}, EXCHANGE | {"organizationId": "o1"}),
        (START | {"audience": "organization", "organizationId": "o1"}, EXCHANGE | {"audience": "individual"}),
        # The system has ended the app meanwhile: it has forgotten how it began.
        (START | {"redirectUri": LOOPBACK, "organizationId": "o1"}, EXCHANGE | {"providerType": "google"}),
        (START | {"organizationId": "o1"}, EXCHANGE | {"providerType": "google"}),
        # Desktops omit what they do not know.
        ({"redirectUri": LOOPBACK, "providerType": "oidc"}, {"authorizationCode": "", "redirectUri": DEFAULT_REDIRECT}),
    ],
    ids=["1.1.0", "July", "another audience", "desktop that was ended", "app that was ended", "desktop"],
)
async def test_a_sign_in_ends_with_a_token(cast: Cast, start: dict[str, Any], exchange: dict[str, Any]) -> None:
    """The code alone says which sign-in it was; nothing that a restarted app sends wrongly matters."""
    started = (await cast.post("mobileAuthStart", "/v1/mobile/auth/start", start)).json()
    assert wrong(started, {"authorizationUrl": str, "exchangeRedirectUri?": str, "state?": str}) == []
    handed = await handed_over(cast.cloud.url, started["authorizationUrl"], cast.member)
    link = urlsplit(handed.headers["refresh"].partition("url=")[2])
    assert f"{link.scheme}://{link.netloc}{link.path}" == start["redirectUri"]
    query = parse_qs(link.query)
    assert query.get("state") == ([started["state"]] if "state" in started else None)
    body = exchange | {"authorizationCode": query["code"][0]}
    reply = await cast.post("mobileAuthExchange", "/v1/mobile/auth/exchange", body)
    assert reply.status_code == 200, reply.text
    assert wrong(reply.json(), {"token": str, "tokens": {"accessToken": str}, "user": {"email": str}}) == []
    assert reply.json()["user"]["email"] == cast.member.email
    state = (await cast.send(LOOK, reply.json()["token"])).json()
    assert state["user"]["email"] == cast.member.email


async def test_a_phone_is_one_phone_at_each_launch(cast: Cast) -> None:
    """Its pushToken is new each time; another name, another platform or another person is another device."""

    async def told(token: str, **changed: str | None) -> str:
        reply = await cast.post("mobileDeviceRegister", "/v1/mobile/devices", DEVICE | changed, token)
        assert reply.status_code == 200, reply.text
        return str(reply.json()["device"]["id"])

    same = {await told(cast.own, pushToken=f"local-polling:17800000000000{number}") for number in range(3)}
    assert len(same) == 1
    others = [await told(cast.own, deviceName="moto"), await told(cast.own, platform="android")]
    others += [await told(cast.answering), await told(cast.own, deviceName=None, platform=None, appVersion=None)]
    assert len({*same, *others}) == 5


async def test_the_history_goes_on_where_the_state_ends(cast: Cast) -> None:
    """The state has the first ten; page 2 has those that follow, none twice, and the last page has no more."""
    state = (await cast.send(LOOK, cast.desktop)).json()
    assert state["historyPagination"]["hasMore"] is True
    seen = [each["id"] for each in state["recentActivity"]]
    assert len(seen) == 10
    for page in range(2, 20):
        row = Row("mobileState", "GET", f"/v1/client/history?page={page}&limit=10", None, 200, 200)
        told = (await cast.send(row, cast.desktop)).json()
        assert wrong(told, HISTORY) == []
        seen += [each["id"] for each in told["history"]]
        if not told["pagination"]["hasMore"]:
            break
    assert len(seen) == len(set(seen)) >= 13


# ---- an ask


async def _frame(pieces: AsyncIterator[bytes]) -> dict[str, Any]:
    """The next event of a stream, which desktops want to end with a blank line."""
    text = b""
    while not text.endswith(b"\n\n") or b"data:" not in text:
        text += await asyncio.wait_for(anext(pieces), 10)
    [event, data] = [line for line in text.decode().splitlines() if line and not line.startswith((":", "retry"))]
    assert event == "event: sync"
    told: dict[str, Any] = json.loads(data.removeprefix("data: "))
    assert wrong(told, {"schemaVersion": str, "id": str, "kind": str, "occurredAt": str}) == []
    assert told["schemaVersion"] == "2026-07-27.client-sync.v1"
    return told


@pytest.mark.parametrize(
    ("first", "opposite", "guidance"), [("deny", "allow", "Use the staging copy"), ("allow", "deny", "")]
)
async def test_an_ask_from_its_event_to_its_repeated_answer(
    cast: Cast, first: str, opposite: str, guidance: str
) -> None:
    """Heard of at once, waiting in state and notifications, answered once: a repeat is told it again, more is 409."""
    machine = Machine(cast.cloud.http, cast.desktop, "", "rows-mbp")
    headers = {"authorization": f"Bearer {cast.answering}", "accept": "text/event-stream", "accept-encoding": "gzip"}
    async with cast.cloud.http.stream("GET", STREAM.path, headers=headers) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert "content-encoding" not in stream.headers
        pieces = stream.aiter_bytes()
        await _frame(pieces)  # the greeting
        held = asyncio.create_task(machine.call(bash(f"{FORCED} # {first}")))
        assert (await _frame(pieces))["kind"] == "interaction.created"
        state = (await cast.send(LOOK, cast.answering)).json()
        polled = (await cast.send(POLL, cast.desktop)).json()
        [ask] = {each["id"] for each in state["pendingApprovals"]}
        for told in (state, polled):
            assert [each["decisionId"] for each in told["attentionEvents"] if each["state"] == "waiting"] == [ask]
        assert "/" not in ask
        path = f"/v1/mobile/decisions/{ask}/resolve"
        by_machine = await cast.post("mobileDecisionResolve", path, {"resolution": "allow"}, cast.desktop)
        assert (by_machine.status_code, held.done()) == (403, False)
        body = {"resolution": first} | ({"resolutionGuidance": guidance} if guidance else {})
        done = await cast.post("mobileDecisionResolve", path, body, cast.answering)
        assert (await _frame(pieces))["kind"] == "interaction.resolved"
    assert (done.status_code, done.json()["id"], done.json()["resolution"]) == (200, ask, first)
    answer = await held
    assert (answer.is_allow, answer.is_deny) == (first == "allow", first == "deny")
    assert guidance in answer.reason
    again = await cast.post("mobileDecisionResolve", path, {"resolution": first}, cast.answering)
    assert again.status_code == 200
    assert again.json() == done.json()
    late = await cast.post("mobileDecisionResolve", path, {"resolution": opposite}, cast.answering)
    assert (late.status_code, wrong(late.json(), REFUSED)) == (409, [])
    after = (await cast.send(LOOK, cast.answering)).json()
    assert (after["pendingApprovals"], after["recentActivity"][0]["resolution"]) == ([], first)


@pytest.fixture
async def questions_go_to_people(cast: Cast, tmp_path: Path) -> AsyncIterator[None]:
    """A policy that asks about agents' questions, in the place of the one before."""
    text = tmp_path / "questions.cedar"
    text.write_text(POLICY)
    published = await cast.cloud.leashctl("policy", "publish", str(text), "--note", "questions", "--yes")
    yield
    await cast.cloud.leashctl("policy", "rollback", str(published["version"] - 1), "--yes")


@pytest.mark.usefixtures("questions_go_to_people")
async def test_a_question_is_answered_with_its_original_input(cast: Cast) -> None:
    """The app sends `originalInput` with `answers`; Claude Code and Codex get them as the input of their tool."""
    machine = Machine(cast.cloud.http, cast.desktop, "", "rows-mbp")
    for agent in ("claude", "codex"):
        held = asyncio.create_task(machine.call(asking(), agent=agent))
        await cast.cloud.pending_asks()
        state = (await cast.send(LOOK, cast.answering)).json()
        [ask] = state["pendingApprovals"]
        interaction = ask["interaction"]
        assert (wrong(state, STATE), ask["attention_kind"], interaction["type"]) == ([], "question", "questions")
        assert [each["multiSelect"] for each in interaction["questions"]] == [False, True]
        assert [each["label"] for each in interaction["questions"][0]["options"]] == ["PostgreSQL", "SQLite"]
        answers = {FIRST: "SQLite", SECOND: ["Europe", "Asia"]}
        body = {"resolution": "allow", "response": interaction["originalInput"] | {"answers": answers}}
        path = f"/v1/mobile/decisions/{ask['id']}/resolve"
        done = await cast.post("mobileDecisionResolve", path, body, cast.answering)
        assert done.status_code == 200, done.text
        specific = (await held).body["hookSpecificOutput"]
        assert specific["permissionDecision"] == "allow"
        assert set(specific["updatedInput"]["answers"]) == {FIRST, SECOND}


# ---- the desktop and the CLI


@pytest.mark.parametrize(
    "more",
    [
        {"email": "nora.rows@example.org", "displayName": "Nora", "mode": "enterprise"},
        {"displayName": "nora", "mode": "cloud"},
        {"email": None, "displayName": None, "platform": None, "osRelease": None, "mode": None},
    ],
)
async def test_the_cli_enrols_a_machine(cast: Cast, deployment_token: str, more: dict[str, str | None]) -> None:
    """201 with where its hooks shall call; every machine keeps its own token."""
    sent = {"deploymentToken": deployment_token, "hostname": "rows-mbp-2", "platform": "darwin", "osRelease": "24.5.0"}
    reply = await cast.post("tenantEnroll", "/v1/enroll", sent | more)
    assert (reply.status_code, wrong(reply.json(), ENROLLED)) == (201, [])
    told = reply.json()
    assert (told["apiUrl"], told["token"][:3]) == (cast.cloud.url, "ol_")
    assert told["tenantUrl"] in told["apiUrl"]
    for token in (told["token"], cast.desktop, cast.cli.token):
        assert (await Machine(cast.cloud.http, token, "", "rows").call(bash("ls"))).is_allow


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"deploymentToken": 5}', b'{"deploymentToken": "x"}'])
async def test_the_cli_reads_every_refusal_as_json(cast: Cast, body: bytes) -> None:
    """It decodes before it looks at the status, and prints `error`."""
    reply = await cast.cloud.http.post("/v1/enroll", content=body, headers={"content-type": "application/json"})
    assert reply.status_code in {400, 401}
    assert wrong(reply.json(), REFUSED) == []


async def test_another_desktop_leaves_the_first_its_token(cast: Cast) -> None:
    """Of the same person and the same name; null is: it does not say."""
    unsaid: dict[str, Any] = MACHINE | {"platform": None, "osRelease": None, "clientVersion": None, "agents": []}
    for body in (MACHINE, unsaid):
        reply = await cast.post("desktopEnroll", "/v1/desktop/enroll", body, cast.own)
        assert (reply.status_code, wrong(reply.json(), ENROLLED)) == (201, [])
        assert reply.json()["apiUrl"] == cast.cloud.url
        for token in (cast.desktop, reply.json()["token"]):
            assert (await cast.send(LOOK, token)).status_code == 200


async def test_a_relay_reads_what_was_decided(cast: Cast) -> None:
    """Allow and deny of a tool, without version headers; what it cannot mean is refused in JSON."""
    for command, decision in (("git status", "allow"), ("rm -rf /", "deny")):
        tool = {"eventName": "PreToolUse", "sessionId": "s-1", "tool": {"name": "Bash", "input": {"command": command}}}
        request = EVENT["request"] | {"event": tool}
        body = EVENT | {"idempotencyKey": command, "request": request}
        reply = await cast.post("", "/v1/agent-events", body, cast.desktop)
        assert (reply.status_code, reply.json()["decision"]) == (200, decision)
    for broken in ({}, EVENT | {"request": None}, EVENT | {"request": {"agent": {}, "event": {}}}):
        reply = await cast.post("", "/v1/agent-events", broken, cast.desktop)
        assert (reply.status_code, wrong(reply.json(), REFUSED)) == (400, [])


async def test_updates_are_offered_to_older_desktops_alone(cast: Cast) -> None:
    """Version, address and 64 hexadecimal digits, by both ways; without an update the same with no address."""
    offer = {"latestVersion": str, "version": str, "downloadUrl": str, "dmgUrl?": str, "sha256": str, "notesUrl?": str}
    query = "&".join(f"{name}={value}" for name, value in UPDATE.items())
    latest = await cast.send(Row("clientUpdateLatest", "GET", f"/api/updates/latest?{query}", None, 200, 200))
    checked = await cast.post("clientUpdateCheck", "/api/updates/check", UPDATE)
    for told in (latest.json(), checked.json()):
        assert (wrong(told, offer), told["updateAvailable"], told["latestVersion"]) == ([], True, "0.36.58")
    content = await cast.cloud.http.get(checked.json()["downloadUrl"])
    assert hashlib.sha256(content.content).hexdigest() == checked.json()["sha256"]
    for version in ("0.36.58", "0.37.8"):
        none = (await cast.post("clientUpdateCheck", "/api/updates/check", UPDATE | {"version": version})).json()
        assert (none["updateAvailable"], none["latestVersion"]) == (False, "0.36.58")
        assert none["currentVersion"] == version
        assert "downloadUrl" not in none


async def test_an_installation_can_be_discovered(cast: Cast) -> None:
    """Without a token, in at most 5 KB: names, versions, ways to sign in and the feature level."""
    reply = await cast.cloud.http.get("/.well-known/openleash")
    told = reply.json()
    assert (reply.status_code, len(reply.content) <= 5 * 1024) == (200, True)
    shape = {"apiUrl": str, "organization": {"name": str}, "signIn": [{"type": str, "label": str}], "featureLevel": int}
    assert wrong(told, shape) == []
    assert told["functions"] == VERSIONS
    assert told["apiUrl"] == cast.cloud.url
