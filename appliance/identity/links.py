"""One-time links: how somebody gets to set a password and an authenticator."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from appliance.database.connection import current_connection, read_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.identity import events
from appliance.identity.changes import check_manages, record, recorded_refusals, take_turn
from appliance.identity.errors import LinkInvalidError, OwnerExistsError
from appliance.identity.queries import has_owner, person_by_id
from appliance.identity.records import Limits, LinkOffer, LinkPurpose, NewLink, Person, Role
from appliance.identity.sealing import RandomBytes, hashed
from appliance.identity.tokens import LINK, hash_of, new_token
from appliance.ledger.records import Actor


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A link that works now; `person` is None for an owner link."""

    id: UUID
    purpose: LinkPurpose
    person: Person | None
    expires_at: datetime


class Links:
    """The one-time links of this installation."""

    def __init__(self, limits: Limits, owner_link_minutes: int, random_bytes: RandomBytes) -> None:
        """How long a link lives depends on what it is for."""
        self._random_bytes = random_bytes
        minutes = {
            LinkPurpose.OWNER: owner_link_minutes,
            LinkPurpose.INVITATION: limits.invitation_minutes,
            LinkPurpose.RESET: limits.reset_minutes,
        }
        self._lives = {purpose: timedelta(minutes=number) for purpose, number in minutes.items()}

    async def create_owner_link(self, actor: Actor, *, now: datetime, is_another: bool = False) -> NewLink:
        """A link for the first owner, or for another one if that is said; older owner links stop working.

        Raises:
            OwnerExistsError: there is an owner, and `is_another` was not said.
            RoleChangeRefusedError: the actor is neither operator nor owner.
        """
        async with recorded_refusals(actor, "owner_link", "service:identity", now), transaction():
            await take_turn()
            await check_manages(actor, {Role.OWNER})
            if not is_another and await has_owner():
                raise OwnerExistsError
            link = await self.make(LinkPurpose.OWNER, None, now)
            facts = {"expires_at": link.expires_at.isoformat()}
            await record(actor, events.OWNER_LINK_CREATED, f"link:{link.link_id}", now, facts=facts)
        return link

    async def make(self, purpose: LinkPurpose, person_id: UUID | None, now: datetime) -> NewLink:
        """A link inside the running transaction, in place of older ones for the same; the caller records it."""
        token = new_token(LINK, self._random_bytes)
        link_id, expires_at = uuid7(), now + self._lives[purpose]
        connection = current_connection()
        await connection.execute("DELETE FROM sign_up_link WHERE person IS NOT DISTINCT FROM $1", person_id)
        await connection.execute(
            "INSERT INTO sign_up_link (id, token_hash, purpose, person, created_at, expires_at) "
            "VALUES ($1, $2, $3, $4, $5, $6)",
            link_id, hashed(token), purpose.value, person_id, now, expires_at,
        )  # fmt: skip
        return NewLink(token=token, expires_at=expires_at, purpose=purpose, link_id=link_id, person_id=person_id)

    async def offer(self, token: str, now: datetime) -> LinkOffer:
        """What the link offers; looking uses nothing up.

        Raises:
            LinkInvalidError: unknown, used, replaced, expired, or its person is disabled.
        """
        link = await find_link(token, now)
        person = link.person
        return LinkOffer(
            purpose=link.purpose,
            display_name=person.display_name if person else "",
            email=person.email if person else "",
            expires_at=link.expires_at,
        )


async def find_link(token: object, now: datetime) -> Link:
    """The link that a token belongs to.

    Raises:
        LinkInvalidError: see `Links.offer`.
    """
    token_hash = hash_of(token, LINK)
    if token_hash is None:
        raise LinkInvalidError
    async with read_connection() as connection:
        row = await connection.fetchrow(
            "SELECT id, purpose, person, expires_at FROM sign_up_link WHERE token_hash = $1 AND expires_at > $2",
            token_hash,
            now,
        )
    if row is None:
        raise LinkInvalidError
    person = await person_by_id(row["person"]) if row["person"] else None
    if person is not None and person.is_disabled:
        raise LinkInvalidError
    return Link(id=row["id"], purpose=LinkPurpose(row["purpose"]), person=person, expires_at=row["expires_at"])
