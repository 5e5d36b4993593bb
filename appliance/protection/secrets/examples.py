"""Make secrets that look real at run time, for tests, drills and benchmarks: no literal in the code looks like one."""

import base64
import json
import string
from random import Random
from typing import NamedTuple
from uuid import UUID

import re2

from appliance.protection.secrets.checks import checksum_of
from appliance.protection.secrets.records import Rule

_FIELD = re2.compile(r"<([a-z0-9A-Z]+):([^>]+)>")
_ALPHABETS = {
    "alnum": string.ascii_letters + string.digits,
    "lower": string.ascii_lowercase + string.digits,
    "upper": string.ascii_uppercase + string.digits,
    "digits": string.digits,
    "hex": "0123456789abcdef",
    "HEX": "0123456789ABCDEF",
    "b32": string.ascii_uppercase + "234567",
    "b64": string.ascii_letters + string.digits + "+/",
    "b64u": string.ascii_letters + string.digits,
    "url": string.ascii_letters + string.digits + "-_",
}


class Example(NamedTuple):
    """A secret and a text around it in which its rule finds it."""

    secret: str
    text: str


def build_example(rule: Rule, random: Random) -> Example:
    """Fill the rule's template: `<alphabet:count>` fields, the secret between « and » or the whole text."""
    pieces: list[str] = []
    position = 0
    for field in _FIELD.finditer(rule.example.encode()):
        start, end = field.span()
        pieces.append(rule.example.encode()[position:start].decode())
        kind, _, value = rule.example.encode()[start + 1 : end - 1].decode().partition(":")
        pieces.append(_fill(kind, value, random, "".join(pieces)))
        position = end
    text = "".join([*pieces, rule.example.encode()[position:].decode()])
    if "«" not in text:
        return Example(text, text)
    before, rest = text.split("«")
    secret, after = rest.split("»")
    return Example(secret, before + secret + after)


def _fill(kind: str, value: str, random: Random, before: str) -> str:
    alphabet = _ALPHABETS.get(kind)
    if alphabet is not None:
        return "".join(random.choices(alphabet, k=int(value)))
    if kind in {"pick", "word"}:
        return random.choice(value.split(",") if kind == "word" else list(value))
    if kind == "crc":
        return checksum_of(before[-30:].encode()).decode()
    if kind == "uuid":
        return str(UUID(int=random.getrandbits(128), version=4))
    return {"jwt": _jwt, "pem": _pem, "basic": _basic, "password": _password, "simple": _simple}[kind](random, value)


def _simple(random: Random, value: str) -> str:
    return "".join(random.choices(_ALPHABETS["alnum"], k=int(value) - 3)) + "k7Q"


def _password(random: Random, value: str) -> str:
    middle = "".join(random.choices(_ALPHABETS["alnum"], k=int(value) - 4))
    return f"p{middle}{random.choice('!*^~')}9Z"


def _basic(random: Random, value: str) -> str:
    return base64.b64encode(f"deploy:{_simple(random, value)}".encode()).decode()


def _pem(random: Random, value: str) -> str:
    text = base64.b64encode(random.randbytes(int(value))).decode()
    return "\n" + "\n".join(text[i : i + 64] for i in range(0, len(text), 64)) + "\n"


def _jwt(random: Random, _value: str) -> str:
    claims = {"sub": _simple(random, "12"), "exp": 1900000000}
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, claims)]
    return ".".join(base64.urlsafe_b64encode(p).rstrip(b"=").decode() for p in [*parts, random.randbytes(48)])
