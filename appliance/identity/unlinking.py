"""Takes an account of a source away from its person, who stays."""

from datetime import datetime
from typing import Final
from uuid import UUID

from appliance.database.connection import current_connection
from appliance.database.transaction import transaction
from appliance.identity import events
from appliance.identity.account_queries import Account, accounts_of_person
from appliance.identity.changes import (
    announce,
    check_is_another,
    check_manages,
    locked_person,
    record,
    recorded_refusals,
    take_turn,
)
from appliance.identity.errors import AccountUnknownError, LastOwnerError, UnlinkRefusedError
from appliance.identity.queries import has_owner
from appliance.identity.records import Person, SourceKind
from appliance.identity.sessions import Sessions, end_sessions_of
from appliance.ledger.records import Actor

# Whom this account kept out stays out: on the word of another account that does, or else on an administrator's.
_DISABLED_BY: Final = """
UPDATE person SET disabled_by = coalesce((SELECT a.source FROM external_account a
  WHERE a.person = $1 AND a.is_disabled ORDER BY a.source LIMIT 1), '')
WHERE id = $1 AND is_disabled AND disabled_by = $2
"""


async def unlink(actor: Actor, person_id: UUID, account_id: UUID, now: datetime, *, sessions: Sessions) -> int:
    """Take an account from its person; every session of theirs ends, and what its groups gave them. How many ended.

    Raises:
        PersonUnknownError, AccountUnknownError: the person has no such account.
        RoleChangeRefusedError: the actor does not manage the person, or is that person.
        UnlinkRefusedError: it is the only way in of somebody who may come in, or a SCIM client's.
        LastOwnerError: nobody else could come in as owner.
    """
    async with recorded_refusals(actor, "unlink", f"person:{person_id}", now), transaction():
        await take_turn()
        person = await locked_person(person_id)
        await check_manages(actor, person.roles)
        check_is_another(actor, person)
        account = _check_may_go(person, await accounts_of_person(person_id), account_id)
        had_owner = await has_owner()
        await current_connection().execute("DELETE FROM external_account WHERE id = $1", account_id)
        await current_connection().execute(_DISABLED_BY, person_id, str(account.source))
        if had_owner and not await has_owner():
            raise LastOwnerError
        ended = await end_sessions_of(person_id)
        facts = {"source": str(account.source), "account": str(account_id), "sessions": ended}
        personal = {"user_name": account.user_name}
        await record(actor, events.ACCOUNT_UNLINKED, f"person:{person_id}", now, facts=facts, personal=personal)
        await announce(person_id)
    sessions.forget()
    return ended


def _check_may_go(person: Person, accounts: tuple[Account, ...], account_id: UUID) -> Account:
    """The account of this identifier.

    Raises:
        AccountUnknownError: the person has no such account.
        UnlinkRefusedError: without it nobody would manage the person.
    """
    account = next((each for each in accounts if each.id == account_id), None)
    if account is None:
        raise AccountUnknownError
    if account.source.kind is SourceKind.SCIM:
        raise UnlinkRefusedError("Its provider writes this account; take the user away there")
    others = [each for each in accounts if each is not account and each.source.kind is not SourceKind.SCIM]
    if not (person.is_disabled or person.has_credential or others):
        raise UnlinkRefusedError("This account is the only way in that the person has")
    return account
