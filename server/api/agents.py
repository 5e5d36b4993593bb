"""Machines and deployment tokens, for scripts."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta

from appliance.agents.queries import deployment_tokens, machines
from appliance.agents.records import DeploymentTerms, DeploymentToken, Machine, NewDeploymentToken
from appliance.agents.service import create_deployment_token, revoke_deployment_token, revoke_machine
from appliance.identity.rules import Permission
from server.api.records import PAGE, Body, Limit
from server.authentication import signed_in_of
from server.authorization import requires, requires_step_up
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of

_READ = requires(Permission.AGENTS_READ)
_MANAGE = requires(Permission.AGENTS_MANAGE)


class MachinePage(msgspec.Struct, frozen=True, kw_only=True):
    """Machines, newest first; `next` is `before` of the following page."""

    machines: list[Machine]
    next: UUID | None


class TokenPage(msgspec.Struct, frozen=True):
    """Deployment tokens, newest first; their secrets are not known any more."""

    tokens: list[DeploymentToken]


class TokenBody(Body, frozen=True, kw_only=True):
    """Terms of a new deployment token; `days` left out means the setting agents.deployment_token_days."""

    name: str
    days: Annotated[int, Meta(ge=1)] | None = None
    email_domains: tuple[str, ...] = ()
    default_email: str = ""
    max_uses: int | None = None


@get("/v1/machines", guards=[_READ], tags=["Agents"])
async def list_machines(before: FromQuery[UUID | None] = None, limit: Limit = PAGE) -> MachinePage:
    """Enrolled machines."""
    found = await machines(before=before, limit=limit + 1)
    return MachinePage(machines=found[:limit], next=found[limit - 1].id if len(found) > limit else None)


@post("/v1/machines/{machine_id:uuid}/revoke", guards=[_MANAGE], status_code=204, tags=["Agents"])
async def revoke_machine_token(request: AnyRequest, machine_id: FromPath[UUID]) -> None:
    """End a machine's token at once."""
    await revoke_machine(signed_in_of(request).actor, machine_id, now=now_of(request))


@get("/v1/deployment-tokens", guards=[_READ], tags=["Agents"])
async def list_tokens(limit: Limit = PAGE) -> TokenPage:
    """Deployment tokens."""
    return TokenPage(await deployment_tokens(limit=limit))


@post("/v1/deployment-tokens", guards=[_MANAGE, requires_step_up], tags=["Agents"])
async def make_token(request: AnyRequest, data: JSONBody[TokenBody]) -> NewDeploymentToken:
    """Make a deployment token; this answer holds it the only time."""
    terms = DeploymentTerms(
        name=data.name,
        days=data.days or appliance_of(request).config.agents.deployment_token_days,
        email_domains=data.email_domains,
        default_email=data.default_email,
        max_uses=data.max_uses,
    )
    return await create_deployment_token(signed_in_of(request).actor, terms, now=now_of(request))


@post("/v1/deployment-tokens/{token_id:uuid}/revoke", guards=[_MANAGE], status_code=204, tags=["Agents"])
async def end_token(request: AnyRequest, token_id: FromPath[UUID]) -> None:
    """End a deployment token; machines that it enrolled keep their own tokens."""
    await revoke_deployment_token(signed_in_of(request).actor, token_id, now=now_of(request))


handlers = [list_machines, revoke_machine_token, list_tokens, make_token, end_token]
