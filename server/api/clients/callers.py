"""Who a client's request comes from: a person who is signed in, or a machine by its own token."""

from uuid import UUID

from appliance.agents.records import AuthenticatedMachine
from appliance.clients.records import Viewer
from appliance.identity.errors import SignInRequiredError
from appliance.identity.records import SignedIn
from appliance.identity.rules import Permission, is_permitted
from appliance.ledger.records import Actor, ActorKind
from server.authentication import machine_of, signed_in_of
from server.dashboard.dependencies import AnyRequest, answerer_of


def viewer_of(request: AnyRequest) -> Viewer:
    """Whose view the request asks for; a session counts before a machine.

    Raises:
        SignInRequiredError: nobody's, or the token is dead.
    """
    machine = machine_of(request)
    if machine is not None and request.scope.get("user") is None:
        return Viewer(machine_id=machine.machine_id)
    signed_in = signed_in_of(request)
    return Viewer(
        person_id=signed_in.person_id,
        answerer=answerer_of(signed_in),
        may_answer=is_permitted(signed_in.roles, Permission.APPROVALS_ANSWER),
    )


def calling_machine(request: AnyRequest) -> AuthenticatedMachine | None:
    """The machine, if the request carries no session."""
    return machine_of(request) if request.scope.get("user") is None else None


def machine_actor(machine_id: UUID) -> Actor:
    """The machine as every service verb wants it."""
    return Actor(kind=ActorKind.MACHINE, id=str(machine_id))


def person_of(request: AnyRequest) -> SignedIn | None:
    """Whoever is signed in, if it is not a machine that calls."""
    user = request.scope.get("user")
    if user is None and machine_of(request) is None:
        raise SignInRequiredError
    return user if isinstance(user, SignedIn) else None
