"""Enrolment by somebody who is signed in: whose the machine is, nobody has to believe."""

from datetime import datetime
from typing import Final

from appliance.agents import events, rules
from appliance.agents.credentials import MACHINE_PREFIX, hash_token, new_token
from appliance.agents.errors import EnrolmentRefusedError
from appliance.agents.queries import machine_by_id
from appliance.agents.records import Enrolment, EnrolmentRequest
from appliance.agents.service import CHANNEL
from appliance.database.connection import current_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity.records import SessionKind, SignedIn
from appliance.ledger.records import LedgerEntry
from appliance.ledger.service import append

_ENROLL: Final = """
INSERT INTO machine (id, token_hash, hostname, platform, os_release, client_version, mode, email, display_name,
  person_id, enrolled_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""


async def enroll_own(
    signed_in: SignedIn, request: EnrolmentRequest, *, client_version: str = "", now: datetime
) -> Enrolment:
    """Give a machine of the signed-in person a token of its own; their other machines keep theirs.

    The session's person counts, whatever address or token the request names.

    Raises:
        EnrolmentRefusedError: what the machine says of itself cannot be kept, or its person waits behind glass.
    """
    if signed_in.kind is SessionKind.BREAK_GLASS:
        raise EnrolmentRefusedError("The owner behind glass comes for an hour and enrols no machine")
    prepared = rules.prepare_request(request)
    machine_id, token = uuid7(), new_token(MACHINE_PREFIX)
    version = rules.one_line(client_version, rules.VERSION_MAX)
    async with transaction():
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
