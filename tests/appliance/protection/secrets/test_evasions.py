"""Secrets in other clothes."""

import base64
import gzip
import json
import zlib
from collections.abc import Callable
from random import Random
from urllib.parse import quote

import pytest

from appliance.protection.secrets.catalogue import OVERSIZED, load_rules
from appliance.protection.secrets.examples import build_example
from appliance.protection.secrets.scanner import Scanner

RULES = {rule.id: rule for rule in load_rules()}
KINDS = ["aws-access-key-id", "github-token", "anthropic-key", "password-plain", "database-url-password", "stripe-key"]


def b64(data: bytes) -> str:
    """Encode as one run."""
    return base64.b64encode(data).decode()


def wrapped(data: bytes, width: int) -> str:
    """Encode as lines."""
    text = b64(b"some words to make it long enough for more lines than one " + data)
    return "\n".join(text[i : i + width] for i in range(0, len(text), width))


ENCODINGS: dict[str, Callable[[str], str]] = {
    "base64": lambda s: b64(s.encode()),
    "base64-url": lambda s: base64.urlsafe_b64encode(s.encode()).decode().rstrip("="),
    "base64-shifted": lambda s: b64(b" " + s.encode()),
    "base64-after-a-path": lambda s: "data/" + b64(b"= " + s.encode()),
    "base64-in-binary": lambda s: b64(b"\xff\xfe\x00\x01" + s.encode() + b"\x80"),
    "base64-utf16": lambda s: b64(s.encode("utf-16-le")),
    "base64-76": lambda s: wrapped(s.encode(), 76),
    "base64-64": lambda s: wrapped(s.encode(), 64),
    "base64-30": lambda s: wrapped(s.encode(), 30),
    "base64-twice": lambda s: b64(b64(s.encode()).encode()),
    "base64-thrice": lambda s: b64(b64(b64(s.encode()).encode()).encode()),
    "hex": lambda s: s.encode().hex(),
    "hex-upper": lambda s: "0x" + s.encode().hex().upper(),
    "hex-in-base64": lambda s: b64(s.encode().hex().encode()),
    "url": lambda s: "".join(f"%{b:02X}" for b in s.encode()),
    "url-some": lambda s: quote(s[:3]) + f"%{ord(s[3]):02x}" + quote(s[4:], safe=""),
    "unicode-escapes": lambda s: "".join(f"\\u{ord(c):04x}" for c in s),
    "one-unicode-escape": lambda s: s[:2] + f"\\u{ord(s[2]):04x}" + s[3:],
    "hex-escapes": lambda s: "".join(f"\\x{b:02x}" for b in s.encode()),
    "octal-escapes": lambda s: "".join(f"\\{b:03o}" for b in s.encode()),
    "html-entities": lambda s: "".join(f"&#{ord(c)};" for c in s),
    "gzip": lambda s: b64(gzip.compress(s.encode(), mtime=0)),
    "gzip-hex": lambda s: gzip.compress(s.encode(), mtime=0).hex(),
    "zlib": lambda s: b64(zlib.compress(s.encode())),
    "zero-width": "\u200b".join,
    "one-zero-width": lambda s: s[:5] + "\u2060" + s[5:],
    "soft-hyphen": lambda s: s[:5] + "\u00ad" + s[5:],
    "control": lambda s: s[:5] + "\x00" + s[5:],
    "terminal-colour": lambda s: s[:5] + "\x1b[0m" + s[5:],
    "shell-quotes": lambda s: s[:5] + "''" + s[5:],
    "concatenated": lambda s: f'"{s[:7]}" + "{s[7:]}"',
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_encoded_secret_is_found_and_its_run_masked(scanner: Scanner, kind: str, encoding: str) -> None:
    """Neither the secret nor its encoded form is left; text around it stays."""
    example = build_example(RULES[kind], Random(kind + encoding))  # noqa: S311 - repeatable
    text = example.text if "=" in example.text or "://" in example.text else example.secret
    encoded = ENCODINGS[encoding](text)
    body = {"tool_input": {"content": f"first line\nvalue {encoded} end"}}
    findings, masked = scanner.scan_body(body)
    shown = masked["tool_input"]["content"]
    assert {kind, "url-password"} & {finding.rule for finding in findings}
    assert example.secret not in shown
    assert encoded not in shown
    assert shown.startswith("first line")
    assert shown.endswith("end")


@pytest.mark.parametrize("cut", [2, 4, 11, 19])
def test_a_secret_cut_over_neighbours_is_masked_in_both(scanner: Scanner, cut: int) -> None:
    """List elements and fields that follow each other are read together; both parts are masked."""
    secret = build_example(RULES["aws-access-key-id"], Random(cut)).secret  # noqa: S311 - repeatable
    for body in ({"list": ["x ", secret[:cut], secret[cut:], "y"]}, {"a": secret[:cut], "b": secret[cut:]}):
        findings, masked = scanner.scan_body(body)
        assert {finding.rule for finding in findings} == {"aws-access-key-id"}
        text = json.dumps(masked)
        assert f'"{secret[:cut]}"' not in text
        assert f'"{secret[cut:]}"' not in text


def test_a_private_key_as_a_list_of_lines_is_masked(scanner: Scanner) -> None:
    """A PEM block given line by line loses every line."""
    block = build_example(RULES["private-key-block"], Random(1)).secret  # noqa: S311 - repeatable
    _, masked = scanner.scan_body({"lines": block.splitlines()})
    text = json.dumps(masked)
    assert not [line for line in block.splitlines()[1:-1] if line in text]


def test_a_truncated_private_key_is_masked(scanner: Scanner) -> None:
    """A block whose end is missing, or with line numbers in front, loses its body."""
    block = build_example(RULES["private-key-block"], Random(2)).secret  # noqa: S311 - repeatable
    lines = block.splitlines()
    for text in ("\n".join(lines[:-1]), "\n".join(f"   {n}\t{line}" for n, line in enumerate(lines, 1))):
        masked = scanner.mask_text(text)
        assert not [line for line in lines[1:-1] if line in masked]


def test_a_known_password_is_masked_in_other_encodings(scanner: Scanner) -> None:
    """What only its name betrays is also masked where it stands encoded without a name."""
    secret = build_example(RULES["password-quoted"], Random(5)).secret  # noqa: S311 - repeatable
    raw = secret.encode()
    body = {"password": secret, "a": f"echo {b64(raw)}", "b": raw.hex(), "c": quote(secret, safe="")}
    _, masked = scanner.scan_body(body)
    text = json.dumps(masked)
    assert raw.hex() not in text
    assert b64(raw)[:16] not in text
    assert quote(secret, safe="") not in text


def test_a_compression_bomb_is_masked_unread() -> None:
    """A run that unpacks beyond the limit is replaced, and the scan stays within it."""
    scanner = Scanner(b"k", scan_bytes_max=100_000)
    bomb = b64(gzip.compress(b"a" * 30_000_000, mtime=0))
    findings, masked = scanner.scan_text(f"echo {bomb} | base64 -d")
    assert OVERSIZED in {finding.rule for finding in findings}
    assert bomb[:200] not in masked


@pytest.mark.parametrize("depth", [0, 1])
def test_the_depth_is_the_given_one(depth: int) -> None:
    """With depth 0 nothing is decoded, with 1 one layer."""
    scanner = Scanner(b"k", decode_depth=depth)
    secret = build_example(RULES["github-token"], Random(1)).secret  # noqa: S311 - repeatable
    assert bool(scanner.scan_text(b64(secret.encode()))[0]) is (depth == 1)
