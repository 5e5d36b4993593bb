"""Puts the web application together: routes, errors, and the decision road for as long as it runs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

import structlog
from litestar import Litestar
from litestar.datastructures import State

from appliance.agents.coverage.sightings import FLUSH_SECONDS as SIGHTINGS_SECONDS
from appliance.bootstrap import Appliance, Road, open_road
from appliance.config import Config
from appliance.database.connection import UNREACHABLE
from appliance.database.errors import DatabaseError
from server import api, dashboard
from server.addresses import Hosts
from server.answers import answer_failure
from server.api.openapi import openapi_config
from server.authorization import HOSTS
from server.edge import Edge
from server.hooks.handler import Hooks
from server.readiness import Readiness

FLUSH_SECONDS: Final = 10.0
EDGE: Final = "edge"
log = structlog.get_logger("server")


def create_app(config: Config, appliance: Appliance | None = None) -> Litestar:
    """The application; its road is open while its lifespan lasts, as `app.state.road`.

    Before that `app.state.appliance` must be there: the routes are built once, in the process that forks the workers.
    """
    hooks, hosts = Hooks(config), Hosts(config.public_origin)
    app = Litestar(
        route_handlers=[*dashboard.route_handlers, *api.route_handlers],
        exception_handlers={Exception: answer_failure},
        lifespan=[_road_of(hooks)],
        logging_config=None,
        openapi_config=openapi_config(),
        template_config=dashboard.template_config,
        request_max_body_size=None,  # the edge limits size and time
        multipart_form_part_limit=100,
        state=State({"appliance": appliance, HOSTS: hosts}),
        debug=False,
    )
    # Around everything, so that an address without a route gets the same headers, limits and log line.
    edge = Edge(app, app.asgi_handler, hooks, config, hosts)
    app.asgi_handler = edge
    app.state[EDGE] = edge
    return app


def _road_of(hooks: Hooks) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        appliance: Appliance = app.state.appliance
        async with open_road(appliance) as road:
            app.state.road = road
            app.state.readiness = Readiness(appliance, road)
            hooks.open(road)
            flushing = asyncio.create_task(_flush_refusals(road), name="refusals")
            noting = asyncio.create_task(_note_sightings(road), name="sightings")
            try:
                yield
            finally:
                hooks.open(None)
                flushing.cancel()
                noting.cancel()
                await asyncio.gather(flushing, noting, return_exceptions=True)
                await _flush(road)
                await _note(road)

    return lifespan


async def _flush_refusals(road: Road) -> None:
    """Put the numbers of refused calls into the ledger, once in a while."""
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        await _flush(road)


async def _flush(road: Road) -> None:
    try:
        async with asyncio.timeout(FLUSH_SECONDS / 2):  # the end of the service must not wait for a silent database
            await road.refusals.flush()
    except (*UNREACHABLE, DatabaseError) as problem:
        log.warning("hooks.refusals_not_written", problem=f"{type(problem).__name__}: {problem}")


async def _note_sightings(road: Road) -> None:
    """Write down which agents have called, once in a while."""
    while True:
        await asyncio.sleep(SIGHTINGS_SECONDS)
        await _note(road)


async def _note(road: Road) -> None:
    try:
        async with asyncio.timeout(FLUSH_SECONDS / 2):
            await road.sightings.flush()
    except (*UNREACHABLE, DatabaseError) as problem:
        log.warning("hooks.sightings_not_written", problem=f"{type(problem).__name__}: {problem}")
