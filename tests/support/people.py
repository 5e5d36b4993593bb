"""People who can sign in: made by the same one-time links and claims as real ones."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from pyotp.totp import TOTP

from appliance.database.connection import read_connection
from appliance.identity.codes import STEP_SECONDS
from appliance.identity.records import NewLink, Origin, Role
from appliance.identity.service import Identity
from appliance.ledger.records import Actor, ActorKind

OPERATOR = Actor(kind=ActorKind.OPERATOR, id="leashctl")
PASSWORD = "correct horse battery staple"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HERE = Origin(address="192.0.2.7", user_agent="a test")


class Someone:
    """A person with a live session and an authenticator."""

    def __init__(
        self, person_id: UUID, email: str, token: str, secret: str, recovery_codes: tuple[str, ...], used_step: int
    ) -> None:
        """`used_step` is the time step of the last code that was spent."""
        self.id = person_id
        self.email = email
        self.token = token
        self.secret = secret
        self.recovery_codes = recovery_codes
        self.actor = Actor(kind=ActorKind.PERSON, id=str(person_id), name=email)
        self._used_step = used_step

    def code(self, now: datetime) -> str:
        """A code that is accepted now and was not spent; two in a row, then time must pass."""
        self._used_step = max(self._used_step + 1, _step(now))
        return TOTP(self.secret).generate_otp(self._used_step)


async def make_owner(identity: Identity, now: datetime, email: str = "ada@example.org") -> Someone:
    """An owner, come in by an owner link."""
    link = await identity.links.create_owner_link(OPERATOR, now=now, is_another=True)
    return await claim(identity, link, now, email=email, display_name="Ada Lovelace")


async def make_person(identity: Identity, role: Role, email: str, now: datetime) -> Someone:
    """Somebody with one role, invited and come in."""
    name = email.partition("@")[0].title()
    link = await identity.people.invite(OPERATOR, display_name=name, email=email, role=role, now=now)
    return await claim(identity, link, now, email=email)


async def claim(
    identity: Identity, link: NewLink, now: datetime, *, email: str, display_name: str | None = None
) -> Someone:
    """Go through a one-time link with PASSWORD; the token is that of a script session, which is never idle."""
    pending = await identity.claims.set_password(
        link.token, display_name=display_name, email=email, password=PASSWORD, now=now
    )
    earlier = now - timedelta(seconds=STEP_SECONDS)  # the oldest code that is accepted, so that newer ones are left
    code = TOTP(pending.secret).generate_otp(_step(earlier))
    claimed = await identity.claims.confirm_totp(pending.token, code, HERE, now)
    person_id = claimed.session.person_id
    script = await identity.sessions.create_script_session(OPERATOR, person_id, 60, now)
    return Someone(person_id, email, script.token, pending.secret, claimed.recovery_codes, _step(earlier))


def _step(moment: datetime) -> int:
    return int(moment.timestamp()) // STEP_SECONDS


async def ledger_events() -> Counter[str]:
    """How often each event is in the ledger."""
    async with read_connection() as connection:
        rows = await connection.fetch("SELECT event FROM ledger_entry")
    return Counter(row["event"] for row in rows)


async def ledger_facts(event: str) -> list[dict[str, Any]]:
    """The facts of every entry of an event, in the order of their identifiers."""
    async with read_connection() as connection:
        rows = await connection.fetch("SELECT body FROM ledger_entry WHERE event = $1 ORDER BY id", event)
    return [msgspec.json.decode(row["body"])["facts"] for row in rows]
