"""What every change by a provider has in common: its turn, its transaction, and an entry if it is refused."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import datetime

from appliance.database.transaction import transaction
from appliance.identity.changes import record, take_turn
from appliance.identity.provisioning import events
from appliance.identity.provisioning.errors import ProvisioningError, ResourceUnknownError, VersionMismatchError
from appliance.identity.provisioning.records import Caller

Versions = Collection[int] | None
# A look for something that is not there, or a race that the client repeats, is nothing that an auditor needs.
_USUAL = (ResourceUnknownError, VersionMismatchError)


@asynccontextmanager
async def change_by(caller: Caller, change: str, subject: str, now: datetime) -> AsyncIterator[None]:
    """One change in one transaction; what is refused enters the ledger in one of its own."""
    try:
        async with transaction():
            await take_turn()
            yield
    except ProvisioningError as refusal:
        if not isinstance(refusal, _USUAL):
            async with transaction():
                facts = {"provider": caller.provider, "change": change, "code": refusal.code}
                await record(caller.actor, events.REFUSED, subject, now, facts=facts)
        raise


def check_version(present: int, expected: Versions) -> None:
    """Compare with the versions of If-Match; None is no condition.

    Raises:
        VersionMismatchError: it is none of them.
    """
    if expected is not None and present not in expected:
        raise VersionMismatchError
