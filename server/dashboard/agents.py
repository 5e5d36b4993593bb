"""Agents: deployment tokens that let computers enrol, and the machines that did."""

from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.status_codes import HTTP_303_SEE_OTHER

from appliance.agents.queries import deployment_tokens, machines
from appliance.agents.records import DeploymentTerms
from appliance.agents.service import create_deployment_token, revoke_deployment_token, revoke_machine
from appliance.errors import LeashError
from appliance.identity.rules import Permission
from server.authentication import signed_in_of
from server.authorization import requires, requires_step_up
from server.dashboard.dependencies import (
    AnyRequest,
    appliance_of,
    attempted,
    fields_of,
    now_of,
    uuid_or_none,
    whole_number,
)
from server.dashboard.rendering import page
from server.errors import status_of

PAGE = 50
_READ = requires(Permission.AGENTS_READ)
_MANAGE = requires(Permission.AGENTS_MANAGE)


@get("/agents", guards=[_READ], include_in_schema=False)
async def show_agents(request: AnyRequest) -> Template:
    """Deployment tokens and machines, newest first."""
    return await _agents(request)


async def _agents(
    request: AnyRequest, problem: LeashError | None = None, fields: dict[str, str] | None = None
) -> Template:
    found = await machines(before=uuid_or_none(request.query_params.get("before", "")), limit=PAGE + 1)
    return page(
        request,
        "agents.html",
        title="Agents",
        status_code=status_of(problem) if problem else 200,
        tokens=await deployment_tokens(limit=PAGE),
        machines=found[:PAGE],
        following=found[PAGE - 1].id if len(found) > PAGE else None,
        now=now_of(request),
        days=appliance_of(request).config.agents.deployment_token_days,
        problem=problem,
        fields=fields or {},
        done=request.query_params.get("done", ""),
    )


@post("/agents/tokens", guards=[_MANAGE, requires_step_up], include_in_schema=False)
async def create_token(request: AnyRequest) -> Response[Any]:
    """Make a deployment token; this page shows it the only time."""
    fields = await fields_of(request)
    default_days = appliance_of(request).config.agents.deployment_token_days
    terms = DeploymentTerms(
        name=fields.get("name", ""),
        days=whole_number(fields.get("days", ""), default_days),
        email_domains=tuple(fields.get("email_domains", "").replace(",", " ").split()),
        default_email=fields.get("default_email", ""),
        max_uses=whole_number(fields.get("max_uses", ""), 0) or None,
    )
    made = await attempted(create_deployment_token(signed_in_of(request).actor, terms, now=now_of(request)))
    if isinstance(made, LeashError):
        return await _agents(request, made, fields)
    origin = appliance_of(request).config.public_origin
    return page(request, "agent_token.html", title="New deployment token", status_code=201, made=made, origin=origin)


@post("/agents/tokens/{token_id:uuid}/revoke", guards=[_MANAGE], include_in_schema=False)
async def revoke_token(request: AnyRequest, token_id: FromPath[UUID]) -> Redirect:
    """End a deployment token; machines that it enrolled stay."""
    await revoke_deployment_token(signed_in_of(request).actor, token_id, now=now_of(request))
    return Redirect("/agents?done=token", status_code=HTTP_303_SEE_OTHER)


@post("/agents/machines/{machine_id:uuid}/revoke", guards=[_MANAGE], include_in_schema=False)
async def revoke_one_machine(request: AnyRequest, machine_id: FromPath[UUID]) -> Redirect:
    """End a machine's token at once."""
    await revoke_machine(signed_in_of(request).actor, machine_id, now=now_of(request))
    return Redirect("/agents?done=machine", status_code=HTTP_303_SEE_OTHER)


handlers = [show_agents, create_token, revoke_token, revoke_one_machine]
