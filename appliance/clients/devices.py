"""Phones that tell of themselves: once per person, platform and name, however often they are started."""

from datetime import datetime
from typing import Final
from uuid import UUID

from appliance.agents.rules import one_line
from appliance.clients import events
from appliance.clients.records import DEVICES_MAX, DeviceReport
from appliance.database.connection import current_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity.records import Device, SignedIn
from appliance.identity.sessions import Sessions
from appliance.ledger.records import LedgerEntry
from appliance.ledger.service import append

_PLATFORM_MAX: Final = 40
_NAME_MAX: Final = 100
_VERSION_MAX: Final = 64
_UNNAMED: Final = "unnamed"
_REGISTER: Final = """
INSERT INTO client_device (id, person, platform, name, app_version, first_seen_at, last_seen_at)
VALUES ($1, $2, $3, $4, $5, $6, $6)
ON CONFLICT (person, platform, name) DO UPDATE SET app_version = excluded.app_version,
  last_seen_at = greatest(client_device.last_seen_at, excluded.last_seen_at)
RETURNING id, id = $1 AS is_new
"""
_MAKE_ROOM: Final = """
DELETE FROM client_device WHERE id IN (
  SELECT id FROM client_device WHERE person = $1 ORDER BY last_seen_at DESC, id DESC OFFSET $2)
"""


async def register_device(sessions: Sessions, signed_in: SignedIn, report: DeviceReport, now: datetime) -> UUID:
    """Write down that the person's phone was started, and name its session; only its first time is in the ledger.

    The token for pushes that published apps send is made up anew at each launch, so it tells nothing and is not read.
    """
    platform = one_line(report.platform, _PLATFORM_MAX)
    name, version = one_line(report.name, _NAME_MAX) or _UNNAMED, one_line(report.app_version, _VERSION_MAX)
    async with transaction():
        row = await current_connection().fetchrow(_REGISTER, uuid7(), signed_in.person_id, platform, name, version, now)
        device: UUID = row["id"]
        await sessions.name_device(signed_in.session_id, Device(name=name, platform=platform))
        if row["is_new"]:
            await current_connection().execute(_MAKE_ROOM, signed_in.person_id, DEVICES_MAX)
            entry = LedgerEntry(
                event=events.DEVICE_REGISTERED,
                actor=signed_in.actor,
                subject=f"client_device:{device}",
                facts={"platform": platform, "session": str(signed_in.session_id)},
                personal={"device_name": name},
            )
            await append(entry, now=now)
    return device
