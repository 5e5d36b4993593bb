"""A desktop that is set up by somebody who is signed in, and what it tells of the agents on its machine."""

from typing import Annotated, Final

import msgspec
from litestar import post
from litestar.params import JSONBody
from msgspec import Meta

from appliance.agents.coverage.records import AgentReport
from appliance.agents.coverage.service import record_reports
from appliance.agents.own_machines import enroll_own
from appliance.agents.records import EnrolmentRequest
from server.api.clients.callers import calling_machine, person_of
from server.api.enrolment import Enrolled, enrolled
from server.authentication import signed_in_of
from server.authorization import requires_client, requires_sign_in
from server.contract import speaks
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of

AGENTS_MAX: Final = 64
_SPEAKS: Final = speaks("desktopEnroll")


class ReportedAgent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An agent as the desktop found it; null is: it does not say."""

    kind: str
    display_name: str | None = None
    executable_path: str | None = None
    installed: bool | None = None
    protected: bool | None = None
    detail: str | None = None


class DesktopBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a desktop says of its machine."""

    hostname: str | None = None
    platform: str | None = None
    os_release: str | None = None
    client_version: str | None = None
    agents: Annotated[list[ReportedAgent], Meta(max_length=AGENTS_MAX)] = []


class Heard(msgspec.Struct, frozen=True):
    """That it is written down; the state says which agents shall be watched."""

    ok: bool


@post("/v1/desktop/enroll", guards=[_SPEAKS, requires_sign_in], tags=["Apps"])
async def enroll_desktop(request: AnyRequest, data: JSONBody[DesktopBody]) -> Enrolled:
    """Give the machine of whoever has just signed in a token of its own; no other machine loses its."""
    asked = EnrolmentRequest(
        hostname=data.hostname or "",
        platform=data.platform or "",
        os_release=data.os_release or "",
        mode="desktop",
    )
    signed_in, now = signed_in_of(request), now_of(request)
    enrolment = await enroll_own(
        signed_in,
        asked,
        is_present=appliance_of(request).identity.step_ups.is_present(signed_in, now),
        client_version=data.client_version or "",
        now=now,
    )
    machine = enrolment.machine
    await record_reports(machine.id, machine.person_id, machine.hostname, _reports(data), now)
    return enrolled(enrolment, appliance_of(request).config.public_origin)


@post("/v1/desktop/agents", guards=[_SPEAKS, requires_client], status_code=200, tags=["Apps"])
async def tell_of_agents(request: AnyRequest, data: JSONBody[DesktopBody]) -> Heard:
    """Write down which agents the machine has and whether their hooks are in place, as the desktop says."""
    machine, person = calling_machine(request), person_of(request)
    machine_id, person_id = machine.machine_id if machine else None, person.person_id if person else None
    await record_reports(machine_id, person_id, data.hostname or "", _reports(data), now_of(request))
    return Heard(ok=True)


def _reports(data: DesktopBody) -> list[AgentReport]:
    return [
        AgentReport(
            kind=agent.kind,
            display_name=agent.display_name or "",
            executable=agent.executable_path or "",
            platform=data.platform or "",
            client_version=data.client_version or "",
            is_installed=agent.installed,
            is_protected=agent.protected,
            detail=agent.detail or "",
        )
        for agent in data.agents
    ]


handlers = [enroll_desktop, tell_of_agents]
