"""Failures in SCIM's own shape (RFC 7644 section 3.12), for everything below /scim."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from litestar import Response

from server.errors import ProblemDetails

_SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:Error"
_SCIM_JSON: Final = "application/scim+json; charset=utf-8"
# What has no entry has none in RFC 7644 either.
_TYPE_OF: Final[Mapping[str, str]] = {
    "request_invalid": "invalidSyntax",
    "scim_syntax_refused": "invalidSyntax",
    "scim_value_refused": "invalidValue",
    "scim_password_refused": "invalidValue",
    "scim_member_unknown": "invalidValue",
    "scim_filter_refused": "invalidFilter",
    "scim_too_many": "tooMany",
    "scim_path_refused": "invalidPath",
    "scim_no_target": "noTarget",
    "scim_mutability": "mutability",
    "scim_not_unique": "uniqueness",
}


def scim_failure(problem: ProblemDetails, headers: dict[str, str]) -> Response[Any]:
    """The answer; `detail` says what failed and what to do, as administrators read it in their provider's log."""
    content = {"schemas": [_SCHEMA], "status": str(problem.status), "detail": problem.error}
    if scim_type := _TYPE_OF.get(problem.code):
        content["scimType"] = scim_type
    return Response(msgspec.json.encode(content), status_code=problem.status, headers=headers, media_type=_SCIM_JSON)
