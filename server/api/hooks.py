"""Describes the hook endpoint, and answers calls of agents and events that have no dialect."""

from typing import Any, Final

from litestar import post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath

from appliance.agents import dialects
from appliance.errors import LeashError
from server.errors import ProblemDetails
from server.hooks.handler import words_of

_UNKNOWN: Final = ResponseSpec(ProblemDetails, generate_examples=False, description="No such agent or event")


@post(
    "/v1/hooks/{agent:str}/{event:str}",
    status_code=200,
    tags=["Agents"],
    security=[{}],
    responses={400: _UNKNOWN},
)
async def call_hook(agent: FromPath[str], event: FromPath[str]) -> dict[str, Any]:
    """Ask whether an agent's action may be done.

    The body is the agent's own hook JSON, the query carries `user_token`. Known agents and events never come here:
    `server.hooks` answers them, in every case of doubt with status 200 and the agent's own deny.
    """
    return dialects.deny(agent, event, words_of(LeashError()))


handlers = [call_hook]
