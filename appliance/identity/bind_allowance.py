"""Passes fewer wrong passwords on to a directory than it takes to lock an account there."""

import re
import unicodedata
from datetime import datetime, timedelta
from typing import Final

from appliance.database.connection import current_connection
from appliance.database.transaction import transaction
from appliance.identity.sealing import KeyedHash

# After so long without a wrong password Active Directory starts to count anew, where nobody has changed that.
WINDOW: Final = timedelta(minutes=30)
# Counts the attempt before it is made, so that a burst cannot outrun the count; no row comes back if it must not be.
_TAKE: Final = """
INSERT INTO sign_in_throttle AS t (key, failures, turned_away, last_at) VALUES ($1, 1, 0, $2)
ON CONFLICT (key) DO UPDATE
  SET failures = CASE WHEN t.last_at <= $3 THEN 1 ELSE t.failures + 1 END, last_at = $2, turned_away = 0
  WHERE t.last_at <= $3 OR t.failures < $4
RETURNING true
"""
_GIVE_BACK: Final = "UPDATE sign_in_throttle SET failures = greatest(failures - 1, 0) WHERE key = $1"
_CLEAR: Final = "DELETE FROM sign_in_throttle WHERE key = $1"
_SPACES: Final = re.compile(r"\s+")
_UNSEEN: Final = frozenset({"Mn", "Me", "Cf", "Cc"})  # accents, and characters without a shape
# Letters that Unicode does not take apart, and that a directory may take for these.
_LIKE: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "\u0131": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)


class BindAllowance:
    """Counts for all processes together, by the account in the directory and not by how its name was typed."""

    def __init__(self, hashing: KeyedHash) -> None:
        """`hashing` keeps accounts out of the table."""
        self._hashing = hashing

    async def take(self, directory: str, account: str, most: int, now: datetime) -> bytes | None:
        """What the attempt is counted under; None if the directory must not be asked."""
        key = self._hashing.of("bind", directory, account)
        async with transaction():
            is_taken = await current_connection().fetchval(_TAKE, key, now, now - WINDOW, most)
        return key if is_taken else None

    async def give_back(self, key: bytes) -> None:
        """The password was not wrong, or never got there; what others have spent stays spent."""
        async with transaction():
            await current_connection().execute(_GIVE_BACK, key)

    async def clear(self, key: bytes) -> None:
        """The password was right: the directory starts to count anew too."""
        async with transaction():
            await current_connection().execute(_CLEAR, key)


def typed_account(user: str) -> str:
    """One text for the ways to type one name: without case, domain, and all that a directory may not tell apart.

    Active Directory compares without accents and without characters that nobody sees, so each of them would get a count
    of its own. Two people whose names differ in nothing else share one, which locks nobody out of the directory.
    """
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", user).casefold()).translate(_LIKE)
    seen = "".join([char for char in folded if unicodedata.category(char) not in _UNSEEN])
    bare = seen.rpartition("\\")[2].partition("@")[0] or seen
    return "".join([char for char in bare if char.isascii() and char.isalnum()]) or _SPACES.sub(" ", bare).strip()
