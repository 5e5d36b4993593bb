"""Answers a failure: a page for somebody who reads, problem JSON (RFC 9457) for everything else."""

from typing import Any, Final

import msgspec
import structlog
from litestar import Request, Response

from appliance.errors import LeashError
from server.errors import headers_of, leash_error_of, problem_of, status_of
from server.http_errors import HttpError
from server.requests import correlation_id_of

PROBLEM_JSON: Final = "application/problem+json; charset=utf-8"
_SERVER_FAULT: Final = 500
_NOT_IMPLEMENTED: Final = 501
_API: Final = ("/v1/", "/api/", "/health", "/static/", "/scim/")
_SCIM: Final = "/scim/"
log = structlog.get_logger("server")


def answer_failure(request: Request[Any, Any, Any], failure: Exception) -> Response[Any]:
    """The answer to a request that failed; faults of ours are logged with their cause, and told without it."""
    error = leash_error_of(failure)
    status = status_of(error)
    is_fault = status >= _SERVER_FAULT and status != _NOT_IMPLEMENTED and not isinstance(failure, HttpError)
    if is_fault:
        _log(failure, error, status)
    correlation_id = correlation_id_of(request)
    headers = headers_of(error, failure)
    if _wants_page(request):
        from server.dashboard.errors import error_page  # noqa: PLC0415 - pages need this module themselves

        detail = error.summary if is_fault else error.detail
        page = error_page(request, status, error.summary, detail, error.next_step, correlation_id)
        page.headers = {**page.headers, **headers}
        return page
    if request.scope["path"].startswith(_SCIM):
        from server.api.scim.failures import scim_failure  # noqa: PLC0415 - the routes need this module themselves

        return scim_failure(problem_of(error, correlation_id), headers)
    content = msgspec.json.encode(problem_of(error, correlation_id))
    return Response(content, status_code=status, headers=headers, media_type=PROBLEM_JSON)


def _log(failure: Exception, error: LeashError, status: int) -> None:
    if isinstance(failure, LeashError):
        log.error("request.failed", status=status, code=error.code, problem=failure.detail)
    else:
        log.error("request.failed", status=status, code=error.code, exc_info=failure)


def _wants_page(request: Request[Any, Any, Any]) -> bool:
    """Whether a person reads the answer; API and health are never answered with HTML."""
    if request.scope["path"].startswith(_API):  # its URL cannot be put together where the Host is empty
        return False
    return "text/html" in request.headers.get("accept", "")
