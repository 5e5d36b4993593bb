"""Users that a provider adds, changes and deletes, and the people that they are."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from appliance.database.connection import current_connection
from appliance.database.identifiers import uuid7
from appliance.identity.accounts import Profile, disable, enable, find_account, provision, refresh
from appliance.identity.changes import record
from appliance.identity.errors import EmailTakenError
from appliance.identity.groups import set_members
from appliance.identity.provisioning import events
from appliance.identity.provisioning.errors import LastOwnerKeptError, NotUniqueError, ResourceUnknownError
from appliance.identity.provisioning.leaving import forget_account
from appliance.identity.provisioning.queries import user_by_id
from appliance.identity.provisioning.records import Caller, ProvisionedUser, UserContent
from appliance.identity.provisioning.refusals import Versions, change_by, check_version
from appliance.identity.provisioning.rules import key_of
from appliance.identity.queries import find_person

UserChange = Callable[[Mapping[str, Any]], UserContent]
_LOCKED: Final = """
SELECT id, account_key, user_name_key, external_id, document, version FROM scim_user
WHERE provider = $1 AND id = $2 AND deleted_at IS NULL FOR UPDATE
"""
# Who was deleted and comes back is the same person only if the provider's own identifier says so, or neither has one:
# a userName may have been given to somebody else since.
_EARLIER: Final = """
SELECT id, account_key FROM scim_user WHERE provider = $1 AND deleted_at IS NOT NULL AND (
  (external_id <> '' AND external_id = $3) OR (user_name_key = $2 AND external_id = '' AND $3 = ''))
ORDER BY deleted_at DESC LIMIT 1
"""
_INSERT: Final = """
INSERT INTO scim_user (id, provider, account_key, user_name_key, external_id, document, version, created_at,
  modified_at) VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7)
"""
_UPDATE: Final = """
UPDATE scim_user SET user_name_key = $2, external_id = $3, document = $4, version = version + 1, modified_at = $5
WHERE id = $1
"""
_LEAVE: Final = """
WITH gone AS (DELETE FROM scim_member WHERE user_member = $1 RETURNING holder)
UPDATE scim_group g SET version = version + 1, modified_at = $2 FROM gone WHERE g.id = gone.holder
"""


async def create_user(caller: Caller, content: UserContent, now: datetime) -> ProvisionedUser:
    """Add a user: a new person, or one whom the provider had deleted and who comes back under a new identifier.

    Raises:
        NotUniqueError: the userName is the provider's already, or the address is somebody else's.
    """
    user_id = uuid7()
    async with change_by(caller, "create_user", f"scim_user:{user_id}", now):
        name_key = key_of(content.user_name)
        await _check_name(caller, name_key, None)
        connection = current_connection()
        earlier = await connection.fetchrow(_EARLIER, caller.provider, name_key, content.external_id)
        key = earlier["account_key"] if earlier else str(user_id)
        if earlier:
            await connection.execute("DELETE FROM scim_user WHERE id = $1", earlier["id"])
            await _take_over(caller, key, content, now)
            await enable(caller.actor, caller.source, (key,), now)
        person_id = await _provision(caller, key, content, now)
        if content.is_active is False:
            await _set_active(caller, key, content, now)
        await connection.execute(
            _INSERT, user_id, caller.provider, key, name_key, content.external_id, _json(content), now
        )
        facts = _facts(caller, person_id, content) | {"returned": bool(earlier)}
        await _record(caller, events.USER_CREATED, user_id, now, facts, content.document)
        return await user_by_id(caller, user_id)


async def change_user(
    caller: Caller, user_id: UUID, change: UserChange, now: datetime, *, versions: Versions = None
) -> ProvisionedUser:
    """Replace what the provider says of a user; who is not active any more is out with the commit.

    `change` makes the new content of the present document; `versions` are those of If-Match.

    Raises:
        ResourceUnknownError: the provider has no such user.
        VersionMismatchError: it has another version.
        NotUniqueError: as for `create_user`.
        LastOwnerKeptError: nobody else could come in as owner.
    """
    async with change_by(caller, "change_user", f"scim_user:{user_id}", now):
        row = await _locked(caller, user_id)
        check_version(row["version"], versions)
        before: dict[str, Any] = json.loads(row["document"])
        content = change(before)
        name_key = key_of(content.user_name)
        if name_key != row["user_name_key"]:
            await _check_name(caller, name_key, user_id)
        person_id = await _take_over(caller, row["account_key"], content, now)
        await _set_active(caller, row["account_key"], content, now)
        changed = sorted(
            name for name in before.keys() | content.document.keys() if before.get(name) != content.document.get(name)
        )
        if changed:
            await current_connection().execute(_UPDATE, user_id, name_key, content.external_id, _json(content), now)
            facts = _facts(caller, person_id, content) | {"attributes": changed}
            await _record(caller, events.USER_CHANGED, user_id, now, facts, content.document)
        return await user_by_id(caller, user_id)


async def delete_user(
    caller: Caller, user_id: UUID, now: datetime, *, keeps_account: bool, versions: Versions = None
) -> None:
    """Delete a user: the person is out with the commit.

    `keeps_account` leaves the person here, disabled; else the person goes too, if no other source knows them.

    Raises:
        ResourceUnknownError, VersionMismatchError, LastOwnerKeptError: as for `change_user`.
    """
    async with change_by(caller, "delete_user", f"scim_user:{user_id}", now):
        row = await _locked(caller, user_id)
        check_version(row["version"], versions)
        key, connection = row["account_key"], current_connection()
        await _disable(caller, key, now, cause="deleted")
        await set_members(caller.actor, caller.source, {}, {key: frozenset()}, now)
        await connection.execute(_LEAVE, user_id, now)
        facts: dict[str, Any] = {"provider": caller.provider, "person": str(await _person(caller, key))}
        if keeps_account:
            await connection.execute(
                "UPDATE scim_user SET document = '{}', deleted_at = $2 WHERE id = $1", user_id, now
            )
        else:
            await connection.execute("DELETE FROM scim_user WHERE id = $1", user_id)
            facts["is_person_deleted"] = await forget_account(caller.source, key, now)
        await _record(caller, events.USER_DELETED, user_id, now, facts, json.loads(row["document"]))


async def _locked(caller: Caller, user_id: UUID) -> Any:  # noqa: ANN401 - asyncpg.Record
    row = await current_connection().fetchrow(_LOCKED, caller.provider, user_id)
    if row is None:
        raise ResourceUnknownError
    return row


async def _check_name(caller: Caller, name_key: str, besides: UUID | None) -> None:
    found = await current_connection().fetchval(
        "SELECT id FROM scim_user WHERE provider = $1 AND user_name_key = $2 AND deleted_at IS NULL "
        "AND id IS DISTINCT FROM $3",
        caller.provider,
        name_key,
        besides,
    )
    if found is not None:
        raise NotUniqueError("This provider has a user with this userName already")


async def _provision(caller: Caller, key: str, content: UserContent, now: datetime) -> UUID:
    try:
        return await provision(caller.actor, caller.source, _profile(key, content), now)
    except EmailTakenError as problem:
        raise NotUniqueError("Somebody else has this e-mail address") from problem


async def _take_over(caller: Caller, key: str, content: UserContent, now: datetime) -> UUID | None:
    """Give the person the names and address of `content`; whose it is."""
    person_id = await _person(caller, key)
    owner = await find_person(content.email) if content.email else None
    if owner is not None and owner.id != person_id:
        raise NotUniqueError("Somebody else has this e-mail address")
    await refresh(caller.actor, caller.source, _profile(key, content), now)
    return person_id


async def _person(caller: Caller, key: str) -> UUID | None:
    account = await find_account(caller.source, key)
    return account.person_id if account else None


async def _set_active(caller: Caller, key: str, content: UserContent, now: datetime) -> None:
    if content.is_active is False:
        await _disable(caller, key, now, cause="disabled")
    elif content.is_active:
        await enable(caller.actor, caller.source, (key,), now)


async def _disable(caller: Caller, key: str, now: datetime, *, cause: str) -> None:
    ended = await disable(caller.actor, caller.source, (key,), now, cause=cause)
    if ended.spared:
        raise LastOwnerKeptError


def _profile(key: str, content: UserContent) -> Profile:
    return Profile(key=key, user_name=content.user_name, display_name=content.display_name, email=content.email)


def _json(content: UserContent) -> str:
    return json.dumps(content.document, ensure_ascii=False)


def _facts(caller: Caller, person_id: UUID | None, content: UserContent) -> dict[str, Any]:
    return {"provider": caller.provider, "person": str(person_id), "active": content.is_active}


async def _record(
    caller: Caller, event: str, user_id: UUID, now: datetime, facts: Mapping[str, Any], document: Mapping[str, Any]
) -> None:
    """The person's names and addresses are in the entries of the account; here only what finds the user again."""
    personal = {name: document[name] for name in ("userName", "externalId") if name in document}
    await record(caller.actor, event, f"scim_user:{user_id}", now, facts=facts, personal=personal)
