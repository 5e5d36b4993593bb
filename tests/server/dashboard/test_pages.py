"""Who gets which page, and what every page and form has in common."""

import re

import pytest

from appliance.database.identifiers import uuid7
from tests.server.dashboard.conftest import HTML, Browse
from tests.support.people import Someone
from tests.support.web import WebClient

FOR_EVERYBODY = ("/", "/approvals", "/decisions", "/account", "/reference")
FOR_ROLES = (
    "/policies", "/policies/edit", "/policies/versions/1", "/agents", "/agents/coverage", "/ledger", "/ledger/verify",
    "/people", "/directories", "/agents/connect",
)  # fmt: skip
SOME_ID = str(uuid7())
FORMS = (
    "/sign-out", f"/account/sessions/{SOME_ID}/revoke", f"/approvals/{SOME_ID}/answer", "/policies/edit",
    "/policies/versions/1/rollback", "/policies/drafts/delete", "/agents/tokens", f"/agents/tokens/{SOME_ID}/revoke",
    f"/agents/machines/{SOME_ID}/revoke", "/ledger/verify", "/people", f"/people/{SOME_ID}/grant",
    f"/people/{SOME_ID}/disable", f"/people/{SOME_ID}/reset",
)  # fmt: skip


async def test_the_owner_sees_every_page(browse: Browse, owner: Someone) -> None:
    """Each page answers 200, keeps nothing in caches, and has a title, a language and the strict policy."""
    browser = await browse(owner)
    for path in (*FOR_EVERYBODY, *FOR_ROLES):
        page = await browser.get(path)
        assert page.status_code == 200, (path, page.text[:2000])
        assert page.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "unsafe" not in page.headers["content-security-policy"]
        assert '<html lang="en">' in page.text
        assert re.search(r"<title>[^<]+ · OpenLeash</title>", page.text)


async def test_pages_hold_no_inline_code_and_no_foreign_address(browse: Browse, owner: Someone) -> None:
    """Nothing that the strict policy would block, and nothing that leaves the origin."""
    browser = await browse(owner)
    for path in (*FOR_EVERYBODY, *FOR_ROLES):
        text = (await browser.get(path)).text
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|javascript:", text), path
        assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', text), path


async def test_somebody_not_signed_in_is_sent_to_sign_in_and_back(browse: Browse) -> None:
    """Every page redirects to sign-in and remembers where the visitor wanted to go."""
    browser = await browse(None)
    for path in (*FOR_EVERYBODY, *FOR_ROLES):
        page = await browser.get(path)
        assert (page.status_code, page.headers["location"]) == (303, f"/sign-in?next={path}")


async def test_a_member_sees_only_what_members_may(browse: Browse, member: Someone) -> None:
    """Pages of other roles answer 403 in words, and are not in the navigation."""
    browser = await browse(member)
    for path in FOR_EVERYBODY:
        assert (await browser.get(path)).status_code == 200, path
    for path in FOR_ROLES:
        page = await browser.get(path)
        assert page.status_code == 403, path
        assert "What to do next" in page.text
    assert 'href="/people"' not in (await browser.get("/")).text


@pytest.mark.parametrize("path", FORMS)
async def test_a_form_without_its_token_is_refused(
    path: str, browse: Browse, owner: Someone, client: WebClient
) -> None:
    """No form of the dashboard works without the session's token."""
    await browse(owner)
    refused = await client.post(path, data={"act": "publish"}, headers=HTML, follow_redirects=False)
    assert refused.status_code == 403
    assert "did not come from a page of this service" in refused.text


async def test_an_unknown_page_tells_what_to_do(browse: Browse, owner: Someone) -> None:
    """A wrong address gives a page with the next step."""
    page = await (await browse(owner)).get("/nothing-here")
    assert page.status_code == 404
    assert "What to do next" in page.text


async def test_static_files_are_kept_for_ever_by_their_content(browse: Browse) -> None:
    """A versioned address is immutable, an unversioned one is asked about, and 304 spares the body."""
    browser = await browse(None)
    sign_in = (await browser.get("/sign-in")).text
    found = re.search(r'href="(/static/frame\.css\?v=[0-9a-f]+)"', sign_in)
    assert found
    page = await browser.get(found.group(1))
    assert page.headers["cache-control"].endswith("immutable")
    assert page.headers["content-type"].startswith("text/css")
    assert (await browser.get("/static/frame.css")).headers["cache-control"] == "no-cache"
    same = await browser.get("/static/frame.css", **{"If-None-Match": page.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")


@pytest.mark.parametrize("name", ["..%2frendering.py", "../rendering.py", ".npmrc", "vendor/.package-lock.json", ""])
async def test_nothing_else_is_served_as_static_file(name: str, browse: Browse) -> None:
    """No path leads out of the folder, and hidden files stay hidden."""
    assert (await (await browse(None)).get(f"/static/{name}")).status_code == 404
