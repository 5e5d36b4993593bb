"""Gates that tell a secret from what only looks like one; pure."""

import binascii
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from math import log2
from zlib import crc32

import re2

from appliance.protection.secrets.records import Rule

BASE62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKSUM_LENGTH = 6
_PEM_BODY_MIN = 40
_SCRAMBLED_MIN = 20
_FILLER = re2.compile(rb"(?i)x{10}|\*{4}|\.{4}|0{16}|_{6}|-{8}")
_PLACEHOLDER = re2.compile(
    rb"(?i)x{5}|\*{3}|\.{3}|\xe2\x80\xa6|example|change[-_ ]?me|placeholder|your[-_ ]|redacted|dummy|insert[-_ ]|"
    rb"replace[-_ ]?(?:me|with|this)|^<|>$|\$\{|\$\(|^\$[a-z_({]|^\$\$|\{\{|^\{[a-z_]|^%[a-z0-9_({]+|#\{|"
    rb"process\.env|environ|getenv|^env[.:]|^(?:null|none|nil|undefined|true|false|empty|secret|required|optional)$|"
    rb"^(?:vault|op|secret|ref|arn|ssm|sops|file|kms|akv)(?:\+[a-z]+)?:|^!|^enc\[|lorem|foobar|\bTBD\b"
)
_DEFAULTS = frozenset(
    b"password passwd pass pwd user username postgres root admin guest test secret mysql redis default changeit".split()
)
_PATH = re2.compile(rb"^(?:\.{0,2}/|~/|[A-Za-z]:\\)|://")
_PROSE = re2.compile(rb"^[A-Za-z'.,:!?-]+(?:[ \t][A-Za-z'.,:!?()-]+)+$")
_WORDS = re2.compile(rb"^[A-Za-z]+(?:[_ .:/-][A-Za-z]+)*$")
_NUMBERED_WORDS = re2.compile(rb"^_*(?:[A-Za-z]+[0-9]{0,2}[-_./:@])*[A-Za-z]+[0-9]{0,3}$")
_MEMBER = re2.compile(rb"^[A-Za-z_][A-Za-z0-9_]*(?:(?:\.|->|::)[A-Za-z_][A-Za-z0-9_]*)+")
_UUID = re2.compile(rb"(?i)^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DATE = re2.compile(rb"^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9.:]+$|v?[0-9]+\.[0-9]+)")
_CODE = re2.compile(rb"^[A-Za-z_][A-Za-z0-9_.]*[(\[]")
_CHECKSUM = re2.compile(rb"^(?:sha(?:1|256|384|512)|md5|blake2b)[-:]")
_OTHER_NAME = re2.compile(
    rb"(?i)(?:hash|sha[0-9]*|digest|checksum|fingerprint|commit|[_-]?ids?|uuid|urls?|uri|endpoint|path|file|name|arn|"
    rb"type|count|expir[a-z]*|length|ttl|public[a-z_-]*|budget|policy|version|class|limit|usage|param[a-z]*|field|"
    rb"label|ref)(?:[^A-Za-z0-9]|$)"
)


def is_secret(rule: Rule, secret: bytes, before: bytes) -> bool:
    """Judge a candidate by its entropy and its rule's gate; `before` is the matched text in front of it."""
    if entropy_of(secret) < rule.entropy or _FILLER.search(secret):
        return False
    return CHECKS[rule.check](secret, before)


def entropy_of(value: bytes) -> float:
    """Give the Shannon entropy in bits per byte (over the first 512)."""
    value = value[:512]
    total = len(value)
    return -sum(n / total * log2(n / total) for n in Counter(value).values()) if total else 0.0


def checksum_of(value: bytes) -> bytes:
    """Give the six base62 digits of the CRC-32 that GitHub and npm put at the end of their tokens."""
    number = crc32(value)
    digits = bytearray()
    for _ in range(_CHECKSUM_LENGTH):
        number, rest = divmod(number, 62)
        digits.append(BASE62[rest])
    return bytes(reversed(digits))


def _is_formatted(_secret: bytes, _before: bytes) -> bool:
    return True


def _is_pem(secret: bytes, _before: bytes) -> bool:
    body = secret.split(b"KEY", 1)[-1]
    return sum(body.count(c) for c in BASE62) >= _PEM_BODY_MIN


def _is_url_password(secret: bytes, _before: bytes) -> bool:
    return secret.lower() not in _DEFAULTS and not _PLACEHOLDER.search(secret)


def _is_basic(secret: bytes, _before: bytes) -> bool:
    try:
        text = binascii.a2b_base64(secret.rstrip(b"=") + b"==")
    except binascii.Error:
        return False
    return b":" in text and text.isascii() and not _PLACEHOLDER.search(text)


def _is_password(secret: bytes, _before: bytes) -> bool:
    value = secret.strip()
    if value.lower() in _DEFAULTS or _PLACEHOLDER.search(value) or _PATH.search(value) or _PROSE.search(value):
        return False
    if _MEMBER.fullmatch(value) or _CODE.search(value) or _DATE.fullmatch(value) or _CHECKSUM.search(value):
        return False
    return not _WORDS.search(value) or _is_mixed(value)


def _is_bare_password(secret: bytes, before: bytes) -> bool:
    has_letter = any(65 <= c <= 90 or 97 <= c <= 122 for c in secret)  # noqa: PLR2004 - ASCII letters
    has_digit = any(48 <= c <= 57 for c in secret)  # noqa: PLR2004 - ASCII digits
    return has_letter and has_digit and not _MEMBER.search(secret) and _is_password(secret, before)


def _is_token(secret: bytes, before: bytes) -> bool:
    if _PLACEHOLDER.search(secret) or _PATH.search(secret) or _UUID.search(secret) or _DATE.search(secret):
        return False
    if _CHECKSUM.search(secret) or _OTHER_NAME.search(before):
        return False
    is_random = _is_mixed(secret) or _is_scrambled(secret)
    if _NUMBERED_WORDS.search(secret) and not is_random:
        return False
    digits = sum(48 <= c <= 57 for c in secret)  # noqa: PLR2004 - ASCII digits
    letters = len(secret.translate(None, b"0123456789_+/=.~:!@#%^&*-"))
    return letters > 0 and (digits > 1 or is_random)


def _is_sent_token(secret: bytes, before: bytes) -> bool:
    # What a header or a query sends as a token is one, unless it is words: a single digit among letters is enough.
    if _is_token(secret, before):
        return True
    is_excluded = _PLACEHOLDER.search(secret) or _PATH.search(secret) or _UUID.search(secret) or _DATE.search(secret)
    return not is_excluded and not _NUMBERED_WORDS.search(secret) and any(48 <= c <= 57 for c in secret)  # noqa: PLR2004


def _is_mixed(value: bytes) -> bool:
    # Random letters change case at every second place; camel case words hardly at every fourth.
    letters = [chr(c).isupper() for c in value if chr(c).isalpha()]
    return sum(a != b for a, b in pairwise(letters)) > len(value) * 0.35


def _is_scrambled(value: bytes) -> bool:
    # Words in camel case have one capital in four letters or fewer; random letters about as many of either case.
    letters = [chr(c).isupper() for c in value if chr(c).isalpha()]
    changes = sum(a != b for a, b in pairwise(letters))
    is_balanced = 0.3 * len(letters) <= sum(letters) <= 0.7 * len(letters)
    return len(value) >= _SCRAMBLED_MIN and is_balanced and changes > len(value) * 0.25


CHECKS: dict[str, Callable[[bytes, bytes], bool]] = {
    # A checksum or a form never excludes a token: a mistyped or revoked one is still not for other eyes.
    "format": _is_formatted,
    "aws-key": _is_formatted,
    "github-crc": _is_formatted,
    "jwt": _is_formatted,
    "pem": _is_pem,
    "url-password": _is_url_password,
    "basic": _is_basic,
    "password": _is_password,
    "bare-password": _is_bare_password,
    "token": _is_token,
    "sent-token": _is_sent_token,
}
