"""Requests as Microsoft Entra ID and Okta document that they send them."""

from tests.server.scim.conftest import GROUP, PATCH, USER, Provider

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


async def test_entra_creates_looks_up_and_disables_a_user(entra: Provider) -> None:
    """Extension and roles are let pass and kept nowhere; `active` comes as text; operations have capitals."""
    none = await entra.send("GET", "/Users", filter='userName eq "Test_User_dfeef4c5"')
    assert (none.status_code, none.json()["totalResults"], none.json()["Resources"]) == (200, 0, [])
    body = {
        "schemas": [USER, ENTERPRISE],
        "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
        "userName": "Test_User_ab6490ee@testuser.example",
        "active": True,
        "displayName": "lennay",
        "emails": [{"primary": True, "type": "work", "value": "Test_User_fd0ea19b@testuser.example"}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "givenName familyName", "familyName": "familyName", "givenName": "givenName"},
        "roles": [{"value": "owner", "primary": True}],
        ENTERPRISE: {"department": "Sales", "manager": {"value": "x"}},
    }
    made = await entra.send("POST", "/Users", body)
    assert made.status_code == 201, made.text
    user = made.json()
    assert "roles" not in user
    assert ENTERPRISE not in user
    assert made.headers["etag"] == user["meta"]["version"] == 'W/"1"'
    assert made.headers["location"] == user["meta"]["location"]
    person = await entra.person(user)
    assert (person.roles, person.email) == (frozenset(), "test_user_fd0ea19b@testuser.example")
    found = await entra.send("GET", "/Users", filter='userName eq "test_user_AB6490EE@testuser.example"')
    assert [each["id"] for each in found.json()["Resources"]] == [user["id"]]
    changed = await entra.patch(
        f"/Users/{user['id']}",
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "updatedEmail@testuser.example"},
        {"op": "Replace", "path": "name.familyName", "value": "updatedFamilyName"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Marketing"},
        {"op": "Add", "path": 'addresses[type eq "work"].country', "value": "NO"},
    )
    assert changed.status_code == 200, changed.text
    assert changed.json()["emails"][0]["value"] == "updatedEmail@testuser.example"
    assert (await entra.person(user)).email == "updatedemail@testuser.example"
    for text in ("False", "True"):
        reply = await entra.patch(f"/Users/{user['id']}", {"op": "Replace", "path": "active", "value": text})
        assert reply.json()["active"] is (text == "True")
        assert (await entra.person(user)).is_disabled is (text == "False")


async def test_entra_moves_members(entra: Provider) -> None:
    """Adds them by a list, removes them by values or by a path, and asks for the group without them."""
    mia, ida = await entra.user("mia.member"), await entra.user("ida.member")
    group = await entra.group("Developers")
    path = f"/Groups/{group['id']}"
    added = await entra.patch(
        path, {"op": "Add", "path": "members", "value": [{"value": mia["id"]}, {"value": ida["id"]}]}
    )
    assert {each["value"] for each in added.json()["members"]} == {mia["id"], ida["id"]}
    assert (await entra.person(mia)).groups == {"scim:entra/Developers"}
    removed = await entra.patch(path, {"op": "Remove", "path": "members", "value": [{"value": mia["id"]}]})
    assert [each["value"] for each in removed.json()["members"]] == [ida["id"]]
    assert (await entra.person(mia)).groups == frozenset()
    removed = await entra.patch(path, {"op": "Remove", "path": f'members[value eq "{ida["id"]}"]'})
    assert "members" not in removed.json()
    shown = await entra.send("GET", path, excludedAttributes="members")
    assert shown.json()["displayName"] == "Developers"
    renamed = await entra.patch(path, {"op": "Replace", "path": "displayName", "value": "Engineers"})
    assert renamed.json()["meta"]["version"] == 'W/"5"'


async def test_okta_creates_updates_and_deactivates(okta: Provider) -> None:
    """PUT says everything anew; deactivation is a replace without a path."""
    found = await okta.send("GET", "/Users", filter='userName eq "test.user@okta.local"', startIndex="1", count="100")
    assert found.json()["totalResults"] == 0
    body = {
        "schemas": [USER],
        "userName": "test.user@okta.local",
        "name": {"givenName": "Test", "familyName": "User"},
        "emails": [{"primary": True, "value": "test.user@okta.local", "type": "work"}],
        "displayName": "Test User",
        "locale": "en-US",
        "externalId": "00ujl29u0le5T6Aj10h7",
        "groups": [],
        "active": True,
    }
    user = (await okta.send("POST", "/Users", body)).json()
    changed = await okta.send("PUT", f"/Users/{user['id']}", {**body, "id": user["id"], "displayName": "Another"})
    assert changed.status_code == 200, changed.text
    assert (await okta.person(user)).display_name == "Another"
    out = await okta.patch(f"/Users/{user['id']}", {"op": "replace", "value": {"active": False}})
    assert out.json()["active"] is False
    assert (await okta.person(user)).is_disabled
    without = {name: value for name, value in body.items() if name != "active"}
    kept = await okta.send("PUT", f"/Users/{user['id']}", without)
    assert kept.json()["active"] is False  # what is left out lets nobody in
    assert (await okta.person(user)).is_disabled


async def test_okta_pushes_a_group(okta: Provider) -> None:
    """By name with its own identifier repeated, and members replaced as a whole."""
    mia, ida = await okta.user("mia.pushed"), await okta.user("ida.pushed")
    group = await okta.group("Pushed", mia["id"])
    body = {
        "schemas": [PATCH],
        "Operations": [
            {"op": "replace", "value": {"id": group["id"], "displayName": "Pushed again"}},
            {"op": "replace", "path": "members", "value": [{"value": ida["id"], "display": "ida"}]},
        ],
    }
    changed = await okta.send("PATCH", f"/Groups/{group['id']}", body)
    assert changed.status_code == 200, changed.text
    assert changed.json()["displayName"] == "Pushed again"
    assert (await okta.person(ida)).groups == {"scim:okta/Pushed again"}
    assert (await okta.person(mia)).groups == frozenset()
    put = {"schemas": [GROUP], "displayName": "Put", "members": [{"value": mia["id"], "display": "mia"}]}
    await okta.send("PUT", f"/Groups/{group['id']}", put)
    assert (await okta.person(mia)).groups == {"scim:okta/Put"}
    assert (await okta.send("DELETE", f"/Groups/{group['id']}")).status_code == 204
    assert (await okta.person(mia)).groups == frozenset()
    assert (await okta.send("GET", f"/Groups/{group['id']}")).status_code == 404
