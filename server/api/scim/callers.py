"""Which provider sends a request: by a bearer token alone, never by a session or a cookie."""

from typing import Final

from litestar.handlers import BaseRouteHandler

from appliance.identity.provisioning.records import Caller
from appliance.identity.provisioning.tokens import authenticate
from server.authentication import Carrier, carried_token
from server.dashboard.dependencies import AnyRequest
from server.requests import AnyConnection

_STATE: Final = "provisioning"


async def requires_provisioning_token(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
    """A guard for identity providers.

    Raises:
        ProvisioningTokenRefusedError: no live token of a provider.
    """
    carried = carried_token(connection, "")
    token = carried.token if carried.carrier is Carrier.BEARER else None
    connection.scope["state"][_STATE] = await authenticate(token, connection.app.state.appliance.clock())


def caller_of(request: AnyRequest) -> Caller:
    """The provider whose request has passed the guard."""
    found: Caller = request.scope["state"][_STATE]
    return found
