"""The verbs of agents: make and end deployment tokens, enrol and revoke machines."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from appliance.agents import events, rules
from appliance.agents.credentials import DEPLOYMENT_PREFIX, MACHINE_PREFIX, hash_token, new_token
from appliance.agents.errors import (
    AgentsError,
    DeploymentTokenRefusedError,
    DeploymentTokenUnknownError,
    EmailElsewhereError,
    MachineUnknownError,
)
from appliance.agents.queries import DEPLOYMENT_COLUMNS, account_of_email, machine_by_id, token_of
from appliance.agents.records import (
    DeploymentTerms,
    DeploymentToken,
    Enrolment,
    EnrolmentRequest,
    Machine,
    NewDeploymentToken,
)
from appliance.database.connection import current_connection, read_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.ledger.records import Actor, ActorKind, LedgerEntry
from appliance.ledger.service import append

CHANNEL: Final = "leash_agents"
_CREATE = f"""
INSERT INTO deployment_token (id, token_hash, name, email_domains, default_email, max_uses, uses, created_at,
  created_by, expires_at) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9) RETURNING {DEPLOYMENT_COLUMNS}
"""  # noqa: S608 - constants only
_BY_HASH = f"SELECT {DEPLOYMENT_COLUMNS} FROM deployment_token WHERE token_hash = $1"  # noqa: S608 - constants only
_ENROLL = """
INSERT INTO machine (id, token_hash, deployment_token_id, hostname, platform, os_release, client_version, mode, email,
  display_name, person_id, enrolled_at) VALUES ($1, $2, $3, $4, $5, $6, '', $7, $8, $9, $10, $11)
"""


async def create_deployment_token(actor: Actor, terms: DeploymentTerms, *, now: datetime) -> NewDeploymentToken:
    """Make a token with which machines enrol.

    Raises:
        DeploymentTermsRefusedError: a term cannot be used.
    """
    terms, token = rules.prepare_terms(terms), new_token(DEPLOYMENT_PREFIX)
    async with transaction():
        row = await current_connection().fetchrow(
            _CREATE, uuid7(), hash_token(token), terms.name, list(terms.email_domains), terms.default_email,
            terms.max_uses, now, actor.id, now + timedelta(days=terms.days),
        )  # fmt: skip
        record = token_of(row)
        facts = {
            "email_domains": list(record.email_domains),
            "expires_at": record.expires_at.isoformat(),
            "max_uses": record.max_uses,
        }
        personal = {"default_email": record.default_email, "name": record.name}
        await _record(events.DEPLOYMENT_TOKEN_CREATED, actor, _subject(record), now, facts=facts, personal=personal)
        await _announce(record.id)
    return NewDeploymentToken(token=token, record=record)


async def revoke_deployment_token(actor: Actor, token_id: UUID, *, now: datetime) -> None:
    """End a deployment token; machines that it enrolled stay. Ending it twice changes nothing.

    Raises:
        DeploymentTokenUnknownError: there is none.
    """
    async with transaction():
        row = await current_connection().fetchrow(
            f"SELECT {DEPLOYMENT_COLUMNS} FROM deployment_token WHERE id = $1 FOR UPDATE",  # noqa: S608 - constants only
            token_id,
        )
        if row is None:
            raise DeploymentTokenUnknownError
        if row["revoked_at"] is not None:
            return
        await current_connection().execute("UPDATE deployment_token SET revoked_at = $2 WHERE id = $1", token_id, now)
        record = token_of(row)
        personal = {"name": record.name}
        await _record(events.DEPLOYMENT_TOKEN_REVOKED, actor, _subject(record), now, personal=personal)
        await _announce(token_id)


async def revoke_machine(actor: Actor, machine_id: UUID, *, now: datetime) -> None:
    """End a machine's token, in every process as soon as this commits. Ending it twice changes nothing.

    Raises:
        MachineUnknownError: there is none.
    """
    async with transaction():
        row = await current_connection().fetchrow(
            "SELECT hostname, email, revoked_at FROM machine WHERE id = $1 FOR UPDATE", machine_id
        )
        if row is None:
            raise MachineUnknownError
        if row["revoked_at"] is not None:
            return
        await current_connection().execute("UPDATE machine SET revoked_at = $2 WHERE id = $1", machine_id, now)
        personal = {"email": row["email"], "hostname": row["hostname"]}
        await _record(events.MACHINE_REVOKED, actor, f"machine:{machine_id}", now, personal=personal)
        await _announce(machine_id)


async def enroll(request: EnrolmentRequest, *, now: datetime) -> Enrolment:
    """Give a machine a token of its own; other machines of the same person keep theirs.

    Raises:
        DeploymentTokenRefusedError: unknown, expired, revoked or used up (each a class of its own).
        EmailDomainRefusedError, EmailElsewhereError: not with this address.
        EnrolmentRefusedError: what the machine says of itself cannot be kept.
    """
    hashed = hash_token(request.deployment_token)
    async with read_connection() as connection:
        row = await connection.fetchrow(_BY_HASH, hashed)
    if row is None:
        raise DeploymentTokenRefusedError
    try:
        async with transaction():
            return await _enroll(rules.prepare_request(request), hashed, now)
    except AgentsError as problem:
        await _record_refusal(token_of(row), request, problem, now)
        raise


async def _enroll(request: EnrolmentRequest, hashed: bytes, now: datetime) -> Enrolment:
    """Under the deployment token's row lock, so that its last use is had once."""
    connection = current_connection()
    deployment = token_of(await connection.fetchrow(_BY_HASH + " FOR UPDATE", hashed))
    rules.check_live(deployment, now)
    email = rules.email_for(deployment, request.email)
    account = await account_of_email(email)
    if account is not None and account[1]:
        raise EmailElsewhereError
    await connection.execute("UPDATE deployment_token SET uses = uses + 1 WHERE id = $1", deployment.id)
    machine_id, token = uuid7(), new_token(MACHINE_PREFIX)
    await connection.execute(
        _ENROLL, machine_id, hash_token(token), deployment.id, request.hostname, request.platform, request.os_release,
        request.mode, email, request.display_name, None if account is None else account[0], now,
    )  # fmt: skip
    machine = await machine_by_id(machine_id)
    await _record_enrolment(machine, now)
    await _announce(machine_id)
    return Enrolment(token=token, machine=machine)


async def _record_enrolment(machine: Machine, now: datetime) -> None:
    actor = Actor(kind=ActorKind.MACHINE, id=str(machine.id))
    facts = {
        "deployment_token": str(machine.deployment_token_id),
        "person": str(machine.person_id) if machine.person_id else None,
        "platform": machine.platform,
    }
    personal = {"display_name": machine.display_name, "email": machine.email, "hostname": machine.hostname}
    await _record(events.MACHINE_ENROLLED, actor, f"machine:{machine.id}", now, facts=facts, personal=personal)


async def _record_refusal(
    token: DeploymentToken, request: EnrolmentRequest, problem: AgentsError, now: datetime
) -> None:
    personal = {
        "email": rules.one_line(request.email, rules.HOSTNAME_MAX),
        "hostname": rules.one_line(request.hostname, rules.HOSTNAME_MAX),
    }
    nobody = Actor(kind=ActorKind.ANONYMOUS, id="anonymous")
    async with transaction():
        facts = {"code": problem.code}
        await _record(events.ENROLMENT_REFUSED, nobody, _subject(token), now, facts=facts, personal=personal)


def _subject(token: DeploymentToken) -> str:
    return f"deployment_token:{token.id}"


async def _record(
    event: str,
    actor: Actor,
    subject: str,
    now: datetime,
    *,
    facts: Mapping[str, object] | None = None,
    personal: Mapping[str, str],
) -> None:
    entry = LedgerEntry(event=event, actor=actor, subject=subject, facts=facts or {}, personal=personal)
    await append(entry, now=now)


async def _announce(identifier: UUID) -> None:
    """Tell every process, when the running transaction commits, which token or machine has changed."""
    await current_connection().execute("SELECT pg_notify($1, $2)", CHANNEL, str(identifier))
