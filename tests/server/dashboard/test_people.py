"""The page of people at size, and the page of one person."""

import re

from appliance.bootstrap import Appliance
from appliance.clock import utc_now
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity import accounts, groups
from appliance.identity.records import Role, Source, SourceKind
from tests.server.dashboard.conftest import Browse
from tests.support.people import OPERATOR, Someone, make_person

CORP = Source(SourceKind.DIRECTORY, "corp")


async def many(number: int) -> None:
    """So many people of a directory."""
    told = [
        accounts.Profile(key=f"u{each}", user_name=f"u{each}", display_name=f"Person {each:03}", email="")
        for each in range(number)
    ]
    async with transaction():
        await accounts.provision_many(CORP.actor, CORP, told, utc_now())


async def test_people_are_turned_over_and_found(browse: Browse, owner: Someone) -> None:
    """Fifty a page; the way on keeps the search; a change leads back to where it was made."""
    await many(120)
    browser = await browse(owner)
    path, seen = "/people?source=directory:corp", list[str]()
    while path:
        reply = await browser.get(path)
        seen += re.findall(r"<strong>(Person \d+)</strong>", reply.text)
        following = re.search(r'rel="next" href="([^"]+)"', reply.text)
        path = following[1].replace("&amp;", "&") if following else ""
    assert seen == [f"Person {each:03}" for each in range(120)]
    found = await browser.get("/people?text=person%20007&role=nonsense&state=enabled")
    assert found.text.count("<strong>Person") == 1
    form = re.search(r'action="(/people/[^"]+/grant)".*?name="back" value="([^"]*)"', found.text)
    assert form
    back = form[2].replace("&amp;", "&")
    done = await browser.post(form[1], role="auditor", back=f"{back}&evil=x")
    assert done.headers["location"] == "/people?text=person+007&role=nonsense&state=enabled&done=changed"
    assert "Nobody matches" in (await browser.get("/people?text=%00nobody&state=disabled")).text
    assert (await browser.get(f"/people?after={uuid7()}")).status_code == 404


async def test_a_person_is_shown_with_reasons_and_unlinked(
    appliance: Appliance, browse: Browse, owner: Someone, member: Someone
) -> None:
    """Accounts, groups and the way of each role; the button takes the account, and says what came of it."""
    profile = accounts.Profile(key="mia", user_name="mia <b>", display_name="Mia", email="")
    async with transaction():
        await accounts.link(OPERATOR, CORP, profile, member.id, utc_now())
        members = {"mia": frozenset({"leads"})}
        await groups.set_members(CORP.actor, CORP, {"leads": "Leads"}, members, utc_now())
    group = await appliance.identity.group_grants.find("Leads")
    await appliance.identity.group_grants.grant(OPERATOR, group.id, "approver", utc_now(), project="/srv")
    browser, path = await browse(owner), f"/people/{member.id}"
    shown = (await browser.get(path)).text
    assert all(text in shown for text in ("assigned", "directory:corp/Leads", "/srv", "mia &lt;b&gt;"))
    (account,) = await accounts.accounts_of_person(member.id)
    unlink = f"{path}/accounts/{account.id}/unlink"
    assert unlink in shown
    assert (await (await browse(member)).get(path)).status_code == 403
    auditor = await make_person(appliance.identity, Role.AUDITOR, "aud@example.org", utc_now())
    assert "unlink" not in (await (await browse(auditor)).get(path)).text
    browser = await browse(owner)
    done = await browser.post(unlink)
    assert done.headers["location"] == f"{path}?done=unlinked", done.text
    after = (await browser.get(f"{path}?done=unlinked")).text
    assert "None: this person is known here alone" in after
    again = await browser.post(unlink)
    assert (again.status_code, "has no such account" in again.text) == (404, True)
    await many(1)
    only = (await appliance.identity.people.find(str((await accounts.accounts_of(CORP))[0].person_id))).id
    (last,) = await accounts.accounts_of_person(only)
    kept = await browser.post(f"/people/{only}/accounts/{last.id}/unlink")
    assert (kept.status_code, "only way in" in kept.text) == (409, True)
    assert (await browser.get(f"/people/{uuid7()}")).status_code == 404
