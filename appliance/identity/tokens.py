"""Tokens: told once, found again by their hash alone."""

import base64
from typing import Final

from appliance.identity.sealing import RandomBytes, hashed

SESSION: Final = "ols_"
LINK: Final = "oll_"
CLAIM: Final = "olc_"
TOKEN_BYTES: Final = 32
_LENGTH: Final = 4 + 43


def new_token(prefix: str, random_bytes: RandomBytes) -> str:
    """The prefix and 256 random bits as 43 characters of base64url (RFC 4648 section 5, unpadded)."""
    return prefix + base64.urlsafe_b64encode(random_bytes(TOKEN_BYTES)).decode().rstrip("=")


def hash_of(token: object, prefix: str) -> bytes | None:
    """What a token of this kind is stored under; None if the text cannot be one, which spares the database."""
    is_one = isinstance(token, str) and len(token) == _LENGTH and token.startswith(prefix)
    return hashed(token) if is_one and isinstance(token, str) else None
