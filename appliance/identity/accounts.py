"""Accounts of directories, providers and SCIM clients, and the people that they are.

Every verb runs inside the caller's transaction, waits for its turn, writes its ledger entries and tells every process.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

import msgspec

from appliance.database.connection import current_connection
from appliance.database.identifiers import uuid7, uuid7s
from appliance.identity import events
from appliance.identity.account_queries import Account as Account  # noqa: PLC0414 - what callers see comes from here
from appliance.identity.account_queries import Prepared, accounts_with, prepared
from appliance.identity.account_queries import Profile as Profile  # noqa: PLC0414 - as above
from appliance.identity.account_queries import accounts_of as accounts_of  # noqa: PLC0414 - as above
from appliance.identity.account_queries import accounts_of_person as accounts_of_person  # noqa: PLC0414 - as above
from appliance.identity.account_queries import find_account as find_account  # noqa: PLC0414 - as above
from appliance.identity.changes import announce, check_manages, locked_person, record, take_turn
from appliance.identity.disabling import Ended as Ended  # noqa: PLC0414 - as above
from appliance.identity.disabling import disable as disable  # noqa: PLC0414 - as above
from appliance.identity.disabling import enable as enable  # noqa: PLC0414 - as above
from appliance.identity.errors import AccountTakenError, EmailTakenError
from appliance.identity.records import Source
from appliance.identity.refreshing import refresh as refresh  # noqa: PLC0414 - as above
from appliance.identity.refreshing import refresh_many as refresh_many  # noqa: PLC0414 - as above
from appliance.ledger.batches import append_alike
from appliance.ledger.records import Actor

_PERSON: Final = ("id", "display_name", "email", "is_disabled", "disabled_by", "is_sealed", "created_at")
_ACCOUNT: Final = (
    "id", "source", "key", "person", "user_name", "is_disabled", "made_person", "created_at", "seen_at", "groups",
)  # fmt: skip
_LINK: Final = """
INSERT INTO external_account (id, source, key, person, user_name, is_disabled, made_person, created_at, seen_at)
VALUES ($1, $2, $3, $4, $5, false, false, $6, $6) ON CONFLICT (source, key) DO NOTHING RETURNING id
"""


class Provisioned(msgspec.Struct, frozen=True, kw_only=True):
    """What became of many profiles.

    Attributes:
        people: key to person, of those that are new and of those that had an account already.
        made: key to account, of those that are new.
        taken: keys of those whose address somebody else has; people are never merged by address.
    """

    people: dict[str, UUID]
    made: dict[str, UUID]
    taken: frozenset[str]


async def provision(actor: Actor, source: Source, profile: Profile, now: datetime) -> UUID:
    """A new person with an account; the person of the account if there is one already.

    Raises:
        EmailTakenError: somebody has the address.
    """
    done = await provision_many(actor, source, (profile,), now)
    if profile.key in done.taken:
        raise EmailTakenError
    return done.people[profile.key]


async def provision_many(
    actor: Actor,
    source: Source,
    profiles: Sequence[Profile],
    now: datetime,
    groups: Mapping[str, Sequence[UUID]] = MappingProxyType({}),
) -> Provisioned:
    """New people with an account each, in a handful of statements; each has an entry in the ledger.

    `groups` are those of new accounts by key, as `memberships.listed` gives them; `groups.replace_groups` records them.
    """
    await take_turn()
    people = {account.key: account.person_id for account in await accounts_with(source, [p.key for p in profiles])}
    wanted = {profile.key: prepared(profile) for profile in profiles if profile.key not in people}
    used = await _used_addresses([each.email for each in wanted.values() if each.email])
    new: dict[str, Prepared] = {}
    for key, each in wanted.items():
        if not each.email or each.email not in used:
            new[key] = each
            used.add(each.email or None)
    made = dict(zip(new, uuid7s(len(new)), strict=True))
    if new:
        people |= zip(new, uuid7s(len(new)), strict=True)
        name, connection = str(source), current_connection()
        persons = ((people[key], p.display_name, p.email, False, "", False, now) for key, p in new.items())
        await connection.copy_records_to_table("person", records=persons, columns=_PERSON)
        linked = (
            (made[key], name, key, people[key], p.user_name, False, True, now, now, groups.get(key, ()))
            for key, p in new.items()
        )
        await connection.copy_records_to_table("external_account", records=linked, columns=_ACCOUNT)
        await _record(actor, source, new, people, now)
        await announce()
    return Provisioned(people=people, made=made, taken=frozenset(wanted.keys() - new.keys()))


async def link(actor: Actor, source: Source, profile: Profile, person_id: UUID, now: datetime) -> None:
    """One more account of a known person; nothing happens if it is linked to them already.

    Raises:
        PersonUnknownError: there is no such person.
        RoleChangeRefusedError: a person links somebody whom they do not manage: the account gets all their rights.
        AccountTakenError: the account is somebody else's.
    """
    await take_turn()
    person = await locked_person(person_id)
    await check_manages(actor, person.roles)
    account_id, stored = uuid7(), prepared(profile)
    added = await current_connection().fetchval(
        _LINK, account_id, str(source), stored.key, person_id, stored.user_name, now
    )
    if added is None:
        known = await find_account(source, stored.key)
        if known is None or known.person_id != person_id:
            raise AccountTakenError
        return
    facts, personal = {"source": str(source), "account": str(account_id)}, {"user_name": stored.user_name}
    await record(actor, events.ACCOUNT_LINKED, f"person:{person_id}", now, facts=facts, personal=personal)
    await announce(person_id)


async def seen(source: Source, keys: Collection[str], now: datetime) -> None:
    """Note that the source has just vouched for these accounts; no entry, because nothing changes by it."""
    await current_connection().execute(
        "UPDATE external_account SET seen_at = $3 WHERE source = $1 AND key = ANY($2)", str(source), list(keys), now
    )


async def _used_addresses(addresses: Collection[str]) -> set[str | None]:
    rows = await current_connection().fetch("SELECT email FROM person WHERE email = ANY($1)", list(addresses))
    return {row["email"] for row in rows}


async def _record(
    actor: Actor, source: Source, new: Mapping[str, Prepared], people: Mapping[str, UUID], now: datetime
) -> None:
    about = [
        (f"person:{people[key]}", {"display_name": p.display_name, "email": p.email or "", "user_name": p.user_name})
        for key, p in new.items()
    ]
    await append_alike(events.PERSON_PROVISIONED, actor, {"source": str(source)}, about, now=now)
