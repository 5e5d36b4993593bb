"""Enrolment as the published clients do it."""

import asyncio

import pytest

from appliance.agents.records import DeploymentTerms
from appliance.agents.service import create_deployment_token, revoke_deployment_token
from appliance.clock import utc_now
from tests.support.machines import bash
from tests.support.people import OPERATOR
from tests.support.web_world import World, reason_of
from tests.support.wire import formed, golden

SENT = {
    "displayName": "Ida", "hostname": "ida-mbp", "platform": "darwin", "osRelease": "24.5.0", "mode": "enterprise",
}  # fmt: skip
VERSIONS = {
    "x-openleash-api-function": "tenantEnroll", "x-openleash-api-version": "2026-05-16.tenant-enroll.v1",
}  # fmt: skip


async def _token(**terms: object) -> str:
    made = await create_deployment_token(OPERATOR, DeploymentTerms(name="Macs", **terms), now=utc_now())  # type: ignore[arg-type]
    return made.token


async def test_a_machine_gets_a_token_that_its_hooks_can_use(world: World) -> None:
    """201 with everything that clients read; both version headers come back."""
    body = {**SENT, "deploymentToken": await _token(), "email": "ida@example.org", "laterField": {"is": "ignored"}}
    reply = await world.client.post("/v1/enroll", json=body, headers=VERSIONS)
    assert reply.status_code == 201, reply.text
    told = reply.json()
    assert formed(reply) == golden("enrolled")
    assert told["token"].startswith("ol_")
    assert {name: reply.headers[name] for name in VERSIONS} == VERSIONS
    assert "allow" in (await world.hook(bash("git status"), token=told["token"])).text


async def test_a_second_machine_leaves_the_first_its_token(world: World) -> None:
    """Each gets one of its own, null fields are none, and both work."""
    body = {**SENT, "deploymentToken": await _token(), "email": None, "displayName": None}
    tokens = [(await world.client.post("/v1/enroll", json=body)).json()["token"] for _ in range(2)]
    for token in tokens:
        assert "allow" in (await world.hook(bash("git status"), token=token)).text


async def test_a_bad_token_is_401_with_words(world: World) -> None:
    """Unknown, revoked, used up: JSON whose `error` the client prints."""
    made = await create_deployment_token(OPERATOR, DeploymentTerms(name="Old"), now=utc_now())
    await revoke_deployment_token(OPERATOR, made.record.id, now=utc_now())
    spent = await _token(max_uses=1)
    assert (await world.client.post("/v1/enroll", json={**SENT, "deploymentToken": spent})).status_code == 201
    for token in ("ol_deploy_" + "x" * 43, "", made.token, spent, world.owner.token):
        reply = await world.client.post("/v1/enroll", json={**SENT, "deploymentToken": token})
        assert (reply.status_code, bool(reply.json()["error"])) == (401, True)


async def test_an_address_elsewhere_is_refused_with_words(world: World) -> None:
    """409 for an account that may not have machines, 403 for another domain."""
    await world.appliance.identity.people.disable(OPERATOR, world.member.id, utc_now())
    try:
        body = {**SENT, "deploymentToken": await _token(), "email": world.member.email}
        reply = await world.client.post("/v1/enroll", json=body)
        assert (reply.status_code, reply.json()["code"]) == (409, "email_elsewhere")
    finally:
        await world.appliance.identity.people.enable(OPERATOR, world.member.id, utc_now())
    body = {**SENT, "deploymentToken": await _token(email_domains=("example.com",)), "email": "ida@example.org"}
    reply = await world.client.post("/v1/enroll", json=body)
    assert (reply.status_code, reply.json()["code"]) == (403, "email_domain_refused")


async def test_another_version_is_told_so_before_anything_else(world: World) -> None:
    """426 with the members that clients show; an older date is welcome."""
    odd = {"x-openleash-api-version": "2027-01-01.tenant-enroll.v2"}
    reply = await world.client.post("/v1/enroll", json={}, headers=odd)
    told = reply.json()
    assert reply.status_code == 426
    assert told["error"] == "contract version not supported"
    assert (told["function"], told["expectedVersion"], told["receivedVersion"]) == (
        "tenantEnroll", "2026-05-16.tenant-enroll.v1", "2027-01-01.tenant-enroll.v2",
    )  # fmt: skip
    older = {"x-openleash-api-version": "2026-01-01.tenant-enroll.v1"}
    body = {**SENT, "deploymentToken": await _token()}
    assert (await world.client.post("/v1/enroll", json=body, headers=older)).status_code == 201


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"[]", b'{"deploymentToken":["x"],"hostname":"h"}', b'{"hostname":"h"}',
        b'{"deploymentToken":"a","deploymentToken":"b","hostname":"h"}',
        b'{"deploymentToken":"x","hostname":"\\ud800"}',
        b'{"a":' * 100 + b"1" + b"}" * 100, b"\xff",
    ],
)  # fmt: skip
async def test_a_body_that_is_none_is_told_so_in_json(world: World, raw: bytes) -> None:
    """400 and words; the client decodes JSON before it looks at the status."""
    reply = await world.client.post("/v1/enroll", content=raw, headers={"content-type": "application/json"})
    assert reply.status_code in {400, 413}, reply.text
    assert reply.json()["error"]


async def test_a_hostname_with_nul_is_no_server_fault(world: World) -> None:
    """What the database cannot hold is cleaned or refused, never a 5xx."""
    for hostname in ("a\0b", "x" * 100_000, "\u202eevil", ""):
        body = {**SENT, "deploymentToken": await _token(), "hostname": hostname}
        reply = await world.client.post("/v1/enroll", json=body)
        assert reply.status_code in {201, 400}, reply.text


async def test_a_revoked_machine_is_denied_at_once(world: World) -> None:
    """Without waiting for any cache."""
    body = {**SENT, "deploymentToken": await _token()}
    told = (await world.client.post("/v1/enroll", json=body)).json()
    assert "allow" in (await world.hook(bash("git status"), token=told["token"])).text
    done = await world.as_script(world.owner, "POST", f"/v1/machines/{told['computer']['id']}/revoke")
    assert (done.status_code, done.content) == (204, b"")
    await asyncio.sleep(0.5)  # the notification is there long before: without it the token would live for two seconds
    assert "token is not valid" in reason_of(await world.hook(bash("git status"), token=told["token"]))
