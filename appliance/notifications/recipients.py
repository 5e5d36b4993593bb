"""Who hears of something: people by roles and terms, and the channels by which each can be reached."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Final
from uuid import UUID

import msgspec

from appliance.approvals.records import Answerer, Ask
from appliance.approvals.rules import is_requester
from appliance.database.connection import read_connection
from appliance.identity.queries import people_by_ids, people_with
from appliance.identity.records import Person, Role
from appliance.ledger.records import Actor, ActorKind
from appliance.notifications import rules
from appliance.notifications.on_call import orders
from appliance.notifications.preferences import preferences_of
from appliance.notifications.records import Channel, Kind, Preferences

# The mail server is one destination, whoever the mail is for.
MAIL_SERVER: Final = UUID(int=1)


class Way(msgspec.Struct, frozen=True):
    """One channel by which somebody can be reached."""

    channel: Channel
    destination: UUID


class Reader(msgspec.Struct, frozen=True):
    """Somebody who is told, with the ways to them."""

    person: UUID
    preferences: Preferences
    ways: tuple[Way, ...]

    def is_reachable(self, kind: Kind) -> bool:
        """Whether any of the ways is one by which the person hears of this kind."""
        return any(rules.wants(self.preferences, way.channel, kind) for way in self.ways)


class Readers(msgspec.Struct, frozen=True):
    """Everybody who is told: first those of the on-call order, then everybody else."""

    ordered: tuple[Reader, ...]
    others: tuple[Reader, ...]


class Recipients:
    """Looks people up for one plan; what it has found once, it does not look for again."""

    def __init__(self, *, is_mail_on: bool) -> None:
        """`is_mail_on`: there is a mail server."""
        self._is_mail_on = is_mail_on
        self._holders: dict[frozenset[str], tuple[Person, ...]] = {}
        self._readers: dict[UUID, Reader] = {}
        self._requesters: dict[UUID, tuple[Person, ...]] = {}
        self._orders: dict[tuple[str, ...], dict[UUID, None]] = {}

    async def with_roles(self, roles: Iterable[str]) -> tuple[Reader, ...]:
        """Everybody who holds one of the roles everywhere."""
        wanted = frozenset(str(role) for role in roles)
        people = [person for person in await self._holding(wanted) if person.roles & {Role(each) for each in wanted}]
        return await self._reached(people)

    async def one(self, person: UUID) -> tuple[Reader, ...]:
        """One person, if they can come in."""
        return await self._reached([each for each in await people_by_ids([person]) if each.can_come_in])

    async def of_ask(self, ask: Ask) -> Readers:
        """Whoever may answer, in on-call order where one is set; owners too if none but the requester would hear."""
        people = {person.id: person for person in await self._holding(frozenset(ask.terms.roles))}
        if ask.person_id is not None and ask.terms.allows_self:
            people |= {each.id: each for each in await self._requester(ask.person_id)}
        told = [person for person in people.values() if rules.is_told(ask, _answerer(person))]
        heard = await self._reached([person for person in told if not is_requester(ask, _answerer(person))])
        if not any(reader.is_reachable(Kind.ASK_OPENED) for reader in heard):
            known = {person.id for person in told}
            owners = await self._holding(frozenset({Role.OWNER.value}))
            told += [each for each in owners if each.id not in known and _may_own_answer(ask, each)]
        readers = {reader.person: reader for reader in await self._reached(told)}
        first = await self._order(ask.terms.roles)
        ordered = tuple(readers[person] for person in first if person in readers)
        others = tuple(reader for person, reader in readers.items() if person not in first)
        return Readers(ordered, others)

    async def _requester(self, person: UUID) -> tuple[Person, ...]:
        """The person whose agent asks, if they can come in."""
        if person not in self._requesters:
            found = await people_by_ids([person])
            self._requesters[person] = tuple(each for each in found if each.can_come_in)
        return self._requesters[person]

    async def _order(self, roles: tuple[str, ...]) -> dict[UUID, None]:
        """Whoever is on call for any of the roles, each once, in their order."""
        if roles not in self._orders:
            listed = await orders(roles)
            self._orders[roles] = dict.fromkeys(person for role in roles for person in listed.get(role, ()))
        return self._orders[roles]

    async def _holding(self, roles: frozenset[str]) -> tuple[Person, ...]:
        if roles not in self._holders:
            self._holders[roles] = await people_with(roles)
        return self._holders[roles]

    async def _reached(self, people: Collection[Person]) -> tuple[Reader, ...]:
        """The people with their ways."""
        new = [person for person in people if person.id not in self._readers]
        if new:
            ids = [person.id for person in new]
            preferences, addresses = await preferences_of(ids), await _addresses_of(ids)
            for person in new:
                mail = (Way(Channel.EMAIL, MAIL_SERVER),) if self._is_mail_on and person.email else ()
                ways = (*addresses.get(person.id, ()), *mail)
                self._readers[person.id] = Reader(person.id, preferences[person.id], ways)
        return tuple(self._readers[person.id] for person in people)


def _answerer(person: Person) -> Answerer:
    return Answerer(
        person_id=person.id,
        email=person.email,
        display_name=person.display_name,
        roles=frozenset(role.value for role in person.roles),
        actor=Actor(kind=ActorKind.PERSON, id=str(person.id)),
        scoped=person.scoped,
        groups=person.groups,
    )


def _may_own_answer(ask: Ask, person: Person) -> bool:
    return Role.OWNER in person.roles and (ask.terms.allows_self or not is_requester(ask, _answerer(person)))


async def _addresses_of(people: Collection[UUID]) -> dict[UUID, list[Way]]:
    async with read_connection() as connection:
        rows = await connection.fetch(
            "SELECT id, person, channel FROM notification_address WHERE person = ANY($1) ORDER BY id", list(people)
        )
    found: defaultdict[UUID, list[Way]] = defaultdict(list)
    for row in rows:
        found[row["person"]].append(Way(Channel(row["channel"]), row["id"]))
    return found
