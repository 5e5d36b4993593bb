"""People and groups for scripts: pages, grants, unlinking, and who may not."""

from appliance.clock import utc_now
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity import accounts, groups
from appliance.identity.records import Role, Source, SourceKind
from tests.support.people import OPERATOR, make_person
from tests.support.web_world import World

CORP = Source(SourceKind.DIRECTORY, "corp")


async def told(*keys: str) -> groups.Group:
    """A directory's people, all in one group."""
    people = [accounts.Profile(key=key, user_name=key, display_name=key.title(), email="") for key in keys]
    async with transaction():
        await accounts.provision_many(CORP.actor, CORP, people, utc_now())
        members = {key: frozenset({"staff"}) for key in keys}
        await groups.set_members(CORP.actor, CORP, {"staff": "Staff"}, members, utc_now())
    return next(each for each in await groups.groups_of(CORP) if each.key == "staff")


async def test_people_come_in_pages(world: World) -> None:
    """`next` leads through everybody; what narrows is refused where it is nothing of ours."""
    await told("ann", "bob", "cat")
    found, after = list[str](), ""
    while True:
        query = f"/v1/people?source=directory:corp&limit=2{after}"
        part = (await world.as_script(world.owner, "GET", query)).json()
        found += [each["display_name"] for each in part["people"]]
        if part["next"] is None:
            break
        after = f"&after={part['next']}"
    assert found == ["Ann", "Bob", "Cat"]
    owners = (await world.as_script(world.owner, "GET", "/v1/people?role=owner&is_disabled=false")).json()["people"]
    assert [each["id"] for each in owners] == [str(world.owner.id)]
    for query, status in (
        ("role=boss", 400), ("limit=201", 400), ("limit=0", 400), ("after=x", 400), (f"after={uuid7()}", 404),
        ("is_disabled=perhaps", 400),
    ):  # fmt: skip
        assert (await world.as_script(world.owner, "GET", f"/v1/people?{query}")).status_code == status, query


async def test_groups_are_granted_and_revoked(world: World) -> None:
    """The answer is the group as it is now; each refusal has its code."""
    group = await told("dan")
    path = f"/v1/groups/{group.id}/grants"
    made = await world.as_script(world.owner, "POST", path, {"role": "approver", "project": "/srv/pay"})
    assert made.status_code == 200, made.text
    assert [(each["role"], each["project"]) for each in made.json()["grants"]] == [("approver", "/srv/pay")]
    listed = (await world.as_script(world.owner, "GET", "/v1/groups?is_granted=true&text=sta")).json()
    assert [(each["name"], each["source"], len(each["grants"])) for each in listed["groups"]] == [
        ("Staff", "directory:corp", 1)
    ]
    for body, code in (({"role": "boss"}, "grant_refused"), ({"role": "owner", "project": "/x"}, "grant_refused")):
        refused = await world.as_script(world.owner, "POST", path, body)
        assert (refused.status_code, refused.json()["code"]) == (400, code)
    gone = await world.as_script(world.owner, "DELETE", f"{path}?role=approver&project=/srv/pay")
    assert gone.json()["grants"] == []
    unknown = await world.as_script(world.owner, "POST", f"/v1/groups/{uuid7()}/grants", {"role": "auditor"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "group_unknown")
    assert (await world.as_script(world.member, "GET", "/v1/groups")).status_code == 403


async def test_an_account_is_unlinked(world: World) -> None:
    """With its person's page before and after; the only way in is kept, and so is what a stranger wants."""
    await told("eli")
    pat = await make_person(world.appliance.identity, Role.MEMBER, "pat.people@example.org", utc_now())
    profile = accounts.Profile(key="pat", user_name="pat", display_name="Pat", email="")
    async with transaction():
        await accounts.link(OPERATOR, CORP, profile, pat.id, utc_now())
    path = f"/v1/people/{pat.id}"
    (account,) = (await world.as_script(world.owner, "GET", path)).json()["accounts"]
    assert (await world.as_script(world.member, "DELETE", f"{path}/accounts/{account['id']}")).status_code == 403
    done = await world.as_script(world.owner, "DELETE", f"{path}/accounts/{account['id']}")
    assert (done.status_code, done.json()["sessions"] >= 1) == (200, True)
    assert (await world.as_script(pat, "GET", "/v1/account")).status_code == 401
    assert (await world.as_script(world.owner, "GET", path)).json()["accounts"] == []
    (eli,) = [each for each in await accounts.accounts_of(CORP) if each.key == "eli"]
    kept = await world.as_script(world.owner, "DELETE", f"/v1/people/{eli.person_id}/accounts/{eli.id}")
    assert (kept.status_code, kept.json()["code"]) == (409, "unlink_refused")
