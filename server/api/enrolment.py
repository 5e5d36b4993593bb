"""Enrolment of a machine, as the published clients do it."""

from urllib.parse import urlsplit

import msgspec
from litestar import post
from litestar.params import JSONBody

from appliance.agents.records import Enrolment, EnrolmentRequest
from appliance.agents.service import enroll
from server.contract import speaks
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of

MODE = "private"  # clients read it as: managed by the organisation


class EnrolmentBody(msgspec.Struct, frozen=True, rename="camel"):
    """What a client sends, null being: it does not say; fields of later clients are not read."""

    deployment_token: str
    hostname: str | None = None
    platform: str | None = None
    os_release: str | None = None
    email: str | None = None
    display_name: str | None = None
    mode: str | None = None


class EnrolledUser(msgspec.Struct, frozen=True):
    """Whose machine it is, as far as that is known."""

    email: str
    display_name: str


class EnrolledComputer(msgspec.Struct, frozen=True):
    """The machine."""

    id: str
    hostname: str


class Enrolled(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The machine's own token, told only now, and where its hooks shall call."""

    token: str
    api_url: str
    tenant_url: str
    mode: str
    user: EnrolledUser
    computer: EnrolledComputer


@post("/v1/enroll", guards=[speaks("tenantEnroll")], tags=["Agents"], security=[{}])
async def enroll_machine(request: AnyRequest, data: JSONBody[EnrolmentBody]) -> Enrolled:
    """Give a machine a token of its own, in exchange for a deployment token."""
    asked = EnrolmentRequest(
        deployment_token=data.deployment_token,
        hostname=data.hostname or "",
        platform=data.platform or "",
        os_release=data.os_release or "",
        email=data.email or "",
        display_name=data.display_name or "",
        mode=data.mode or "",
    )
    enrolment = await enroll(asked, now=now_of(request))
    return enrolled(enrolment, appliance_of(request).config.public_origin)


def enrolled(enrolment: Enrolment, origin: str) -> Enrolled:
    """What a machine is told that has just enrolled; `origin` is where its hooks shall call."""
    machine = enrolment.machine
    return Enrolled(
        token=enrolment.token,
        api_url=origin,
        tenant_url=urlsplit(origin).netloc,
        mode=MODE,
        user=EnrolledUser(machine.email, machine.display_name),
        computer=EnrolledComputer(str(machine.id), machine.hostname),
    )


handlers = [enroll_machine]
