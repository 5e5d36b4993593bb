"""Cleaning up: what is over goes, what is in use stays, and twice is as good as once."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

from appliance.database.connection import read_connection
from appliance.identity.errors import SignInRefusedError
from appliance.identity.jobs import jobs
from appliance.identity.records import Role
from appliance.identity.service import Identity
from tests.support.people import HERE, NOW, OPERATOR, PASSWORD, Someone, make_owner

TABLES = ("session", "sign_up_link", "pending_claim", "sign_in_throttle", "person", "local_credential")


async def _rows() -> list[int]:
    async with read_connection() as connection:
        return [await connection.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES]  # noqa: S608


async def _run(identity: Identity, moment: datetime) -> list[int]:
    [job] = jobs(identity, lambda: moment)
    assert (job.name, job.every_seconds) == ("identity.delete_expired", 300.0)
    await job.run()
    return await _rows()


async def test_what_is_over_goes(identity: Identity, owner: Someone) -> None:
    """Idle and expired sessions, links and claims with their time, counts after a day; never people."""
    link = await identity.links.create_owner_link(OPERATOR, now=NOW, is_another=True)
    last = link.expires_at - timedelta(minutes=1)
    await identity.people.invite(OPERATOR, display_name="M", email="m@example.org", role=Role.MEMBER, now=NOW)
    fields = {"display_name": "B", "email": "b@example.org", "password": PASSWORD}
    await identity.claims.set_password(link.token, **fields, now=last)
    with suppress(SignInRefusedError):
        await identity.sign_ins.sign_in(email="x@example.org", password="x", code="0", origin=HERE, now=NOW)
    assert await _run(identity, NOW) == [2, 2, 1, 3, 2, 1]
    assert await _run(identity, NOW + timedelta(minutes=60)) == [0, 2, 1, 3, 2, 1]
    assert await _run(identity, last + timedelta(minutes=15)) == [0, 1, 0, 3, 2, 1]
    for _ in range(2):
        assert await _run(identity, NOW + timedelta(days=3)) == [0, 0, 0, 0, 2, 1]


async def test_two_schedulers_at_once_do_no_harm(committed: Identity) -> None:
    """Both end well."""
    await make_owner(committed, NOW)
    await asyncio.gather(*(_run(committed, NOW + timedelta(hours=13)) for _ in range(4)))
    assert (await _rows())[0] == 0
