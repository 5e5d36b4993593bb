"""How people of a source come in: at once if it tells nothing new of them, and one after the other if it does."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

from appliance.database.connection import current_connection
from appliance.identity.account_queries import Profile, is_key, prepared
from appliance.identity.errors import SignInBusyError
from appliance.identity.groups import stored_name
from appliance.identity.queries import person_by_id
from appliance.identity.records import Person, Source
from appliance.identity.refreshing import changed_fields

QUEUE_SECONDS: Final = 5.0
# Whoever holds one of the rows has news of them. In whatever order they hold them, nobody waits in a circle.
_LOCK: Final = """
SELECT a.id FROM external_account a JOIN person p ON p.id = a.person
WHERE a.source = $1 AND a.key = $2 FOR NO KEY UPDATE SKIP LOCKED
"""
# Apart from the lock: a statement sees nothing that was committed while it waited.
_STANDING: Final = """
SELECT a.key, a.user_name, a.made_person, a.is_disabled, p.id AS person, p.display_name, p.email
FROM external_account a JOIN person p ON p.id = a.person WHERE a.id = $1
"""
_GROUPS: Final = """
SELECT g.key, g.name, g.is_gone FROM external_account a JOIN identity_group g ON g.id = ANY(a.groups) WHERE a.id = $1
"""
_SEEN: Final = "UPDATE external_account SET seen_at = $2 WHERE id = $1"


class Queue:
    """Those of this process who wait for their turn to change people.

    Only the first one does so inside a transaction: a connection each would leave none to whoever asks for a decision.
    """

    def __init__(self, seconds: float = QUEUE_SECONDS) -> None:
        """Nobody waits longer than the seconds for being the first."""
        self._seconds = seconds
        self._first = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait; open the transaction inside.

        Raises:
            SignInBusyError: it took too long.
        """
        try:
            async with asyncio.timeout(self._seconds):
                await self._first.acquire()
        except TimeoutError:
            raise SignInBusyError from None
        try:
            yield
        finally:
            self._first.release()


async def unchanged(source: Source, profile: Profile, groups: Mapping[str, str] | None, now: datetime) -> Person | None:
    """The person of an enabled account of which nothing is new, who stays as they are until the transaction ends.

    None if anything is new or somebody else is just changing them: end the transaction then, and begin one that waits
    for its turn. `groups` are keys and names, and None if the source cannot tell them.
    """
    if not is_key(profile.key):
        return None
    connection = current_connection()
    account = await connection.fetchval(_LOCK, str(source), profile.key)
    row = await connection.fetchrow(_STANDING, account) if account else None
    if row is None or row["is_disabled"] or changed_fields(row, prepared(profile)):
        return None
    if groups is not None:
        known = {(each["key"], each["name"], each["is_gone"]) for each in await connection.fetch(_GROUPS, account)}
        if known != {(key, stored_name(key, name), False) for key, name in groups.items()}:
            return None
    await connection.execute(_SEEN, account, now)
    return await person_by_id(row["person"])
