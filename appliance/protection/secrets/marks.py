"""The mark that stands where a secret stood."""

import hashlib
import hmac
from collections.abc import Callable

import re2

from appliance.protection.secrets.catalogue import OVERSIZED, load_rules

FINGERPRINT_DIGITS = 16
_OPENING = "[secret "
_IDS = "|".join([*(rule.id for rule in load_rules()), OVERSIZED])
# Only real rule names: a made-up mark would be a place to hide a secret in.
_MARK = re2.compile(rf"\[secret (?:{_IDS}) [0-9]{{1,9}} chars #[0-9a-f]{{{FINGERPRINT_DIGITS}}}\]".encode())


def fingerprint_of(key: bytes, secret: bytes) -> str:
    """Give the first 16 hex digits of HMAC-SHA256: equal for equal secrets, worthless without the key."""
    return hmac.new(key, secret, hashlib.sha256).hexdigest()[:FINGERPRINT_DIGITS]


def mark_of(rule: str, length: int, fingerprint: str) -> str:
    """Write the mark: kind, length in characters, keyed fingerprint."""
    return f"[secret {rule} {length} chars #{fingerprint}]"


def blank_marks(data: bytes) -> bytes:
    """Replace marks by as many separators: what they say is no secret, and nothing may be read across them."""
    if _OPENING.encode() not in data:
        return data
    return bytes(_MARK.sub(lambda m: b"\x1f" * len(m.group()), data))


def between_marks(text: str, change: Callable[[str], str]) -> str:
    """Apply `change` to the text between marks and keep the marks."""
    if _OPENING not in text:
        return change(text)
    pieces: list[str] = []
    raw = text.encode("utf-8", "surrogatepass")
    position = 0
    for found in _MARK.finditer(raw):
        pieces += (
            change(raw[position : found.start()].decode("utf-8", "surrogatepass")),
            raw[found.start() : found.end()].decode(),
        )
        position = found.end()
    pieces.append(change(raw[position:].decode("utf-8", "surrogatepass")))
    return "".join(pieces)
