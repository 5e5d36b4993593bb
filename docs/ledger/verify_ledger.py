#!/usr/bin/env python3
"""Verify an exported OpenLeash ledger without trusting, or importing, anything of OpenLeash.

    python3 verify_ledger.py EXPORT --key KEY [--checkpoint FILE]

EXPORT is what `leashctl ledger export` wrote. KEY is the text that `leashctl ledger key` printed, or a file that holds
it, and FILE a checkpoint (`leashctl ledger checkpoint`); both should have been kept on another machine since before
the time in question. Exit code 0: intact; 1: not intact; 2: the command line or a file cannot be used.

Needs Python 3.8 and nothing else. Signatures are verified by the code below (RFC 8032 section 5.1.7) in milliseconds
each, or faster by the `cryptography` package if there is one. Formats: docs/reference/ledger.md, RFC 6962, C2SP notes.
"""

# ruff: noqa: N818, PLR2004, T201, UP006, UP035, UP045 - one plain file for old Pythons, that prints what it finds
import argparse
import base64
import json
import re
import sys
from hashlib import sha256, sha512
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

try:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    Ed25519PublicKey = None  # type: ignore[assignment, misc]

SHOWN_MAX = 100
COLUMNS = ("id", "recorded_at", "event", "actor_kind", "actor_id", "subject")
Point = Tuple[int, int, int, int]
Key = Tuple[str, bytes, bytes]  # name, key id, public key
Json = Dict[str, Any]

# Ed25519 (RFC 8032), verification only
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
NEUTRAL = (0, 1, 1, 0)


def add(p: Point, q: Point) -> Point:
    """Sum of two points in extended homogeneous coordinates (section 5.1.4)."""
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(scalar: int, point: Point) -> Point:
    """Scalar multiplication; nothing here is secret, so time may depend on the scalar."""
    result = NEUTRAL
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point, scalar = add(point, point), scalar >> 1
    return result


def decompress(data: bytes) -> Optional[Point]:
    """The point that 32 bytes stand for (section 5.1.3), or None."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * SQRT_M1 % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = decompress((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_signed_pure(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is that of `message` under `public`, by the arithmetic above."""
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r, s = decompress(public), decompress(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    digest = sha512(signature[:32] + public + message).digest()
    left, right = times(s, BASE or NEUTRAL), add(r, times(int.from_bytes(digest, "little") % L, a))
    return not ((left[0] * right[2] - right[0] * left[2]) % P or (left[1] * right[2] - right[1] * left[2]) % P)


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """As `is_signed_pure`, by the `cryptography` package where there is one."""
    if Ed25519PublicKey is None:
        return is_signed_pure(public, message, signature)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except Exception:  # noqa: BLE001 - whatever it is, it is no good signature
        return False
    return True


class Unusable(ValueError):
    """A text is not what it should be."""


def parse_key(text: str) -> Key:
    """Name, key id and public key of `NAME+KEYID+BASE64`."""
    match = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})", text.strip())
    name, identifier, encoded = match.groups() if match else ("", "", "")
    raw = base64.b64decode(encoded)
    digest = sha256(name.encode() + b"\n" + raw).digest()[:4]
    if len(raw) != 33 or raw[0] != 1 or digest.hex() != identifier:
        raise Unusable("the key is not an Ed25519 verifier key, NAME+KEYID+BASE64, or a character of it is wrong")
    return name, digest, raw[1:]


def open_note(key: Key, note: str) -> Tuple[int, bytes, List[str]]:
    """Size, root and further lines of a checkpoint that `key` has signed."""
    name, identifier, public = key
    text, _, tail = note.rpartition("\n\n")
    text += "\n"
    words = [line.split(" ") for line in tail[:-1].split("\n")]
    if tail[-1:] != "\n" or any(len(line) != 3 or line[0] != "\u2014" for line in words):
        raise Unusable("not a signed note")
    signatures = [base64.b64decode(line[2], validate=True) for line in words if line[1] == name]
    raws = [signature[4:] for signature in signatures if signature[:4] == identifier]
    if not raws or not all(is_signed(public, text.encode(), raw) for raw in raws):
        raise Unusable("not signed by the given key")
    lines = text.split("\n")
    root = base64.b64decode(lines[2]) if len(lines) > 3 else b""
    if lines[0] != name or len(root) != 32 or not re.fullmatch("0|[1-9][0-9]*", lines[1]):
        raise Unusable("not a checkpoint of this log")
    return int(lines[1]), root, lines[3:-1]


class Tree:
    """The roots of the perfect subtrees of a growing tree (RFC 6962), largest first."""

    def __init__(self) -> None:
        self.size = 0
        self.nodes: List[bytes] = []

    def append(self, node: bytes) -> None:
        """Add a leaf's hash."""
        size, self.size = self.size, self.size + 1
        while size & 1:
            node, size = sha256(b"\x01" + self.nodes.pop() + node).digest(), size >> 1
        self.nodes.append(node)

    def root(self) -> bytes:
        """The root now."""
        if not self.nodes:
            return sha256(b"").digest()
        root = self.nodes[-1]
        for node in self.nodes[-2::-1]:
            root = sha256(b"\x01" + node + root).digest()
        return root


class Verification:
    """One pass over the lines of an export."""

    def __init__(self, key: Key, outside: Optional[Tuple[int, bytes]]) -> None:
        self.key, self.outside, self.tree = key, outside, Tree()
        self.problems: List[str] = []
        self.size = self.leaves = self.checkpoints = self.parts = self.deleted = self.previous = self.covered = 0
        self.is_ended = self.has_met_outside = False
        self.compare()

    def problem(self, kind: str, place: str, sentence: str) -> None:
        """One more."""
        self.problems.append(f"{kind}: {place}: {sentence}")

    def compare(self) -> None:
        """The checkpoint from outside, once the tree is as large."""
        if self.outside and self.tree.size == self.outside[0]:
            self.has_met_outside = True
            if self.tree.root() != self.outside[1]:
                self.problem("forked", "outside", f"the first {self.tree.size} leaves are not those that were signed")

    def line(self, record: Json) -> None:
        """Take the next line."""
        kind = record["type"]
        if self.is_ended or kind not in {"ledger", "leaf", "checkpoint", "stray", "end"}:
            raise Unusable(f"unknown or misplaced line: {kind!r}")
        getattr(self, f"on_{kind}")(record)

    def on_ledger(self, record: Json) -> None:
        """The header; the key in it proves nothing."""
        if record["version"] != 1:
            raise Unusable(f"export of version {record['version']}; this is for version 1")
        self.size = record["size"]

    def on_leaf(self, record: Json) -> None:
        """A leaf with its entry."""
        index, entry, leaf = record["index"], record["entry"], bytes.fromhex(record["hash"])
        place = f"leaf {index}"
        if index != self.leaves:
            self.problem("leaf_missing" if index > self.leaves else "leaf_repeated", place, "out of sequence")
        self.leaves = max(self.leaves, index + 1)
        self.tree.append(leaf)
        self.compare()
        if entry is None:
            self.problem("entry_missing", place, f"the entry {record['entry_id']} is gone")
        elif sha256(b"\x00" + entry["body"].encode()).digest() != leaf:
            self.problem("entry_edited", place, f"the entry {entry['id']} is not what was sealed here")
        else:
            self.entry(place, entry, record["parts"])

    def entry(self, place: str, entry: Json, parts: List[Json]) -> None:
        """Columns and content against the sealed text."""
        body = json.loads(entry["body"])
        actor, stated = body.get("actor", {}), dict(body.get("commitments", {}))
        sealed = {**body, "actor_kind": actor.get("kind"), "actor_id": actor.get("id")}
        for name in COLUMNS:
            if entry[name] != sealed.get(name):
                self.problem("entry_column_edited", place, f"the column {name} differs from the sealed text")
        for part in parts:
            name, content = part["part"], bytes.fromhex(part["salt"]) + part["content"].encode()
            if name not in stated:
                self.problem("part_inserted", place, f"there is no {name} part")
            elif sha256(content).hexdigest() != stated[name]:
                self.problem("part_edited", place, f"the {name} part is not what was sealed")
        self.parts += len(parts)
        self.deleted += len(stated.keys() - {part["part"] for part in parts})

    def on_checkpoint(self, record: Json) -> None:
        """A checkpoint, behind the leaves that it covers."""
        place, root = f"checkpoint {record['size']}", bytes.fromhex(record["root"])
        try:
            size, signed_root, further = open_note(self.key, record["note"])
        except ValueError as problem:
            self.problem("checkpoint_invalid", place, str(problem))
        else:
            if (size, signed_root) != (record["size"], root) or further[1:] != [f"sealed {record['sealed_at']}"]:
                self.problem("checkpoint_edited", place, "a column differs from the signed text")
            if further[:1] != [f"previous {self.previous}"]:
                self.problem("checkpoint_missing", place, "the one before it is gone")
            self.previous = record["size"]
        if (self.tree.size, self.tree.root()) != (record["size"], root):
            self.problem("root_mismatch", place, "the tree over the leaves before it has another root")
        elif b"".join(self.tree.nodes).hex() != record["frontier"]:
            self.problem("checkpoint_edited", place, "its frontier is not that of the tree")
        self.checkpoints, self.covered = self.checkpoints + 1, record["size"]

    def on_stray(self, record: Json) -> None:
        """Something that is neither sealed nor properly waiting."""
        self.problem(record["kind"], f"entry {record['entry_id']}", "neither sealed nor waiting for the sealer")

    def on_end(self, record: Json) -> None:
        """The last line."""
        self.is_ended = True
        if record["leaves"] != self.tree.size or record["checkpoints"] != self.checkpoints:
            self.problem("leaf_repeated", "end", f"the export says that there are {record['leaves']} leaves")
        if self.size > self.leaves:
            self.problem("leaf_missing", "end", f"of {self.size} leaves, only the first {self.leaves} are there")
        if self.covered < self.leaves:
            self.problem("leaf_uncovered", f"leaf {self.covered}", "no checkpoint covers the leaves from here on")
        if self.outside and not self.has_met_outside:
            kind = "truncated" if self.outside[0] > max(self.leaves, self.size) else "forked"
            self.problem(kind, "outside", f"{self.tree.size} leaves are there; {self.outside[0]} were signed")


def run(export: str, key_text: str, checkpoint: Optional[str]) -> int:
    """Verify; returns the exit code."""
    key = parse_key(key_text if "+" in key_text else Path(key_text).read_text("utf-8"))
    outside = open_note(key, Path(checkpoint).read_text("utf-8"))[:2] if checkpoint else None
    verification = Verification(key, outside)
    with Path(export).open(encoding="utf-8", newline="\n") as file:
        for line in file:
            verification.line(json.loads(line))
    if not verification.is_ended:
        raise Unusable("the export has no last line: it was cut")
    print(*verification.problems[:SHOWN_MAX], sep="\n", end="\n" if verification.problems else "")
    print(f"{verification.tree.size} leaves, {verification.checkpoints} checkpoints", end=", ")
    print(f"{verification.parts} parts ({verification.deleted} deleted)", end=", ")
    print(f"checkpoint from outside: {outside[0] if outside else 'none given'}")
    print(f"root {verification.tree.root().hex()}")
    print(f"NOT INTACT: {len(verification.problems)} problems" if verification.problems else "intact")
    return 1 if verification.problems else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export")
    parser.add_argument("--key", required=True)
    parser.add_argument("--checkpoint")
    given = parser.parse_args()
    try:
        sys.exit(run(given.export, given.key, given.checkpoint))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as failure:
        print(f"cannot be verified: {failure!r}", file=sys.stderr)
        sys.exit(2)
