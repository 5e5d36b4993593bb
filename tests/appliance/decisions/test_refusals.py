"""Calls of strangers are counted, and enter the ledger as one entry."""

import pytest

from appliance.database.connection import disconnect
from appliance.database.errors import DatabaseError
from appliance.decisions.refusals import Refusals
from tests.support.decisions import NOON, ledger_of


@pytest.mark.usefixtures("rolled_back_database")
async def test_many_refusals_are_one_entry() -> None:
    """A stranger cannot fill the ledger; a flush without refusals writes nothing."""
    refusals = Refusals(lambda: NOON)
    await refusals.flush()
    for _ in range(1000):
        refusals.count("token")
    refusals.count("rate")
    await refusals.flush()
    await refusals.flush()
    assert await ledger_of() == [("hook.refused", {"token": 1000, "rate": 1})]


@pytest.mark.usefixtures("committed_database")
async def test_a_flush_that_fails_forgets_nothing(committed_database: object) -> None:
    """What was counted meanwhile is added."""
    refusals = Refusals(lambda: NOON)
    refusals.count("token")
    await disconnect()
    with pytest.raises(DatabaseError):
        await refusals.flush()
    refusals.count("token")
    assert refusals._counts["token"] == 2
