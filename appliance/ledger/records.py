"""What goes into the ledger and what comes out of it."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec


class ActorKind(StrEnum):
    """Who can act."""

    PERSON = "person"
    MACHINE = "machine"
    OPERATOR = "operator"  # leashctl, on the appliance's own machine
    SYSTEM = "system"  # the service itself: expiry, sealing, schedules
    ANONYMOUS = "anonymous"  # somebody who has not signed in


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who does something; handed to every service verb.

    Attributes:
        kind: what it is.
        id: pseudonymous identifier (a UUID, or `leashctl`, `scheduler`), safe to keep for ever.
        name: personal (display name, e-mail, host name); enters the ledger by commitment only.
    """

    kind: ActorKind
    id: str
    name: str = ""


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened, before it is written.

    Attributes:
        event: `noun.verb` from the feature's events.py, e.g. `decision.allowed`.
        actor: who did it.
        subject: what it was done to, `noun:identifier`, e.g. `machine:018f...`.
        facts: small public JSON object without personal data, payload or secrets; kept for ever, in the leaf.
        personal: personal fields, by salted commitment (the actor's name is added to them).
        payload: content fields (masked arguments and the like), by salted commitment.
        id: UUIDv7; the writer makes one if it is None.
        occurred_at: aware UTC; enters the leaf only if it is given.
    """

    event: str
    actor: Actor
    subject: str
    facts: Mapping[str, Any] = {}
    personal: Mapping[str, Any] = {}
    payload: Mapping[str, Any] = {}
    id: UUID | None = None
    occurred_at: datetime | None = None
