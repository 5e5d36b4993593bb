"""Connect an agent: its settings files for a system and a scope, and the proof that a hook of it arrives."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlencode

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Template

from appliance.agents.configuration import configuration_of
from appliance.agents.configuration.records import Configuration, Request, Scope, System, Transport
from appliance.agents.errors import AgentsError
from appliance.agents.names import AGENT_NAMES, agent_name
from appliance.agents.queries import machine_by_id
from appliance.decisions.queries import first_hook
from appliance.identity.rules import Permission
from server.authorization import requires
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of
from server.dashboard.rendering import PAGE_HEADERS, page

_READ = requires(Permission.AGENTS_READ)
_FIRST = "claude"
_SYSTEMS = {System.LINUX: "Linux", System.MACOS: "macOS", System.WINDOWS: "Windows"}
_WAIT_MAX = timedelta(hours=1)
C = TypeVar("C", bound=StrEnum)


@get("/agents/connect", guards=[_READ], include_in_schema=False)
async def show_connecting(request: AnyRequest) -> Template:
    """The files of the chosen agent; what it cannot be connected like is told in words."""
    agent, wanted = _asked(request)
    made, problem = _made(agent, wanted)
    return page(
        request,
        "connect.html",
        title="Connect an agent",
        status_code=400 if problem else 200,
        agents=AGENT_NAMES,
        systems={system.value: name for system, name in _SYSTEMS.items()},
        wanted=wanted,
        made=made,
        problem=problem,
        **await _arrival(request, agent, wanted),
    )


@get("/agents/connect/files/{place:int}", guards=[_READ], include_in_schema=False, sync_to_thread=False)
def download_file(request: AnyRequest, place: FromPath[int]) -> Response[str]:
    """One of the files, as it is to lie on the machine."""
    made, _problem = _made(*_asked(request))
    if made is None or not 0 <= place < len(made.files):
        raise NotFoundException
    file = made.files[place]
    name = file.path.replace("\\", "/").rpartition("/")[2]
    headers = {**PAGE_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(file.content, media_type="text/plain; charset=utf-8", headers=headers)


@get("/agents/connect/arrival", guards=[_READ], include_in_schema=False)
async def show_arrival(request: AnyRequest) -> Template:
    """The part of the open page that waits for a hook."""
    agent, wanted = _asked(request)
    arrival = await _arrival(request, agent, wanted)
    return page(request, "connect_arrival.html", title="Connect an agent", **arrival)


async def _arrival(request: AnyRequest, agent: str, wanted: Request) -> dict[str, Any]:
    """Whether a hook of the agent has been decided since the page was opened, from which machine, by which decision."""
    since = _since(request, now_of(request))
    found = await first_hook(agent, since)
    query = {
        "agent": agent,
        "system": wanted.system.value,
        "scope": wanted.scope.value,
        "transport": wanted.transport.value,
    }
    return {
        "agent": agent,
        "called": agent_name(agent),
        "query": urlencode(query),
        "again": urlencode({**query, "since": since.isoformat()}),
        "since": since,
        "found": found,
        "machine": await machine_by_id(found.machine_id) if found else None,
    }


def _made(agent: str, wanted: Request) -> tuple[Configuration | None, AgentsError | None]:
    try:
        return configuration_of(agent, wanted), None
    except AgentsError as problem:
        return None, problem


def _asked(request: AnyRequest) -> tuple[str, Request]:
    """Agent and request of the query; what is odd there is as if it were left out."""
    query: Any = request.query_params
    agent = query.get("agent", _FIRST)
    wanted = Request(
        origin=appliance_of(request).config.public_origin,
        scope=_chosen(Scope, query.get("scope"), Scope.MANAGED),
        system=_chosen(System, query.get("system"), System.LINUX),
        transport=_chosen(Transport, query.get("transport"), Transport.SHIM),
    )
    return agent if agent in AGENT_NAMES else _FIRST, wanted


def _chosen(kind: type[C], text: str | None, default: C) -> C:
    return kind(text) if text in set(kind) else default


def _since(request: AnyRequest, now: datetime) -> datetime:
    """The moment from which hooks count: of the page, but within the last hour."""
    try:
        asked = datetime.fromisoformat(request.query_params.get("since", ""))
    except ValueError:
        return now
    return min(max(asked, now - _WAIT_MAX), now) if asked.tzinfo else now


handlers = [show_connecting, download_file, show_arrival]
