"""What a source tells anew of people whom it made: names and addresses that change, people who stay."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from appliance.database.connection import current_connection
from appliance.identity import events
from appliance.identity.account_queries import Prepared, Profile, prepared
from appliance.identity.changes import announce_all, take_turn
from appliance.identity.records import Source
from appliance.ledger.records import Actor, LedgerEntry
from appliance.ledger.service import append_all

_FOUND: Final = """
SELECT a.key, a.user_name, a.made_person, p.id AS person, p.display_name, p.email
FROM external_account a JOIN person p ON p.id = a.person WHERE a.source = $1 AND a.key = ANY($2) ORDER BY a.key
"""


class _Change(msgspec.Struct, frozen=True, kw_only=True):
    """One account before and after; `is_whole` if its source says the person's name and address too."""

    person: UUID
    old: Prepared
    new: Prepared
    is_whole: bool

    @property
    def fields(self) -> list[str]:
        """Which of the fields that this source may change differ."""
        names = ("user_name", "display_name", "email") if self.is_whole else ("user_name",)
        return [name for name in names if getattr(self.old, name) != getattr(self.new, name)]


async def refresh(actor: Actor, source: Source, profile: Profile, now: datetime) -> bool:
    """Take over what the source tells of an account; False if nothing changed or there is no such account.

    An address that somebody else has is not taken over: the person keeps the old one. Of a person who was known
    before the account was linked, neither name nor address change.
    """
    return await refresh_many(actor, source, (profile,), now) > 0


async def refresh_many(actor: Actor, source: Source, profiles: Sequence[Profile], now: datetime) -> int:
    """The same for many, who may exchange addresses; how many changed."""
    await take_turn()
    wanted = {profile.key: prepared(profile) for profile in profiles}
    rows = await current_connection().fetch(_FOUND, str(source), list(wanted))
    await current_connection().execute(
        "UPDATE external_account SET seen_at = $3 WHERE source = $1 AND key = ANY($2)", str(source), list(wanted), now
    )
    changes = await _possible([_change(row, wanted[row["key"]]) for row in rows])
    changes = [each for each in changes if each.fields]
    if not changes:
        return 0
    await _write(source, changes)
    entries = [
        LedgerEntry(
            event=events.ACCOUNT_CHANGED,
            actor=actor,
            subject=f"person:{each.person}",
            facts={"source": str(source), "changed": each.fields},
            personal={name: getattr(each.new, name) or "" for name in each.fields},
        )
        for each in changes
    ]
    await append_all(entries, now=now)
    await announce_all([each.person for each in changes])
    return len(changes)


def changed_fields(row: Any, new: Prepared) -> list[str]:  # noqa: ANN401 - asyncpg.Record has no types
    """What a source tells anew of the account and the person of a row, as far as it may change them."""
    return _change(row, new).fields


def _change(row: Any, new: Prepared) -> _Change:  # noqa: ANN401 - asyncpg.Record has no types
    old = Prepared(key=row["key"], user_name=row["user_name"], display_name=row["display_name"], email=row["email"])
    return _Change(person=row["person"], old=old, new=new, is_whole=row["made_person"])


async def _possible(changes: list[_Change]) -> list[_Change]:
    """The changes without the addresses that somebody has who keeps theirs."""
    moving = {each.person: each for each in changes if "email" in each.fields}
    others = await current_connection().fetch(
        "SELECT email FROM person WHERE email = ANY($1) AND id <> ALL($2)",
        [each.new.email for each in moving.values() if each.new.email],
        list(moving),
    )
    used = {row["email"] for row in others}
    is_settled = False
    while not is_settled:  # whoever cannot move keeps an address that another one may have wanted
        taken, stuck = set(used), list[UUID]()
        for person, each in moving.items():
            if each.new.email in taken:
                stuck.append(person)
            elif each.new.email:
                taken.add(each.new.email)
        used |= {moving[person].old.email for person in stuck} - {None}
        moving = {person: each for person, each in moving.items() if person not in stuck}
        is_settled = not stuck
    return [
        each
        if each.person in moving
        else msgspec.structs.replace(each, new=msgspec.structs.replace(each.new, email=each.old.email))
        for each in changes
    ]


async def _write(source: Source, changes: list[_Change]) -> None:
    connection = current_connection()
    await connection.execute(
        "UPDATE external_account a SET user_name = n.user_name "
        "FROM unnest($2::text[], $3::text[]) AS n(key, user_name) WHERE a.source = $1 AND a.key = n.key",
        str(source),
        [each.new.key for each in changes],
        [each.new.user_name for each in changes],
    )
    whole = [each for each in changes if each.is_whole]
    # Twice: two people who exchange their addresses would both have the same one in between.
    moving = [each.person for each in whole if "email" in each.fields]
    await connection.execute("UPDATE person SET email = NULL WHERE id = ANY($1)", moving)
    await connection.execute(
        "UPDATE person p SET display_name = n.name, email = n.email "
        "FROM unnest($1::uuid[], $2::text[], $3::text[]) AS n(id, name, email) WHERE p.id = n.id",
        [each.person for each in whole],
        [each.new.display_name for each in whole],
        [each.new.email for each in whole],
    )
