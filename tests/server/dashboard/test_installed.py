"""The dashboard as an app: worker, manifest and offline page, none of which is about anybody."""

import json
import re

from server.dashboard.assets import FOLDER
from server.dashboard.installed import worker
from tests.server.dashboard.conftest import Browse
from tests.support.people import Someone


async def test_the_worker_serves_the_whole_origin(browse: Browse) -> None:
    """From the root, asked for anew each time, as a script that our own policy lets in."""
    reply = await (await browse(None)).get("/sw.js")
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/javascript")
    assert reply.headers["cache-control"] == "no-cache"
    policy = reply.headers["content-security-policy"]
    assert "worker-src 'self'" in policy
    assert "manifest-src 'self'" in policy
    assert "unsafe" not in policy


async def test_the_worker_keeps_only_what_everybody_may_read(browse: Browse) -> None:
    """Each file that it keeps opens without a session, and is ours or the offline page."""
    script = worker().decode()
    listed = re.search(r"const FILES = (\[.*?\]);", script)
    assert listed
    files = json.loads(listed[1])
    assert len(files) > 5
    anonymous = await browse(None)
    for path in files:
        assert path == "/offline" or path.startswith("/static/"), path
        assert (await anonymous.get(path)).status_code == 200, path
    for word in ("VERSION", "FILES", "ICON", "BADGE"):
        assert f'"{word}"' not in script
        assert f"-{word}" not in script


async def test_the_offline_page_is_the_same_for_everybody(browse: Browse, owner: Someone) -> None:
    """A device keeps it, so no name and no form token stands in it."""
    anonymous = await (await browse(None)).get("/offline")
    signed_in = await (await browse(owner)).get("/offline")
    assert anonymous.text == signed_in.text
    assert "No connection" in anonymous.text
    assert "csrf" not in anonymous.text


async def test_the_manifest_names_icons_that_are_there(browse: Browse) -> None:
    """In the sizes that installation needs, one of them for round masks."""
    reply = await (await browse(None)).get("/static/manifest.webmanifest")
    assert reply.headers["content-type"].startswith("application/manifest+json")
    manifest = reply.json()
    assert (manifest["scope"], manifest["display"]) == ("/", "standalone")
    sizes = {(icon["sizes"], icon["purpose"]) for icon in manifest["icons"]}
    assert {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")} <= sizes
    for icon in manifest["icons"]:
        picture = (FOLDER / icon["src"]).read_bytes()
        width = int.from_bytes(picture[16:20])  # PNG, IHDR
        assert icon["sizes"] == f"{width}x{width}"
    page = (await (await browse(None)).get("/sign-in")).text
    assert 'rel="manifest"' in page
