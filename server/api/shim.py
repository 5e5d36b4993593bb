"""Our own hook programs, for machines that have no session: public files, pinned by checksums that are signed."""

from typing import Final

import msgspec
from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.status_codes import HTTP_304_NOT_MODIFIED

from appliance.agents.shim.release import SHIM_FILES, SHIM_RELEASE, shim_checksum, shim_text
from appliance.ledger.canonical import canonical_bytes
from server.dashboard.dependencies import AnyRequest, appliance_of

KIND: Final = "openleash-shim/1"


class ShimFile(msgspec.Struct, frozen=True, kw_only=True):
    """One shim; `sha256` in hexadecimal."""

    name: str
    sha256: str
    bytes: int


class ShimManifest(msgspec.Struct, frozen=True, kw_only=True):
    """The shims of this release; `kind`, so that the signature can mean nothing else."""

    release: int
    files: list[ShimFile]
    kind: str = KIND

    def text(self) -> bytes:
        """The bytes that are signed and served (RFC 8785)."""
        return canonical_bytes(msgspec.to_builtins(self))


def _manifest() -> ShimManifest:
    files = [ShimFile(name=name, sha256=shim_checksum(name), bytes=len(shim_text(name))) for name in SHIM_FILES]
    return ShimManifest(release=SHIM_RELEASE, files=files)


@get("/shim/manifest.json", include_in_schema=False, sync_to_thread=False)
def show_manifest() -> Response[bytes]:
    """Name, checksum and length of each shim."""
    return Response(_manifest().text(), media_type="application/json")


@get("/shim/manifest.json.sig", include_in_schema=False, sync_to_thread=False)
def show_signature(request: AnyRequest) -> Response[bytes]:
    """The manifest's detached signature by the key of the endpoint's profile: 64 bytes (RFC 8032)."""
    return Response(appliance_of(request).endpoint.signature(_manifest().text()), media_type="application/octet-stream")


@get("/shim/{name:str}", include_in_schema=False, sync_to_thread=False)
def serve_shim(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
    """One shim as text, or 304 for whoever has it."""
    try:
        etag = f'"{shim_checksum(name)}"'
    except KeyError as problem:
        raise NotFoundException from problem
    headers = {"ETag": etag, "Cache-Control": "no-cache", "Content-Disposition": f'attachment; filename="{name}"'}
    given = {each.strip().removeprefix("W/") for each in request.headers.get("If-None-Match", "").split(",")}
    if etag in given:
        return Response(b"", status_code=HTTP_304_NOT_MODIFIED, headers=headers, media_type="text/plain")
    return Response(shim_text(name), headers=headers, media_type="text/plain; charset=utf-8")


handlers = [show_manifest, show_signature, serve_shim]
