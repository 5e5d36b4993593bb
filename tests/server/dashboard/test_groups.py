"""The page of groups: who finds what, and changes what a group is granted."""

import re

import pytest
from httpx import Response

from appliance.bootstrap import Appliance
from appliance.clock import utc_now
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity import accounts, groups
from appliance.identity.records import Role, Source, SourceKind
from tests.server.dashboard.conftest import Browse
from tests.support.people import OPERATOR, Someone, ledger_facts, make_person

CORP = Source(SourceKind.DIRECTORY, "corp")


@pytest.fixture
async def told(appliance: Appliance) -> groups.Group:
    """Sixty groups, and Leads with one account in it."""
    ida = accounts.Profile(key="ida", user_name="ida", display_name="Ida", email="")
    names = {f"k{number}": f"Team {number:02}" for number in range(60)} | {"leads": "Leads <b>"}
    async with transaction():
        await accounts.provision(CORP.actor, CORP, ida, utc_now())
        await groups.replace_groups(CORP.actor, CORP, names, {"ida": frozenset({"leads"})}, utc_now(), is_complete=True)
    return await appliance.identity.group_grants.find("leads")


def words(reply: Response) -> str:
    """What a person reads, with single spaces."""
    assert reply.status_code == 200, reply.text
    return " ".join(re.sub(r"<[^>]+>", " ", reply.text).split())


async def test_groups_are_found_and_turned_over(
    appliance: Appliance, browse: Browse, owner: Someone, told: groups.Group
) -> None:
    """Fifty a page with the way on; a search keeps its fields in it; hostile names stay text."""
    await appliance.identity.group_grants.grant(OPERATOR, told.id, "approver", utc_now(), project="/srv/<i>")
    browser = await browse(owner)
    first = await browser.get("/groups")
    assert "Leads &lt;b&gt;" in first.text
    assert "approver in /srv/&lt;i&gt;" in first.text
    following = re.search(r'rel="next" href="([^"]+)"', first.text)
    assert following
    second = await browser.get(following[1].replace("&amp;", "&"))
    assert "Team 59" in second.text
    assert "First page" in second.text
    assert 'rel="next"' not in second.text
    assert "Team 07" in words(await browser.get("/groups?text=m%2007"))
    granted = words(await browser.get("/groups?granted=yes&source=directory:corp"))
    assert ("Leads" in granted, "Team" in granted) == (True, False)
    assert "No group matches" in words(await browser.get("/groups?text=nothing&source=%00"))
    assert (await browser.get(f"/groups?after={uuid7()}")).status_code == 404


async def test_a_grant_is_made_and_taken(
    appliance: Appliance, browse: Browse, owner: Someone, told: groups.Group
) -> None:
    """Roles, approver groups, and for one project; what cannot be granted comes back with the form as it was."""
    browser, path = await browse(owner), f"/groups/{told.id}"
    for fields in ({"role": "auditor"}, {"role": "member", "approver_group": "payments"}):
        done = await browser.post(f"{path}/grant", **fields)
        assert done.headers["location"] == f"{path}?done=granted", done.text
    await browser.post(f"{path}/grant", role="approver", project="/srv/pay/")
    grants = await appliance.identity.group_grants.of([told])
    assert [(each.role, each.project) for each in grants] == [
        ("approver", "/srv/pay"), ("auditor", ""), ("group:payments", ""),
    ]  # fmt: skip
    refused = await browser.post(f"{path}/grant", role="auditor", project="/srv/only")
    assert refused.status_code == 400
    assert 'value="/srv/only"' in refused.text
    assert "can be for one project" in refused.text
    assert (await browser.post(f"{path}/grant", approver_group="No Such Name!")).status_code == 400
    taken = await browser.post(f"{path}/revoke", role="approver", project="/srv/pay")
    assert taken.headers["location"] == f"{path}?done=revoked"
    assert len(await appliance.identity.group_grants.of([told])) == 2
    assert (await browser.post(f"/groups/{uuid7()}/grant", role="auditor")).status_code == 404


async def test_the_last_owners_grant_stays(
    appliance: Appliance, browse: Browse, owner: Someone, told: groups.Group
) -> None:
    """An owner whom a group makes one is told why nothing happened; and nobody grants to a group of their own."""
    grants, people = appliance.identity.group_grants, appliance.identity.people
    await grants.grant(OPERATOR, told.id, "owner", utc_now())
    administrator = await make_person(appliance.identity, Role.ADMINISTRATOR, "adm@example.org", utc_now())
    browser = await browse(administrator)
    refused = await browser.post(f"/groups/{told.id}/revoke", role="owner")
    assert refused.status_code == 403
    assert "only owners change owners" in words_of_refusal(refused)
    async with transaction():
        profile = accounts.Profile(key="adm", user_name="adm", display_name="Adm", email="")
        await accounts.link(OPERATOR, CORP, profile, administrator.id, utc_now())
        await groups.set_members(CORP.actor, CORP, {}, {"adm": frozenset({"leads"})}, utc_now())
    own = await (await browse(administrator)).post(f"/groups/{told.id}/grant", role="auditor")
    assert (own.status_code, "group of their own" in own.text) == (403, True)
    await people.disable(OPERATOR, owner.id, utc_now())
    await people.revoke_role(OPERATOR, administrator.id, Role.ADMINISTRATOR, utc_now())
    with pytest.raises(Exception, match="last owner"):
        await grants.revoke(OPERATOR, told.id, "owner", utc_now())
    assert [each["code"] for each in await ledger_facts("role_change.refused")][-1] == "last_owner"


def words_of_refusal(reply: Response) -> str:
    """The notice of a page that refused something."""
    return " ".join(re.sub(r"<[^>]+>", " ", reply.text).split())


async def test_auditors_read_and_members_do_not(
    appliance: Appliance, browse: Browse, member: Someone, told: groups.Group
) -> None:
    """Without forms; and what they send is refused."""
    auditor = await make_person(appliance.identity, Role.AUDITOR, "aud@example.org", utc_now())
    browser = await browse(auditor)
    seen = await browser.get(f"/groups/{told.id}")
    assert "/grant" not in seen.text
    assert (await browser.post(f"/groups/{told.id}/grant", role="auditor")).status_code == 403
    browser = await browse(member)
    assert (await browser.get("/groups")).status_code == 403
    assert (await browser.get(f"/groups/{told.id}")).status_code == 403
