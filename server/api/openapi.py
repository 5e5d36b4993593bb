"""The API as an OpenAPI 3.1 document."""

from functools import lru_cache
from typing import Any, Final

import msgspec
from litestar import Litestar, Response, get
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from server.dashboard.dependencies import AnyRequest

VERSION: Final = "0.1.0"
_TOLD: Final = (
    "Decides what AI agents may do, and tells people about it. Scripts send a session token from"
    " `leashctl people session create` as bearer; failures are problem JSON (RFC 9457) with a stable `code`."
)
_BEARER: Final = "session"


def openapi_config() -> OpenAPIConfig:
    """Title, sign-in and place of the document."""
    return OpenAPIConfig(
        title="OpenLeash Private Cloud",
        version=VERSION,
        description=_TOLD,
        use_handler_docstrings=True,
        path="/v1/openapi",
        render_plugins=[JsonRenderPlugin(path="/litestar.json")],
        components=Components(
            security_schemes={
                _BEARER: SecurityScheme(type="http", scheme="bearer", description="A session token, `ols_…`.")
            }
        ),
        security=[{_BEARER: []}],
    )


@lru_cache(maxsize=2)
def _document(app: Litestar) -> bytes:
    return msgspec.json.encode(app.openapi_schema.to_schema())


@get("/v1/openapi.json", include_in_schema=False, sync_to_thread=False)
def show_openapi(request: AnyRequest) -> Response[Any]:
    """The document; public, because it describes the product and nothing of this installation."""
    return Response(_document(request.app), media_type="application/json", headers={"Cache-Control": "no-cache"})
