"""What is left of somebody whom a provider deletes for good."""

from datetime import datetime
from typing import Final

from appliance.database.connection import current_connection
from appliance.identity.records import Source

# A person whom somebody else vouches for too, or who signs in with a password kept here, stays.
_FORGET: Final = """
WITH gone AS (DELETE FROM external_account WHERE source = $1 AND key = $2 RETURNING id, person)
SELECT p.id FROM gone JOIN person p ON p.id = gone.person
WHERE NOT EXISTS (SELECT FROM external_account a WHERE a.person = p.id AND a.id <> gone.id)
  AND NOT EXISTS (SELECT FROM local_credential c WHERE c.person = p.id)
"""
# A machine that nobody is linked to is judged by its address: without the person it would be let in again.
_REVOKE: Final = """
UPDATE machine m SET revoked_at = $2 FROM person p
WHERE p.id = $1 AND m.revoked_at IS NULL AND (m.person_id = p.id OR (m.person_id IS NULL AND m.email = p.email))
"""


async def forget_account(source: Source, key: str, now: datetime) -> bool:
    """Delete a disabled account inside the running transaction, and its person if nobody else knows them.

    Whether the person is gone; their machines are revoked then. What they did stays in the ledger.
    """
    connection = current_connection()
    person_id = await connection.fetchval(_FORGET, str(source), key)
    if person_id is None:
        return False
    await connection.execute(_REVOKE, person_id, now)
    await connection.execute("DELETE FROM person WHERE id = $1", person_id)
    return True
