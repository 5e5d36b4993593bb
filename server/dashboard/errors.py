"""The page of an error: what failed and what to do next."""

from typing import Any

from litestar.response import Template

from server.dashboard.dependencies import AnyRequest
from server.dashboard.rendering import page


def error_page(
    request: AnyRequest, status: int, title: str, detail: str, next_step: str, correlation_id: str
) -> Template:
    """A page for browsers; works for requests that failed before anybody was authenticated."""
    if "user" not in request.scope or "authentication" not in request.scope["state"]:
        request.scope["user"] = None
    facts: dict[str, Any] = {"detail": detail, "next_step": next_step, "correlation_id": correlation_id}
    return page(request, "error.html", title=title, status_code=status, status=status, **facts)
