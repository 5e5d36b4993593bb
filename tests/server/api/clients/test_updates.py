"""The update feed: releases that IT has signed, word for word as desktops read it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Any, cast

import pytest

from appliance.config.updates import Updates
from appliance.updates.errors import DownloadsBusyError
from appliance.updates.records import ReleaseFile
from appliance.updates.releases import DOWNLOADS_MAX, Releases
from appliance.updates.rules import Part
from server.contract import CONTRACTS
from server.downloads import Download
from tests.support.postgres import TestPostgres
from tests.support.releases import CONTENT, Shelf, described
from tests.support.web_world import ORIGIN, World, web_world
from tests.support.wire import golden

ASKED = {
    "app": "openleash-personal", "version": "0.36.57", "platform": "darwin", "arch": "arm64", "channel": "stable",
    "installMode": "personal", "updateSource": "daily",
}  # fmt: skip


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """With two versions for two channels."""
    made = Shelf(tmp_path_factory.mktemp("shelf"))
    digest = made.file("OpenLeash-0.36.58.dmg")
    made.release(described("0.36.58", digest, notesUrl="https://intranet.example.org/notes"))
    return made


@pytest.fixture(scope="module")
async def world(postgres: TestPostgres, tmp_path_factory: pytest.TempPathFactory, shelf: Shelf) -> AsyncIterator[World]:
    """An installation whose updates come from the shelf."""
    updates = Updates(directory=shelf.directory, keys=(shelf.key,))
    async with web_world(postgres, tmp_path_factory.mktemp("state"), updates=updates) as running:
        yield running


@pytest.fixture(autouse=True)
def put_back(shelf: Shelf) -> None:
    """Each test begins with the one good release."""
    digest = shelf.file("OpenLeash-0.36.58.dmg")
    shelf.release(described("0.36.58", digest, notesUrl="https://intranet.example.org/notes"))


async def check(world: World, **changed: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    reply = await world.client.post("/api/updates/check", json={**ASKED, **changed})
    assert reply.status_code == 200, reply.text
    told: dict[str, Any] = reply.json()
    return told


async def test_a_newer_release_is_offered(world: World) -> None:
    """Everything that a desktop requires: version, address, 64 hexadecimal digits; without a token."""
    headers = {"x-openleash-api-version": CONTRACTS["clientUpdateCheck"]}
    reply = await world.client.post("/api/updates/check", json=ASKED, headers=headers)
    assert reply.json() == golden("update_offered")
    latest = (await world.client.get("/api/updates/latest?version=0.36.57")).json()
    assert latest == reply.json()
    content = await world.client.get(latest["downloadUrl"].removeprefix(ORIGIN))
    assert hashlib.sha256(content.content).hexdigest() == latest["sha256"]


@pytest.mark.parametrize(
    "changed",
    [
        {"version": "0.36.58"}, {"version": "0.37.0"}, {"platform": "win32"}, {"arch": "x64"}, {"channel": "beta"},
        {"version": "1.0.0-beta.1"}, {"platform": None},
    ],
)  # fmt: skip
async def test_nothing_newer_is_no_update(world: World, changed: dict[str, Any]) -> None:
    """`updateAvailable` false with the version that is current; no address that a client could follow."""
    told = await check(world, **changed)
    if changed == {"version": "0.36.58"}:
        assert told == golden("update_none")
    assert told["updateAvailable"] is False
    assert "downloadUrl" not in told
    assert told["latestVersion"]


async def test_versions_are_compared_as_numbers(world: World, shelf: Shelf) -> None:
    """0.36.100 is newer than 0.36.58 and 0.36.58 than its own beta; the newest one is offered."""
    digests = {version: shelf.file(f"OpenLeash-{version}.dmg") for version in ("0.36.9", "0.36.100", "0.36.101-rc1")}
    shelf.release(*(described(version, digest) for version, digest in digests.items()))
    assert (await check(world))["latestVersion"] == "0.36.101-rc1"
    assert (await check(world, version="0.36.101"))["updateAvailable"] is False
    assert (await check(world, version="0.36.101-beta"))["updateAvailable"] is True


async def test_nobody_is_offered_what_nobody_signed(world: World, shelf: Shelf) -> None:
    """A changed manifest, a missing or foreign signature, a file with another content: no update, and a warning."""
    manifest, signature = shelf.directory / "manifest.json", shelf.directory / "manifest.json.sig"
    good, signed = manifest.read_bytes(), signature.read_bytes()
    for content, proof in (
        (good.replace(b"0.36.58", b"0.36.59"), signed), (good, bytes(64)), (good, signed[:63]), (good, signed + b"x"),
        (good, b""),
    ):  # fmt: skip
        manifest.write_bytes(content)
        signature.write_bytes(proof)
        assert (await check(world))["updateAvailable"] is False
        assert (await world.client.get("/api/updates/files/OpenLeash-0.36.58.dmg")).status_code == 404
        assert "updates_refused" in (await world.client.get("/health")).json()["warnings"]
    manifest.write_bytes(good)
    signature.write_bytes(signed)
    assert (await check(world))["updateAvailable"] is True
    assert "updates_refused" not in (await world.client.get("/health")).json()["warnings"]
    shelf.file("OpenLeash-0.36.58.dmg", CONTENT + b"x")
    assert (await check(world))["updateAvailable"] is False
    assert "updates_refused" in (await world.client.get("/health")).json()["warnings"]
    (shelf.directory / "OpenLeash-0.36.58.dmg").unlink()
    assert (await check(world))["updateAvailable"] is False
    assert "updates_refused" in (await world.client.get("/health")).json()["warnings"]


@pytest.mark.parametrize(
    "raw",
    [
        b"[]", b"{}", b'{"releases":[{"version":"x","platform":"darwin","file":"a","sha256":"' + b"0" * 64 + b'"}]}',
        b'{"releases":[{"version":"9.0.0","platform":"darwin","file":"../key.pem","sha256":"' + b"0" * 64 + b'"}]}',
        b'{"releases":[{"version":"9.0.0","platform":"darwin","file":"a","sha256":"0"}]}',
        b'{"releases":[],"more":1}', b"\xff", b'{"releases":' + b"[" * 2_000,
        b'{"releases":[{"version":"9.0.0","platform":"darwin","file":"a","notesUrl":"javascript:x","sha256":"'
        + b"0" * 64 + b'"}]}',
    ],
)  # fmt: skip
async def test_a_manifest_that_is_none(world: World, shelf: Shelf, raw: bytes) -> None:
    """Also if it is signed: no update, no fault."""
    shelf.release(raw=raw)
    assert (await check(world))["updateAvailable"] is False


async def test_a_link_leads_nowhere(world: World, shelf: Shelf) -> None:
    """A name in the directory that is a link to a file elsewhere is not served."""
    target = shelf.directory.parent / "key.pem"
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    (shelf.directory / "OpenLeash-9.0.0.dmg").symlink_to(target)
    shelf.release(described("9.0.0", digest))
    assert (await check(world))["updateAvailable"] is False
    assert (await world.client.get("/api/updates/files/OpenLeash-9.0.0.dmg")).status_code == 404


@pytest.mark.parametrize(
    ("asked", "status", "first", "last"),
    [
        ("bytes=0-99", 206, 0, 99), ("bytes=1048000-", 206, 1048000, 1048575), ("bytes=-100", 206, 1048476, 1048575),
        ("bytes=5-99999999", 206, 5, 1048575), ("bytes=0-0,5-6", 200, 0, 1048575), ("items=0-5", 200, 0, 1048575),
        ("bytes=9-5", 200, 0, 1048575), ("bytes=", 200, 0, 1048575), ("bytes=-0", 416, 0, 0),
        ("bytes=1048576-", 416, 0, 0), ("bytes=" + "9" * 30 + "-", 200, 0, 1048575),
    ],
)  # fmt: skip
async def test_a_download_goes_on_where_it_was_cut(
    world: World, asked: str, status: int, first: int, last: int
) -> None:
    """One part, or the whole file where the header asks for something else (RFC 9110 section 14)."""
    path = "/api/updates/files/OpenLeash-0.36.58.dmg"
    reply = await world.client.get(path, headers={"range": asked})
    assert reply.status_code == status
    if status == 416:
        assert reply.json()["code"] == "update_range_refused"
        return
    assert reply.content == CONTENT[first : last + 1]
    assert int(reply.headers["content-length"]) == last + 1 - first
    assert reply.headers.get("content-range") == (f"bytes {first}-{last}/1048576" if status == 206 else None)


async def test_a_part_of_another_version_is_the_whole(world: World) -> None:
    """If-Range with the file's own tag is a part, with another one everything."""
    path = "/api/updates/files/OpenLeash-0.36.58.dmg"
    tag = (await world.client.get(path)).headers["etag"]
    for known, status in ((tag, 206), ('"other"', 200)):
        headers = {"range": "bytes=0-9", "if-range": known}
        assert (await world.client.get(path, headers=headers)).status_code == status


@pytest.mark.parametrize("name", ["manifest.json", "manifest.json.sig", "nothing.dmg", "..", "%2e%2e%2fkey.pem"])
async def test_only_released_files_are_sent(world: World, name: str) -> None:
    """Nothing else of the directory, and nothing outside of it."""
    assert (await world.client.get(f"/api/updates/files/{name}")).status_code == 404


@pytest.mark.parametrize("body", [{"version": 5}, {"platform": []}, {"app": {}}, {"channel": True}])
async def test_odd_questions_are_refused(world: World, body: dict[str, Any]) -> None:
    """400 with words."""
    reply = await world.client.post("/api/updates/check", json=body)
    assert (reply.status_code, bool(reply.json()["error"])) == (400, True)


async def test_many_download_at_once(world: World) -> None:
    """Every one of them gets the whole file."""
    path = "/api/updates/files/OpenLeash-0.36.58.dmg"
    replies = await asyncio.gather(*(world.client.get(path) for _ in range(8)))
    assert [reply.content == CONTENT for reply in replies] == [True] * 8


async def test_readers_that_stand_still_are_let_go(world: World) -> None:
    """As many as may download at once take nothing: others are told so, and soon it is their turn."""
    releases = world.appliance.releases
    found = await releases.file("OpenLeash-0.36.58.dmg")
    held = [asyncio.create_task(stalled(releases, found)) for _ in range(DOWNLOADS_MAX)]
    await asyncio.sleep(0.1)
    path = "/api/updates/files/OpenLeash-0.36.58.dmg"
    refused = await world.client.get(path)
    assert (refused.status_code, refused.json()["code"]) == (503, "update_downloads_busy")
    async with asyncio.timeout(5):
        sent = await asyncio.gather(*held)
    assert [is_whole for is_whole in sent if is_whole] == []
    assert (await world.client.get(path)).content == CONTENT


async def test_downloads_are_counted_when_they_are_let_in(world: World) -> None:
    """However many ask in the same instant, no more than may run are sent; the others are told to come again."""
    path = "/api/updates/files/OpenLeash-0.36.58.dmg"
    replies = await asyncio.gather(*(world.client.get(path) for _ in range(DOWNLOADS_MAX + 20)))
    statuses = [reply.status_code for reply in replies]
    assert statuses.count(200) >= DOWNLOADS_MAX
    assert {reply.json()["code"] for reply in replies if reply.status_code != 200} <= {"update_downloads_busy"}
    releases = world.appliance.releases
    with ExitStack() as running:
        for _ in range(DOWNLOADS_MAX):
            running.enter_context(releases.admitted())
        with pytest.raises(DownloadsBusyError), releases.admitted():
            pass
    assert (await world.client.get(path)).status_code == 200


async def stalled(releases: Releases, found: ReleaseFile) -> bool:
    """One download by a reader that takes its head and then nothing; whether it was told of the end."""
    is_whole = False

    async def receive() -> Any:  # noqa: ANN401 - an event of ASGI
        await asyncio.Event().wait()

    async def send(event: Any) -> None:  # noqa: ANN401 - an event of ASGI
        nonlocal is_whole
        if event["type"] == "http.response.body":
            is_whole = not event["more_body"]
            await asyncio.Event().wait()

    part = Part(0, found.size - 1)
    await Download(releases, found, part, {}, status=200, piece_seconds=1)(cast("Any", {}), receive, send)
    return is_whole
