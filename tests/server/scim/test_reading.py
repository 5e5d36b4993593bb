"""Finding users and groups: filters, order, pages, parts, versions."""

import pytest

from tests.server.scim.conftest import Provider

FOUND = [
    ('userName eq "ADA.find"', "ada"),
    ('userName ne "ada.find" and userName ew ".find"', "bea cleo"),
    ('userName co ".FIN" and not (userName sw "a")', "bea cleo"),
    ('userName sw "ada.f" or displayName eq "Cleo %_\'"', "ada cleo"),
    ('(userName sw "ada.f" or userName sw "bea.f") and active eq false', "bea"),
    ('active eq "False" and userName ew ".find"', "bea"),
    ('active ne true and userName ew ".find"', "bea"),
    ('name.familyName pr and userName ew ".find"', "ada"),
    ('name pr and userName ew ".find"', "ada"),
    ('title eq null and userName ew ".find"', "bea cleo"),
    ('not (title pr) and userName ew ".find"', "bea cleo"),
    ('emails[type eq "work" and value co "@find"]', "ada"),
    ('emails[type eq "work"].value eq "ADA@find.example"', "ada"),
    ('emails co "@find.example"', "ada bea"),
    ('emails.type eq "home"', "bea"),
    ('emails pr and userName ew ".find"', "ada bea"),
    ('externalId eq "E-find-1"', "ada"),
    ('externalId eq "e-find-1"', ""),
    ('userName gt "ada.find" and userName le "cleo.find" and userName ew ".find"', "bea cleo"),
    ('meta.created gt "2020-01-01T00:00:00Z" and userName ew ".find"', "ada bea cleo"),
    ('meta.lastModified lt "2020-01-01T00:00:00+02:00"', ""),
    ('meta.version eq "W/\\"1\\"" and userName ew ".find"', "ada bea cleo"),
    ('urn:ietf:params:scim:schemas:core:2.0:User:userName eq "ada.find"', "ada"),
    ('groups.display eq "Finders"', "ada"),
    ('userName eq "ada.find\\u0022 or 1=1"', ""),
    ("userName eq \"x' OR '1'='1\"", ""),
]
REFUSED = [
    "userName",
    "userName eq",
    'userName xx "a"',
    'userName eq "a" and',
    '(userName eq "a"',
    'password eq "x"',
    "password pr",
    'roles.value eq "owner"',
    'nickName eq "x"',
    "userName eq 5",
    "active gt true",
    'active eq "perhaps"',
    'meta.created eq "yesterday"',
    'meta.created gt "2020-01-01T00:00:00"',
    'meta.created co "2020"',
    'userName[a eq "b"]',
    'emails[groups[value eq "x"]]',
    'emails.nothing eq "x"',
    'name eq "x"',
    "title gt null",
    'person_id eq "x"',
    "userName eq 'a'",
    'userName eq "a\\x"',
    "; DROP TABLE scim_user",
    'provider eq "okta"',
    'r.provider eq "okta"',
    "(" * 2000 + "userName pr" + ")" * 2000 + "(",
    "not (" * 60 + "userName pr" + ")" * 60,
    " or ".join(['userName eq "a"'] * 101),
    'userName eq "' + "a" * 60_000 + '"',
    "\ud800 eq 1".encode("utf-8", "replace").decode(),
]


@pytest.fixture
async def finders(entra: Provider) -> dict[str, str]:
    """Three users of whom one is in a group; identifier to first name."""
    found = (await entra.send("GET", "/Users", filter='userName ew ".find"')).json()["Resources"]
    if not found:
        ada = await entra.user(
            "ada.find",
            externalId="E-find-1",
            name={"familyName": "Lovelace"},
            title="Countess",
            emails=[{"value": "ada@find.example", "type": "work"}, {"value": "ada@home.example", "type": "other"}],
        )
        bea = await entra.user("bea.find", active=False, emails=[{"value": "bea@find.example", "type": "home"}])
        await entra.user("cleo.find", displayName="Cleo %_'")
        await entra.group("Finders", ada["id"])
        await entra.patch(f"/Users/{bea['id']}", {"op": "remove", "path": "title"})
        found = (await entra.send("GET", "/Users", filter='userName ew ".find"')).json()["Resources"]
    return {each["id"]: each["userName"].partition(".")[0] for each in found}


@pytest.mark.parametrize(("text", "names"), FOUND)
async def test_a_filter_finds(entra: Provider, finders: dict[str, str], text: str, names: str) -> None:
    """Exactly whom it describes; values are never part of a statement."""
    if "meta.version" in text:  # being put into the group made a second version
        names = "bea cleo"
    reply = await entra.send("GET", "/Users", filter=text)
    assert reply.status_code == 200, reply.text
    found = sorted(finders[each["id"]] for each in reply.json()["Resources"])
    assert found == names.split()
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": text}
    searched = await entra.send("POST", "/Users/.search", body)
    assert searched.json()["totalResults"] == len(found)


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:30])
async def test_a_filter_that_is_not_understood_is_refused(entra: Provider, text: str) -> None:
    """As an invalid filter in SCIM's own words, on every way to ask."""
    for reply in (
        await entra.send("GET", "/Users", filter=text),
        await entra.send("POST", "/Users/.search", {"filter": text}),
    ):
        assert reply.status_code == 400, reply.text
        assert reply.json()["scimType"] == "invalidFilter"
        assert reply.headers["content-type"].startswith("application/scim+json")


async def test_groups_are_found_by_name_and_member(entra: Provider, finders: dict[str, str]) -> None:
    """And told without members where that is asked for."""
    ada = next(key for key, name in finders.items() if name == "ada")
    for text in (
        'displayName eq "finders"',
        f'members.value eq "{ada}"',
        f'members[value eq "{ada}" and type eq "User"]',
    ):
        found = (await entra.send("GET", "/Groups", filter=text, excludedAttributes="members")).json()
        assert [each["displayName"] for each in found["Resources"]] == ["Finders"]
        assert "members" not in found["Resources"][0]


async def test_pages_and_order(entra: Provider, finders: dict[str, str]) -> None:
    """Numbers that make no sense are brought into range, as RFC 7644 section 3.4.2.4 says."""
    text = 'userName ew ".find"'

    async def page(**query: str) -> tuple[int, list[str]]:
        reply = await entra.send("GET", "/Users", filter=text, asked=query)
        assert reply.status_code == 200, reply.text
        told = reply.json()
        assert told["itemsPerPage"] == len(told["Resources"])
        return told["totalResults"], [finders[each["id"]] for each in told["Resources"]]

    assert await page(sortBy="userName", sortOrder="descending") == (3, ["cleo", "bea", "ada"])
    assert await page(sortBy="username", startIndex="2", count="1") == (3, ["bea"])
    assert await page(sortBy="name.familyName") == (3, ["ada", "bea", "cleo"])
    assert await page(sortBy="active", sortOrder="ascending") == (3, ["bea", "ada", "cleo"])
    assert await page(startIndex="-7", count="-1") == (3, [])
    assert await page(startIndex="4") == (3, [])
    assert await page(startIndex="9" * 400, count="9" * 400) == (3, [])
    for wrong in (
        {"startIndex": "x"},
        {"count": "1.5"},
        {"sortOrder": "sideways"},
        {"sortBy": "password"},
        {"sortBy": "x;"},
    ):
        reply = await entra.send("GET", "/Users", None, asked=wrong)
        assert reply.status_code == 400, wrong
        assert reply.json()["scimType"] in {"invalidValue", "invalidPath"}


async def test_parts_of_a_resource(entra: Provider, finders: dict[str, str]) -> None:
    """What is named, and always schemas and id; naming both ways is refused."""
    path = "/Users/" + next(key for key, name in finders.items() if name == "ada")
    some = (await entra.send("GET", path, attributes="userName,emails.value, name.givenName")).json()
    assert set(some) == {"schemas", "id", "userName", "emails"}
    assert some["emails"] == [{"value": "ada@find.example"}, {"value": "ada@home.example"}]
    rest = (await entra.send("GET", path, excludedAttributes="emails.type,GROUPS,meta,id")).json()
    assert {"id", "userName", "emails"} <= set(rest)
    assert not {"groups", "meta"} & set(rest)
    assert all(set(each) == {"value"} for each in rest["emails"])
    assert (await entra.send("GET", path, attributes="a", excludedAttributes="b")).status_code == 400


async def test_versions(entra: Provider) -> None:
    """A read is spared where nothing changed; a change of another version is refused."""
    user = await entra.user("vera.version")
    path, etag = f"/Users/{user['id']}", user["meta"]["version"]
    same = await entra.send("GET", path, headers={"if-none-match": f'"zzz", {etag}'})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    assert (await entra.send("GET", path, headers={"if-none-match": 'W/"99"'})).status_code == 200
    body = {"userName": "vera.version", "displayName": "Vera"}
    for wrong in ('W/"99"', "nonsense", '"1', 'W/"99999999999999999999"'):
        for method, sent in (("PUT", body), ("DELETE", None)):
            reply = await entra.send(method, path, sent, headers={"if-match": wrong})
            assert reply.status_code == 412, (method, wrong)
    assert (await entra.send("PUT", path, body, headers={"if-match": etag})).headers["etag"] == 'W/"2"'
    assert (await entra.send("DELETE", path, headers={"if-match": "*"})).status_code == 204


async def test_users_and_groups_are_searched_together(entra: Provider, finders: dict[str, str]) -> None:
    """Users first, then groups, in one count; what only one of both has is found there."""
    text = 'userName ew ".find" or displayName eq "Finders"'
    assert (await entra.send("POST", "/.search", {"filter": text})).json()["totalResults"] == 3
    both = {"filter": 'displayName co "find" or displayName co "cleo"', "startIndex": 1, "count": 1}
    names = list[str]()
    for start in (1, 2):
        told = (await entra.send("POST", "/.search", {**both, "startIndex": start})).json()
        assert told["totalResults"] == 2
        names += [each["displayName"] for each in told["Resources"]]
    assert names == ["Cleo %_'", "Finders"]
    assert (await entra.send("POST", "/.search", {"filter": "password pr"})).status_code == 400
