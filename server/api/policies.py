"""Policies, for scripts: read, validate, publish, go back."""

import msgspec
from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody

from appliance.identity.rules import Permission
from appliance.policy.errors import PolicyVersionUnknownError
from appliance.policy.queries import active_version, history, version_of
from appliance.policy.records import Problem, PublishedPolicy, Severity
from appliance.policy.service import publish, rollback, validate_draft
from server.api.records import PAGE, Body, Limit
from server.authentication import signed_in_of
from server.authorization import requires, requires_step_up
from server.dashboard.dependencies import AnyRequest, now_of

_READ = requires(Permission.POLICIES_READ)
_EDIT = requires(Permission.POLICIES_EDIT)
_PUBLISH = requires(Permission.POLICIES_PUBLISH)


class PolicyPage(msgspec.Struct, frozen=True, kw_only=True):
    """Published versions, newest first; `next` is `before` of the following page."""

    versions: list[PublishedPolicy]
    next: int | None


class TextBody(Body, frozen=True, kw_only=True):
    """A Cedar text."""

    text: str


class PublishBody(Body, frozen=True, kw_only=True):
    """A text, why it changes, and the version that its author saw as active."""

    text: str
    note: str
    expected_version: int


class RollbackBody(Body, frozen=True, kw_only=True):
    """The version that is active now, as far as the caller knows."""

    expected_version: int


class Validation(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a text can be published, and what is wrong or doubtful in it."""

    is_publishable: bool
    problems: list[Problem]


@get("/v1/policies", guards=[_READ], tags=["Policies"])
async def list_versions(before: FromQuery[int | None] = None, limit: Limit = PAGE) -> PolicyPage:
    """The history."""
    found = await history(before=before, limit=limit)
    return PolicyPage(versions=list(found), next=found[-1].version if len(found) == limit else None)


@get("/v1/policies/active", guards=[_READ], tags=["Policies"])
async def show_active() -> PublishedPolicy:
    """The version that decides."""
    active = await active_version()
    if active is None:
        raise PolicyVersionUnknownError(0)
    return active


@get("/v1/policies/{version:int}", guards=[_READ], tags=["Policies"])
async def show_one_version(version: FromPath[int]) -> PublishedPolicy:
    """One version."""
    return await version_of(version)


@post("/v1/policies/validate", guards=[_EDIT], status_code=200, tags=["Policies"])
async def validate(data: JSONBody[TextBody]) -> Validation:
    """Check a text; nothing is kept."""
    problems = validate_draft(data.text)
    is_wrong = any(problem.severity is Severity.ERROR for problem in problems)
    return Validation(is_publishable=not is_wrong, problems=list(problems))


@post("/v1/policies", guards=[_PUBLISH, requires_step_up], tags=["Policies"])
async def publish_version(request: AnyRequest, data: JSONBody[PublishBody]) -> PublishedPolicy:
    """Make a text the active version."""
    actor = signed_in_of(request).actor
    return await publish(actor, data.text, data.note, now_of(request), expected_version=data.expected_version)


@post("/v1/policies/{version:int}/rollback", guards=[_PUBLISH, requires_step_up], tags=["Policies"])
async def go_back(request: AnyRequest, version: FromPath[int], data: JSONBody[RollbackBody]) -> PublishedPolicy:
    """Publish the text of an earlier version again, as a new version."""
    actor = signed_in_of(request).actor
    return await rollback(actor, version, now_of(request), expected_version=data.expected_version)


handlers = [list_versions, show_active, show_one_version, validate, publish_version, go_back]
