"""The settings files that connect an agent, for scripts."""

from typing import Annotated

from litestar import get
from litestar.params import FromPath, FromQuery, QueryParameter

from appliance.agents.configuration import configuration_of
from appliance.agents.configuration.records import Configuration, Request, Scope, System, Transport
from appliance.identity.rules import Permission
from server.authorization import requires
from server.dashboard.dependencies import AnyRequest, appliance_of

_READ = requires(Permission.AGENTS_READ)
WhichScope = Annotated[Scope, QueryParameter(name="scope")]


@get("/v1/agents/{agent:str}/configuration", guards=[_READ], tags=["Agents"], sync_to_thread=False)
def show_configuration(
    request: AnyRequest,
    agent: FromPath[str],
    which: WhichScope = Scope.MANAGED,
    os: FromQuery[System] = System.LINUX,
    transport: FromQuery[Transport] = Transport.SHIM,
) -> Configuration:
    """The exact files with their paths, the commands that install the shim, and what they cannot do."""
    origin = appliance_of(request).config.public_origin
    return configuration_of(agent, Request(origin=origin, scope=which, system=os, transport=transport))


handlers = [show_configuration]
