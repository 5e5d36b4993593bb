"""People who approve for one project alone, by a group of their directory: what they see, answer and do not."""

import asyncio

import httpx

from appliance.approvals.queries import pending_asks
from appliance.approvals.records import Ask
from appliance.clock import utc_now
from appliance.database.transaction import transaction
from appliance.identity import accounts, groups
from appliance.identity.records import Role, Source, SourceKind
from tests.support.machines import bash
from tests.support.people import OPERATOR, Someone, make_person
from tests.support.web_world import World

CORP = Source(SourceKind.DIRECTORY, "corp")
FORCED = "git push --force origin main"


async def leads(someone: Someone) -> groups.Group:
    """A group of the directory that the person is in."""
    profile = accounts.Profile(key=someone.email, user_name="x", display_name="X", email="")
    async with transaction():
        await accounts.link(OPERATOR, CORP, profile, someone.id, utc_now())
        members = {someone.email: frozenset({"leads"})}
        await groups.set_members(CORP.actor, CORP, {"leads": "Leads"}, members, utc_now())
    return next(each for each in await groups.groups_of(CORP) if each.key == "leads")


async def asked(world: World, flag: str) -> tuple["asyncio.Task[httpx.Response]", Ask]:
    held = asyncio.create_task(world.hook(bash(f"{FORCED} {flag}")))
    for _ in range(200):
        if asks := [ask for ask in await pending_asks(utc_now()) if flag in ask.summary]:
            return held, asks[-1]
        await asyncio.sleep(0.02)
    raise AssertionError(await held)


async def decided(world: World, who: Someone) -> list[str]:
    """The decisions that somebody's list shows."""
    listed = (await world.as_script(who, "GET", "/v1/decisions")).json()["decisions"]
    return [each["id"] for each in listed]


async def test_a_scoped_approver_sees_and_answers_the_asks_of_the_project(world: World) -> None:
    """From the grant on, until it is revoked; the page of the ask, its decision, and nobody else's asks."""
    pat = await make_person(world.appliance.identity, Role.MEMBER, "pat@example.org", utc_now())
    grants, group = world.appliance.identity.group_grants, await leads(pat)
    held, ask = await asked(world, "--tags")
    path, body = f"/v1/approvals/{ask.id}", {"resolution": "deny", "binding": ask.binding}
    role = next(name for name in ("approver", "security") if name in ask.terms.roles)
    await grants.grant(OPERATOR, group.id, role, utc_now(), project="/another/project")
    assert (await world.as_script(pat, "GET", path)).status_code == 404
    assert await decided(world, pat) == []
    assert (await world.as_script(pat, "POST", f"{path}/answer", body)).status_code == 404
    await grants.grant(OPERATOR, group.id, role, utc_now(), project=ask.project)
    listed = (await world.as_script(pat, "GET", "/v1/approvals")).json()["asks"]
    assert [each["id"] for each in listed] == [str(ask.id)]
    assert (await world.as_script(pat, "GET", path)).json()["why_not"] == ""
    assert (await world.as_browser(pat, "GET", f"/approvals/{ask.id}")).status_code == 200
    assert (await world.as_script(pat, "GET", f"/v1/decisions/{ask.decision_id}")).status_code == 200
    assert await decided(world, pat) == [str(ask.decision_id)]
    assert ask.summary.partition(" ")[0] in (await world.as_browser(pat, "GET", "/decisions")).text
    assert (await world.as_script(pat, "POST", f"{path}/answer", body)).status_code == 200
    assert "deny" in (await held).text
    await grants.revoke(OPERATOR, group.id, role, utc_now(), project=ask.project)
    assert await decided(world, pat) == []
    assert (await world.as_script(pat, "GET", path)).status_code == 404
    assert (await world.as_script(pat, "GET", f"/v1/decisions/{ask.decision_id}")).status_code == 404


async def test_people_are_listed_with_what_their_groups_give_them(world: World) -> None:
    """Effective and assigned roles apart, so that an administrator sees what a person can take away."""
    quin = await make_person(world.appliance.identity, Role.MEMBER, "quin@example.org", utc_now())
    group = await leads(quin)
    await world.appliance.identity.group_grants.grant(OPERATOR, group.id, "auditor", utc_now())
    listed = (await world.as_script(world.owner, "GET", "/v1/people")).json()["people"]
    told = next(each for each in listed if each["id"] == str(quin.id))
    assert (sorted(told["roles"]), told["direct_roles"]) == (["auditor", "member"], ["member"])
    assert told["sources"] == ["directory:corp"]
    assert (await world.as_script(quin, "GET", "/v1/people")).status_code == 200
    await world.appliance.identity.group_grants.revoke(OPERATOR, group.id, "auditor", utc_now())
    assert (await world.as_script(quin, "GET", "/v1/people")).status_code == 403


async def test_an_approver_lists_what_was_asked_and_nothing_else(world: World) -> None:
    """Everybody's asks with the role that holds everywhere; what was allowed or denied without asking stays hidden."""
    ann = await make_person(world.appliance.identity, Role.APPROVER, "ann@example.org", utc_now())
    noah = await make_person(world.appliance.identity, Role.MEMBER, "noah@example.org", utc_now())
    await world.hook(bash("git status"))
    held, ask = await asked(world, "--prune")
    assert str(ask.decision_id) in await decided(world, ann)
    listed = (await world.as_script(ann, "GET", "/v1/decisions")).json()["decisions"]
    assert {each["outcome"] for each in listed} == {"ask"}
    assert (await world.as_script(ann, "GET", f"/v1/decisions/{ask.decision_id}")).status_code == 200
    assert await decided(world, noah) == []
    await world.as_script(
        world.owner, "POST", f"/v1/approvals/{ask.id}/answer", {"resolution": "deny", "binding": ask.binding}
    )
    await held
