"""Instruction files of agents that desktops tell of."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.params import FromQuery, JSONBody

from appliance.clients.queries import observed_skills
from appliance.clients.records import ObservedSkill, SkillReport
from appliance.clients.skills import observe_skill
from appliance.identity.rules import Permission
from server.api.clients.callers import viewer_of
from server.api.records import PAGE, Limit
from server.authorization import requires, requires_client
from server.contract import speaks
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of


class SkillBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a desktop sends; content, preview and reasons are not read.

    Attributes:
        risk_score: a number; desktops send fractions, too.
    """

    agent_kind: str
    skill_name: str
    skill_path: str
    scope: str | None = None
    project_path: str | None = None
    content_hash: str | None = None
    purpose_summary: str | None = None
    status: str | None = None
    risk_score: float | None = None
    content: Any = None
    content_preview: Any = None
    reasons: Any = None


class SkillKnown(msgspec.Struct, frozen=True, kw_only=True):
    """That it is written down."""

    ok: bool
    id: str


class SkillPage(msgspec.Struct, frozen=True, kw_only=True):
    """Skills, newest first; `next` is `before` of the following page."""

    skills: list[ObservedSkill]
    next: UUID | None


@post(
    "/v1/skills/observations",
    guards=[speaks("tenantSkillObservation"), requires_client],
    status_code=200,
    tags=["Apps"],
)
async def tell_of_skill(request: AnyRequest, data: JSONBody[SkillBody]) -> SkillKnown:
    """Write down that a machine has this instruction file; again and again changes nothing but the time."""
    report = SkillReport(
        agent=data.agent_kind,
        scope=data.scope or "",
        project=data.project_path or "",
        name=data.skill_name,
        path=data.skill_path,
        content_hash=data.content_hash or "",
        purpose=data.purpose_summary or "",
        status=data.status or "",
        risk_score=round(max(0.0, min(data.risk_score or 0.0, 100.0))),
    )
    skill = await observe_skill(viewer_of(request), report, appliance_of(request).protection, now_of(request))
    return SkillKnown(ok=True, id=str(skill))


@get("/v1/skills/observations", guards=[requires(Permission.AGENTS_READ)], tags=["Agents"])
async def list_skills(before: FromQuery[UUID | None] = None, limit: Limit = PAGE) -> SkillPage:
    """Instruction files that desktops have told of."""
    found = await observed_skills(before=before, limit=limit + 1)
    return SkillPage(skills=found[:limit], next=found[limit - 1].id if len(found) > limit else None)


handlers = [tell_of_skill, list_skills]
