"""The update feed of the published desktop: what IT has signed, and its files; the client sends no token."""

from typing import Any, Final
from urllib.parse import quote

import msgspec
from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, UnsetType

from appliance.identity.rules import shown
from appliance.updates import rules
from appliance.updates.records import ReleaseFile, Wanted
from server.contract import speaks
from server.dashboard.dependencies import AnyRequest, appliance_of
from server.downloads import Download

FILES: Final = "/api/updates/files"
_WORD_MAX: Final = 64
_NOTHING: Final = "0.0.0"


class UpdateBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a desktop has; `null` is: it does not say."""

    app: str | None = None
    version: str | None = None
    platform: str | None = None
    arch: str | None = None
    channel: str | None = None
    install_mode: Any = None
    update_source: Any = None


class Update(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a desktop can have; without an update only the first three members are there.

    Attributes:
        version: the same as `latest_version`, for feeds that are fetched by GET.
    """

    update_available: bool
    latest_version: str
    current_version: str
    version: str
    download_url: str | UnsetType = UNSET
    dmg_url: str | UnsetType = UNSET
    sha256: str | UnsetType = UNSET
    size_bytes: int | UnsetType = UNSET
    notes_url: str | UnsetType = UNSET
    published_at: str | UnsetType = UNSET


@post("/api/updates/check", guards=[speaks("clientUpdateCheck")], status_code=200, tags=["Apps"], security=[{}])
async def check_for_update(request: AnyRequest, data: JSONBody[UpdateBody]) -> Update:
    """Whether there is a newer release for this desktop."""
    wanted = Wanted(
        app=data.app or "",
        version=shown(data.version, _WORD_MAX),
        platform=data.platform or "",
        arch=data.arch or "",
        channel=data.channel or "stable",
    )
    return await _update(request, wanted)


@get("/api/updates/latest", guards=[speaks("clientUpdateLatest")], tags=["Apps"], security=[{}])
async def show_latest(
    request: AnyRequest,
    app: FromQuery[str] = "",
    version: FromQuery[str] = "",
    platform: FromQuery[str] = "darwin",
    arch: FromQuery[str] = "arm64",
    channel: FromQuery[str] = "stable",
) -> Update:
    """The newest release; desktops compare by themselves. The defaults are those of the published feed."""
    known = shown(version, _WORD_MAX)
    return await _update(request, Wanted(app=app, version=known, platform=platform, arch=arch, channel=channel))


async def _update(request: AnyRequest, wanted: Wanted) -> Update:
    found = await appliance_of(request).releases.newest(wanted)
    if found is None or not rules.is_newer(found.release, wanted.version):
        latest = found.release.version if found else wanted.version or _NOTHING
        return Update(
            update_available=False, latest_version=latest, current_version=wanted.version or latest, version=latest
        )
    return _offered(appliance_of(request).config.public_origin, found, wanted)


def _offered(origin: str, found: ReleaseFile, wanted: Wanted) -> Update:
    release = found.release
    address = f"{origin}{FILES}/{quote(release.file)}"
    return Update(
        update_available=True,
        latest_version=release.version,
        current_version=wanted.version or _NOTHING,
        version=release.version,
        download_url=address,
        dmg_url=address,
        sha256=release.sha256,
        size_bytes=found.size,
        notes_url=release.notes_url or UNSET,
        published_at=release.published_at or UNSET,
    )


@get(f"{FILES}/{{name:str}}", tags=["Apps"], security=[{}], media_type="application/octet-stream")
async def send_file(request: AnyRequest, name: FromPath[str]) -> Download:
    """A release's file, or one part of it; a part of another version than `If-Range` says is the whole file."""
    releases = appliance_of(request).releases
    releases.check_room()
    found = await releases.file(name)
    tag = f'"{found.release.sha256}"'
    asked = request.headers.get("range", "") if request.headers.get("if-range", tag) == tag else ""
    part = rules.part_of(asked, found.size)
    whole = part or rules.Part(0, found.size - 1)
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "public, max-age=3600",
        "Content-Type": "application/octet-stream",
        "Content-Length": str(whole.last - whole.first + 1),
        "ETag": tag,
    }
    if part is not None:
        headers["Content-Range"] = f"bytes {part.first}-{part.last}/{found.size}"
    return Download(releases, found, whole, headers, status=206 if part else 200)


handlers = [check_for_update, show_latest, send_file]
