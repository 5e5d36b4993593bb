"""The API as an OpenAPI 3.1 document."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import msgspec
from litestar import Litestar, Response, get
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    Components,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Reference,
    SecurityScheme,
)

from server.dashboard.dependencies import AnyRequest

VERSION: Final = "0.1.0"
_TOLD: Final = (
    "Decides what AI agents may do, and tells people about it. Scripts send a session token from"
    " `leashctl people session create` as bearer; failures are problem JSON (RFC 9457) with a stable `code`."
)
_BEARER: Final = "session"
_FAILURE: Final = OpenAPIResponse(
    description="A failure (RFC 9457); `code` is one of docs/reference/errors.md.",
    content={"application/problem+json": OpenAPIMediaType(schema=Reference("#/components/schemas/ProblemDetails"))},
)


@dataclass
class ApiOperation(Operation):
    """An operation whose failures are told in the one shape that all of them have."""

    def __post_init__(self) -> None:
        """Put the one description of failures in the place of Litestar's own."""
        kept = {status: told for status, told in (self.responses or {}).items() if status.startswith("2")}
        self.responses = {**kept, "default": _FAILURE}


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
