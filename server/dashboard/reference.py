"""The API reference: the application's own OpenAPI 3.1 document as a page."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from litestar import get
from litestar.response import Template

from appliance.errors import LeashError
from server.authorization import requires_sign_in
from server.dashboard.dependencies import AnyRequest
from server.dashboard.payload import pretty
from server.dashboard.rendering import page
from server.errors import STATUS_OF

_METHODS = ("get", "post", "put", "patch", "delete")


class Operation(NamedTuple):
    """One method of one path."""

    method: str
    path: str
    told: dict[str, Any]

    @property
    def tag(self) -> str:
        """The group that it belongs to."""
        return str((self.told.get("tags") or ["Other"])[0])


@get("/reference", guards=[requires_sign_in], include_in_schema=False, sync_to_thread=False)
def show_reference(request: AnyRequest) -> Template:
    """Operations by group, schemas, and every error code."""
    # By JSON and back: defaults of sets have a form only there.
    document = msgspec.json.decode(msgspec.json.encode(request.app.openapi_schema.to_schema()))
    groups: dict[str, list[Operation]] = {}
    for operation in operations_of(document):
        groups.setdefault(operation.tag, []).append(operation)
    return page(
        request,
        "reference.html",
        title="API reference",
        document=document,
        groups=groups,
        schemas=document.get("components", {}).get("schemas", {}),
        errors=[(code, STATUS_OF.get(code, 400), error) for code, error in sorted(known_errors().items())],
        pretty=pretty,
    )


def operations_of(document: dict[str, Any]) -> Iterator[Operation]:
    """Every operation of a document, by path."""
    for path, item in sorted(document.get("paths", {}).items()):
        for method in _METHODS:
            if method in item:
                yield Operation(method.upper(), path, item[method])


def known_errors() -> dict[str, type[LeashError]]:
    """Every error that this process can answer with, by its code."""
    waiting, found = [LeashError], dict[str, type[LeashError]]()
    while waiting:
        error = waiting.pop()
        waiting += error.__subclasses__()
        found.setdefault(error.code, error)
    return found


handlers = [show_reference]
