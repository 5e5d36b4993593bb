"""Enrolment by somebody who is signed in: whose the machine is, nobody has to believe."""

from datetime import datetime
from typing import Final

from appliance.agents import events, rules
from appliance.agents.credentials import MACHINE_PREFIX, hash_token, new_token
from appliance.agents.errors import (
    AgentsError,
    EnrolmentByScriptError,
    EnrolmentRefusedError,
    EnrolmentUnprovenError,
    MachinesTooManyError,
)
from appliance.agents.queries import machine_by_id
from appliance.agents.records import Enrolment, EnrolmentRequest
from appliance.agents.service import CHANNEL
from appliance.database.connection import current_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity.records import SessionKind, SignedIn
from appliance.ledger.records import LedgerEntry
from appliance.ledger.service import append

MACHINES_MAX: Final = 100
# Of one person one enrolment at a time, so that many at once pass the limit together no more than one by one.
_TURN: Final = "SELECT pg_advisory_xact_lock(hashtext('machine of'), hashtext($1))"
_COUNT: Final = "SELECT count(*) FROM machine WHERE person_id = $1 AND revoked_at IS NULL"
_ENROLL: Final = """
INSERT INTO machine (id, token_hash, hostname, platform, os_release, client_version, mode, email, display_name,
  person_id, enrolled_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""


async def enroll_own(
    signed_in: SignedIn, request: EnrolmentRequest, *, is_present: bool, client_version: str = "", now: datetime
) -> Enrolment:
    """Give a machine of the signed-in person a token of its own; their other machines keep theirs.

    The session's person counts, whatever address or token the request names. `is_present` is that they have signed in
    or proved themselves a moment ago: a machine's token never ends, so a session that was found must not make one.

    Raises:
        EnrolmentByScriptError, EnrolmentUnprovenError, MachinesTooManyError: the refusal is in the ledger.
        EnrolmentRefusedError: what the machine says of itself cannot be kept, or its person waits behind glass.
    """
    if signed_in.kind is SessionKind.BREAK_GLASS:
        raise EnrolmentRefusedError("The owner behind glass comes for an hour and enrols no machine")
    prepared = rules.prepare_request(request)
    version = rules.one_line(client_version, rules.VERSION_MAX)
    try:
        if signed_in.kind is SessionKind.SCRIPT:
            raise EnrolmentByScriptError
        if not is_present:
            raise EnrolmentUnprovenError
        return await _enroll(signed_in, prepared, version, now)
    except AgentsError as refusal:
        await _record_refusal(signed_in, prepared, refusal, now)
        raise


async def _enroll(signed_in: SignedIn, prepared: EnrolmentRequest, version: str, now: datetime) -> Enrolment:
    machine_id, token = uuid7(), new_token(MACHINE_PREFIX)
    async with transaction():
        await current_connection().execute(_TURN, str(signed_in.person_id))
        if await current_connection().fetchval(_COUNT, signed_in.person_id) >= MACHINES_MAX:
            raise MachinesTooManyError(f"You have {MACHINES_MAX} machines, which is as many as a person may have")
        await current_connection().execute(
            _ENROLL, machine_id, hash_token(token), prepared.hostname, prepared.platform, prepared.os_release, version,
            prepared.mode, signed_in.email, signed_in.display_name, signed_in.person_id, now,
        )  # fmt: skip
        facts = {
            "person": str(signed_in.person_id),
            "platform": prepared.platform,
            "session": str(signed_in.session_id),
        }
        personal = {"email": signed_in.email, "hostname": prepared.hostname}
        entry = LedgerEntry(
            event=events.MACHINE_ENROLLED, actor=signed_in.actor, subject=f"machine:{machine_id}",
            facts=facts, personal=personal,
        )  # fmt: skip
        await append(entry, now=now)
        await current_connection().execute("SELECT pg_notify($1, $2)", CHANNEL, str(machine_id))
        machine = await machine_by_id(machine_id)
    return Enrolment(token=token, machine=machine)


async def _record_refusal(signed_in: SignedIn, prepared: EnrolmentRequest, refusal: AgentsError, now: datetime) -> None:
    facts = {"code": refusal.code, "session": str(signed_in.session_id)}
    entry = LedgerEntry(
        event=events.ENROLMENT_REFUSED, actor=signed_in.actor, subject=f"person:{signed_in.person_id}",
        facts=facts, personal={"hostname": prepared.hostname},
    )  # fmt: skip
    async with transaction():
        await append(entry, now=now)
