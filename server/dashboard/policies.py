"""Policies: what decides, drafts, validation, comparison, publication, history, roll back."""

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.status_codes import HTTP_303_SEE_OTHER

from appliance.errors import LeashError
from appliance.identity.rules import Permission
from appliance.policy.errors import PolicyInvalidError
from appliance.policy.queries import active_version, draft_of, drafts_of, history, version_of
from appliance.policy.records import Problem, PublishedPolicy
from appliance.policy.service import compare, delete_draft, publish, rollback, save_draft, validate_draft
from server.authentication import signed_in_of
from server.authorization import requires, requires_step_up
from server.dashboard.dependencies import AnyRequest, appliance_of, attempted, fields_of, now_of, whole_number
from server.dashboard.difference import marked_difference
from server.dashboard.rendering import page
from server.errors import status_of

HISTORY = 30
_READ = requires(Permission.POLICIES_READ)
_EDIT = requires(Permission.POLICIES_EDIT)
_PUBLISH = requires(Permission.POLICIES_PUBLISH)


@get("/policies", guards=[_READ], include_in_schema=False)
async def show_policies(request: AnyRequest) -> Template:
    """The active version's policies, the history, and one's own drafts."""
    store = appliance_of(request).policies
    return page(
        request,
        "policies.html",
        title="Policies",
        active=await active_version(),
        problem=store.problem,
        summaries=store.compiled.summaries() if store.compiled else (),
        versions=await history(before=whole_number(request.query_params.get("before", ""), 0) or None, limit=HISTORY),
        page_size=HISTORY,
        drafts=await drafts_of(signed_in_of(request).actor.id),
        done=request.query_params.get("done", ""),
    )


@get("/policies/versions/{version:int}", guards=[_READ], include_in_schema=False)
async def show_version(request: AnyRequest, version: FromPath[int]) -> Template:
    """One version: its source, and what is different in the active one."""
    return await _version_page(request, await version_of(version))


async def _version_page(request: AnyRequest, shown: PublishedPolicy, problem: LeashError | None = None) -> Template:
    active = await active_version() or shown
    names = f"version {shown.version}", f"version {active.version}"
    return page(
        request,
        "policy_version.html",
        title=f"Policy version {shown.version}",
        status_code=status_of(problem) if problem else 200,
        shown=shown,
        active=active,
        difference=marked_difference(compare(shown.text, active.text, *names)),
        problem=problem,
    )


@post("/policies/versions/{version:int}/rollback", guards=[_PUBLISH, requires_step_up], include_in_schema=False)
async def roll_back(request: AnyRequest, version: FromPath[int]) -> Response[Any]:
    """Publish an earlier text again."""
    expected = whole_number((await fields_of(request)).get("expected", ""), 0)
    actor = signed_in_of(request).actor
    done = await attempted(rollback(actor, version, now_of(request), expected_version=expected))
    if isinstance(done, LeashError):
        return await _version_page(request, await version_of(version), done)
    return Redirect("/policies?done=published", status_code=HTTP_303_SEE_OTHER)


@get("/policies/edit", guards=[_EDIT], include_in_schema=False)
async def edit(request: AnyRequest) -> Template:
    """One of one's own drafts, or a new one on top of the active version."""
    name = request.query_params.get("draft", "")
    if name:
        draft = await draft_of(signed_in_of(request).actor.id, name)
        return await _editor(request, {"name": draft.name, "text": draft.text, "based_on": str(draft.based_on)})
    active = await active_version()
    text, version = (active.text, active.version) if active else ("", 0)
    return await _editor(request, {"name": "draft", "text": text, "based_on": str(version)})


@post("/policies/edit", guards=[_EDIT], include_in_schema=False)
async def act_on_draft(request: AnyRequest) -> Response[Any]:
    """Save, validate, compare or publish what stands in the editor; it stays there if that fails."""
    fields = await fields_of(request)
    act, text, based_on = fields.get("act"), fields.get("text", ""), whole_number(fields.get("based_on", ""), 0)
    actor, now = signed_in_of(request).actor, now_of(request)
    if act == "publish":
        if refusal := _PUBLISH(request, request.route_handler):
            await refusal
        await requires_step_up(request, request.route_handler)
        done: object = await attempted(publish(actor, text, fields.get("note", ""), now, expected_version=based_on))
        if not isinstance(done, LeashError):
            return Redirect("/policies?done=published", status_code=HTTP_303_SEE_OTHER)
    elif act == "save":
        done = await attempted(save_draft(actor, fields.get("name", ""), text, now, based_on=based_on))
    else:
        done = None
    problem = done if isinstance(done, LeashError) else None
    return await _editor(request, fields, problem=problem, act=act or "validate")


@post("/policies/drafts/delete", guards=[_EDIT], include_in_schema=False)
async def remove_draft(request: AnyRequest) -> Redirect:
    """Forget one of one's own drafts."""
    name = (await fields_of(request)).get("name", "")
    await delete_draft(signed_in_of(request).actor, name, now_of(request))
    return Redirect("/policies?done=deleted", status_code=HTTP_303_SEE_OTHER)


async def _editor(
    request: AnyRequest, fields: dict[str, str], *, problem: LeashError | None = None, act: str = ""
) -> Template:
    active = await active_version()
    text = fields.get("text", "")
    problems: tuple[Problem, ...] = validate_draft(text) if act else ()
    if isinstance(problem, PolicyInvalidError):
        problems = problem.problems
    return page(
        request,
        "policy_edit.html",
        title="Edit policies",
        status_code=status_of(problem) if problem else 200,
        fields={"name": fields.get("name", "draft"), "based_on": fields.get("based_on", "0"), "text": text},
        note=fields.get("note", ""),
        active=active,
        act=act,
        problem=problem,
        problems=problems,
        difference=marked_difference(compare(active.text if active else "", text, "active version", "this text")),
    )


handlers = [show_policies, show_version, roll_back, edit, act_on_draft, remove_draft]
