"""What is printed and typed again: groups of letters that nobody takes for others."""

import base64
from typing import Final

from appliance.identity.sealing import RandomBytes

PASSWORD_BYTES: Final = 15
TOKEN_BYTES: Final = 20
_GROUP: Final = 4
_TYPED_MAX: Final = 200


def new_text(size: int, random_bytes: RandomBytes) -> str:
    """So many random bytes, such as `7kq2-mfjd-abcd-ef23`; base32 knows no 0, 1, 8 and 9."""
    letters = base64.b32encode(random_bytes(size)).decode().lower().rstrip("=")
    return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))


def as_printed(typed: object) -> str:
    """The text as it was printed, however it was typed; empty for what cannot be one."""
    if not isinstance(typed, str) or len(typed) > _TYPED_MAX:
        return ""
    letters = "".join(typed.lower().split()).replace("-", "")
    if not letters or not set(letters) <= set("abcdefghijklmnopqrstuvwxyz234567"):
        return ""
    return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))
