"""What a provider's word does to everything else, and the limits of everything else on a provider."""

from pathlib import Path

from appliance.agents.records import DeploymentTerms, EnrolmentRequest
from appliance.agents.service import create_deployment_token, enroll
from appliance.clock import utc_now
from appliance.config.sections import Api
from appliance.config.sign_in import Provisioning
from appliance.identity.queries import find_person
from tests.server.scim.conftest import USER, Provider, provider_of
from tests.support.machines import bash
from tests.support.people import OPERATOR
from tests.support.postgres import TestPostgres
from tests.support.web_world import reason_of, web_world


async def test_whoever_is_deactivated_is_out_with_the_answer(entra: Provider) -> None:
    """The session and the agents' token work until then, and not once after it."""
    world = entra.world
    user = await entra.user("olga.out", emails=[{"value": "olga@example.org", "primary": True}])
    person = await entra.person(user)
    made = await create_deployment_token(OPERATOR, DeploymentTerms(name="Olga's"), now=utc_now())
    asked = EnrolmentRequest(deployment_token=made.token, hostname="olga-1", email="olga@example.org")
    machine = await enroll(asked, now=utc_now())
    session = await world.appliance.identity.sessions.create_script_session(OPERATOR, person.id, 60, utc_now())
    headers = {"authorization": f"Bearer {session.token}"}
    assert (await world.client.get("/v1/account", headers=headers)).status_code == 200
    allowed = await world.hook(bash("ls"), token=machine.token)
    assert "deny" not in allowed.text
    out = await entra.patch(f"/Users/{user['id']}", {"op": "Replace", "path": "active", "value": "False"})
    assert out.status_code == 200
    assert (await world.client.get("/v1/account", headers=headers)).status_code == 401
    assert "token is not valid" in reason_of(await world.hook(bash("ls"), token=machine.token))


async def test_limits_are_told_in_the_words_of_scim(postgres: TestPostgres, tmp_path: Path) -> None:
    """Rate, size and a foreign host, which no route of SCIM gets to see."""
    small = Api(requests_per_second=0.01, burst=4, request_bytes_max=2000)
    async with web_world(postgres, tmp_path, api=small) as world:
        entra = await provider_of(world, "entra")
        large = await entra.send("POST", "/Users", {"schemas": [USER], "userName": "x" * 2000})
        foreign = await entra.send("GET", "/Users", headers={"host": "evil.example"})
        replies = [await entra.send("GET", "/Users", count="0") for _ in range(6)]
        assert [large.status_code, foreign.status_code, replies[-1].status_code] == [413, 421, 429]
        assert int(replies[-1].headers["retry-after"]) > 0
        for reply in (large, foreign, replies[-1]):
            assert reply.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
            assert reply.json()["status"] == str(reply.status_code)


async def test_the_setting_decides_whether_a_deleted_user_leaves_a_person(
    postgres: TestPostgres, tmp_path: Path
) -> None:
    """By default a disabled one; otherwise none, and a page is never longer than it may be."""
    own = Provisioning(deactivate_instead_of_delete=False, page_size_max=2)
    async with web_world(postgres, tmp_path, provisioning=own) as world:
        entra = await provider_of(world, "entra")
        users = [await entra.user(f"{name}@p.example", emails=[{"value": f"{name}@p.example"}]) for name in "abc"]
        page = (await entra.send("GET", "/Users", count="100")).json()
        assert (page["totalResults"], page["itemsPerPage"]) == (3, 2)
        assert (await entra.send("DELETE", f"/Users/{users[0]['id']}")).status_code == 204
        assert await find_person("a@p.example") is None
        again = await entra.user("a@p.example", emails=[{"value": "a@p.example"}])
        assert not (await entra.person(again)).is_disabled
