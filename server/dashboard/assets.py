"""The dashboard's own files, served from memory; an address that carries the content's hash is kept for ever."""

import mimetypes
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.status_codes import HTTP_304_NOT_MODIFIED

from server.dashboard.dependencies import AnyRequest

FOLDER: Final = Path(__file__).parent / "static"
_TYPES: Final = {
    ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}  # fmt: skip
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ASK_FIRST: Final = "no-cache"


class Asset(NamedTuple):
    """One file; `digest` is the beginning of its SHA-256 in hexadecimal."""

    content: bytes
    media_type: str
    digest: str


@lru_cache(maxsize=64)
def asset(name: str) -> Asset:
    """The file of this name below `static`; raises KeyError for every other name."""
    if name not in {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("[!.]*") if path.is_file()}:
        raise KeyError(name)
    path = FOLDER / name
    content = path.read_bytes()
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Asset(content, media_type, sha256(content).hexdigest()[:20])


def static_url(name: str) -> str:
    """The address of a file, which changes with its content."""
    return f"/static/{name}?v={asset(name).digest}"


def is_there(name: str) -> bool:
    """Whether there is such a file: the vendored scripts come at installation, and pages work without them."""
    try:
        asset(name)
    except KeyError:
        return False
    return True


@get("/static/{name:path}", include_in_schema=False, sync_to_thread=False)
def serve_static(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
    """One file, or 304 if the browser has it."""
    try:
        found = asset(name.lstrip("/"))
    except KeyError as problem:
        raise NotFoundException from problem
    etag = f'"{found.digest}"'
    is_versioned = request.query_params.get("v") == found.digest
    headers = {"ETag": etag, "Cache-Control": _FOR_EVER if is_versioned else _ASK_FIRST}
    if _is_same(request, etag):
        return Response(b"", status_code=HTTP_304_NOT_MODIFIED, headers=headers, media_type=found.media_type)
    return Response(found.content, headers=headers, media_type=found.media_type)


def _is_same(request: AnyRequest, etag: str) -> bool:
    given = request.headers.get("If-None-Match", "")
    return etag in {each.strip().removeprefix("W/") for each in given.split(",")}
