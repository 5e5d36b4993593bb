"""Deployment tokens, machines, and what passes when one enrols."""

from datetime import datetime
from uuid import UUID

import msgspec


class DeploymentTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What a new deployment token is good for.

    Attributes:
        name: what administrators know it by.
        days: life of the token; machines that it enrolled outlive it.
        email_domains: machines must enrol with an address of one of these; empty permits any, and none.
        default_email: whose a machine is that enrols without an address; empty leaves it nobody's.
        max_uses: how many machines it enrols; None is no limit.
    """

    name: str
    days: int = 30
    email_domains: tuple[str, ...] = ()
    default_email: str = ""
    max_uses: int | None = None


class DeploymentToken(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment token as it is listed; its secret is not known any more.

    Attributes:
        uses: machines enrolled so far.
        created_by: pseudonymous identifier of who made it.
    """

    id: UUID
    name: str
    email_domains: tuple[str, ...]
    default_email: str
    max_uses: int | None
    uses: int
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None


class NewDeploymentToken(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment token that has just been made; the secret is told only now.

    Attributes:
        token: `ol_deploy_` and 43 characters of base64url (256 random bits).
    """

    token: str
    record: DeploymentToken


class EnrolmentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a machine sends to enrol; everything but the token is its own claim.

    Attributes:
        deployment_token: empty where somebody who is signed in enrols their own machine.
        platform: operating system, e.g. `darwin`.
        mode: what the client calls its way of working, e.g. `enterprise`.
    """

    deployment_token: str = ""
    hostname: str = ""
    platform: str = ""
    os_release: str = ""
    email: str = ""
    display_name: str = ""
    mode: str = ""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """An enrolled machine.

    Attributes:
        person_id: whose it is: the person of its e-mail address, where there is one.
        display_name: as the machine said at enrolment, or else the person's.
        client_version: of the published client, as last seen.
        deployment_token_id: what it enrolled with; None if its person was signed in, which proves whose it is.
        superseded_by: a machine of the same name, system and address that enrolled later, if this one has not been
            seen since then; it is only a hint, both tokens work.
    """

    id: UUID
    hostname: str
    platform: str
    os_release: str
    client_version: str
    email: str
    display_name: str
    person_id: UUID | None
    deployment_token_id: UUID | None
    enrolled_at: datetime
    last_seen_at: datetime | None
    revoked_at: datetime | None
    superseded_by: UUID | None = None


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """A machine that has just enrolled; its token is told only now.

    Attributes:
        token: `ol_` and 43 characters of base64url (256 random bits).
    """

    token: str
    machine: Machine


class AuthenticatedMachine(msgspec.Struct, frozen=True, kw_only=True):
    """Whose hook call it is: a machine with a live token, and its person where that is known.

    Attributes:
        groups: names of the person's groups, see `appliance.identity.records.Person`.
    """

    machine_id: UUID
    person_id: UUID | None = None
    email: str = ""
    groups: frozenset[str] = frozenset()
    last_seen_at: datetime | None = None
