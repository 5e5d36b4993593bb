"""The tokens of machines: how they look, and the only form in which they are kept."""

import base64
import hashlib
import secrets
from typing import Final

DEPLOYMENT_PREFIX: Final = "ol_deploy_"
MACHINE_PREFIX: Final = "ol_"
_RANDOM_BYTES: Final = 32
_RANDOM_CHARACTERS: Final = 43


def new_token(prefix: str) -> str:
    """`prefix` and 256 random bits in base64url."""
    return prefix + base64.urlsafe_b64encode(secrets.token_bytes(_RANDOM_BYTES)).rstrip(b"=").decode()


def hash_token(token: str) -> bytes:
    """SHA-256: with 256 random bits in the token there is nothing to guess, so no slow hash is needed."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


def may_be_machine_token(token: str) -> bool:
    """Whether `token` has the length and the beginning of a machine's token; most mistakes end here."""
    return len(token) == len(MACHINE_PREFIX) + _RANDOM_CHARACTERS and token.startswith(MACHINE_PREFIX)
