"""What is known of a request before anybody reads it: its number in the logs, and the client's address."""

import re
from typing import Any, Final, cast

from litestar.connection import ASGIConnection
from litestar.types import HTTPScope, Scope

from appliance.database.identifiers import uuid7

AnyConnection = ASGIConnection[Any, Any, Any, Any]
CORRELATION_ID: Final = "correlation_id"
_WELL_FORMED: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
_TOKEN: Final = re.compile(r"ol[a-z]?_[A-Za-z0-9_-]{16,}")
_PATH_CHARACTERS: Final = 200


def correlation_id_from(given: str) -> str:
    """The caller's `X-Request-Id` if it is well formed, else a new identifier."""
    return given if _WELL_FORMED.fullmatch(given) else str(uuid7())


def correlation_id_of(connection: AnyConnection) -> str:
    """The number of this request in the logs."""
    return str(connection.scope["state"].get(CORRELATION_ID, ""))


def method_of(scope: Scope) -> str:
    """The method of an HTTP request; nothing else gets past the edge."""
    return cast("HTTPScope", scope)["method"]


def loggable_path(scope: Scope) -> str:
    """The route's pattern, which holds no token of a link; for a path without a route the path, tokens masked."""
    template = scope.get("path_template")
    return template or _TOKEN.sub("…", scope["path"][:_PATH_CHARACTERS])
