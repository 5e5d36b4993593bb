"""The dashboard as an app on a phone: its service worker, and the page that it shows without a connection."""

import hashlib
import json
from functools import lru_cache
from typing import Final

from litestar import Response, get
from litestar.response import Template

from server.dashboard.assets import asset, is_there, static_url
from server.dashboard.dependencies import AnyRequest
from server.dashboard.rendering import page

WORKER_PATH: Final = "/sw.js"
OFFLINE_PATH: Final = "/offline"
_SOURCE: Final = "worker.js"
# What a page is drawn with; nothing of it is about anybody.
_KEPT: Final = (
    "colours.css", "frame.css", "content.css", "theme.js", "app.js", "live.js", "install.js", "icon.svg",
    "vendor/htmx.min.js",
)  # fmt: skip


@lru_cache(maxsize=1)
def worker() -> bytes:
    """The worker's script: its version and the list of files change with any of them, so that browsers notice."""
    source = asset(_SOURCE).content.decode()
    files = [static_url(name) for name in _KEPT if is_there(name)]
    version = hashlib.sha256("\n".join([source, *files]).encode()).hexdigest()[:16]
    made = {
        '"openleash-VERSION"': json.dumps(f"openleash-{version}"),
        '"FILES"': ", ".join(map(json.dumps, files)),
        '"ICON"': json.dumps(static_url("icon-192.png")),
        '"BADGE"': json.dumps(static_url("badge-96.png")),
    }
    for word, text in made.items():
        source = source.replace(word, text)
    return source.encode()


@get(WORKER_PATH, include_in_schema=False, sync_to_thread=False)
def serve_worker() -> Response[bytes]:
    """The script at the root, because a worker serves the pages below its own address; asked for anew each time."""
    return Response(worker(), headers={"Cache-Control": "no-cache"}, media_type="text/javascript")


@get(OFFLINE_PATH, include_in_schema=False, sync_to_thread=False)
def show_offline(request: AnyRequest) -> Template:
    """What an installed page shows without a connection; the same for everybody, because the device keeps it."""
    return page(request, "offline.html", title="No connection", signed_in=None, break_glass_until=None)


handlers = [serve_worker, show_offline]
