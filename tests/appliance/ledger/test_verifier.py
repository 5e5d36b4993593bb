"""The independent verifier by itself: its arithmetic, its size, and what it makes of files that are not an export."""

import ast
import importlib.util
import json
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.ledger.ledger import Ledger
from appliance.ledger.note import Signer
from appliance.ledger.queries import list_entries
from appliance.ledger.records import Actor, ActorKind
from tests.support.ledger import NAME, RFC_8032, SEED, sealed_ledger, signer

SCRIPT = Path(__file__).parents[3] / "docs/ledger/verify_ledger.py"
OPERATOR = Actor(kind=ActorKind.OPERATOR, id="leashctl")
ORDER = 2**252 + 27742317777372353535851937790883648493


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify_ledger", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


VERIFIER = load()


def run(*words: str, is_pure: bool = False) -> subprocess.CompletedProcess[str]:
    """The script in a process of its own; `is_pure` without any installed package."""
    flags = ["-I", "-S"] if is_pure else ["-I"]
    return subprocess.run(  # noqa: S603 - our own script
        [sys.executable, *flags, str(SCRIPT), *words], capture_output=True, text=True, check=False, cwd="/"
    )


async def exported(ledger: Ledger, folder: Path) -> Path:
    path = folder / "export.jsonl"
    with path.open("wb") as file:
        await ledger.export(OPERATOR, file.write)
    return path


def test_it_is_short_and_imports_nothing_of_ours() -> None:
    """At most 300 lines; the standard library, and `cryptography` only if it is there."""
    text = SCRIPT.read_text("utf-8")
    assert len(text.splitlines()) <= 300
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    assert names - sys.stdlib_module_names == {"cryptography"}


@pytest.mark.parametrize(("_seed", "public", "message", "signature"), RFC_8032)
def test_its_arithmetic_knows_the_signatures_of_rfc_8032(_seed: str, public: str, message: str, signature: str) -> None:
    """And no others: of key, message and signature no bit may be changed."""
    key, text, proof = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)
    assert VERIFIER.is_signed_pure(key, text, proof)
    assert not VERIFIER.is_signed_pure(key, text + b"x", proof)
    for at in (0, 31, 32, 63):
        changed = bytearray(proof)
        changed[at] ^= 1
        assert not VERIFIER.is_signed_pure(key, text, bytes(changed))
    assert not VERIFIER.is_signed_pure(bytes([key[0] ^ 1]) + key[1:], text, proof)
    assert not VERIFIER.is_signed_pure(key, text, proof[:-1])
    assert not VERIFIER.is_signed_pure(key[:-1], text, proof)


def test_a_signature_has_one_form_only() -> None:
    """RFC 8032: s beyond the group's order, or a point that is written with y beyond the field, is refused."""
    key, text, proof = (bytes.fromhex(part) for part in RFC_8032[1][1:])
    other = proof[:32] + (int.from_bytes(proof[32:], "little") + ORDER).to_bytes(32, "little")
    for is_signed in (VERIFIER.is_signed_pure, VERIFIER.is_signed):
        assert is_signed(key, text, proof)
        assert not is_signed(key, text, other)
    assert VERIFIER.decompress((2**255 - 19).to_bytes(32, "little")) is None
    assert VERIFIER.decompress((2**255 - 1).to_bytes(32, "little")) is None
    assert VERIFIER.decompress((1 | 1 << 255).to_bytes(32, "little")) is None


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 511))
def test_both_implementations_agree(seed: bytes, message: bytes, bit: int) -> None:
    """The arithmetic and the `cryptography` package, on good signatures and on changed ones."""
    made = Signer("x", seed)
    public, proof = made.verifier._public, made._key.sign(message)
    assert VERIFIER.is_signed_pure(public, message, proof)
    assert VERIFIER.is_signed(public, message, proof)
    changed = bytearray(proof)
    changed[bit // 8] ^= 1 << bit % 8
    assert not VERIFIER.is_signed_pure(public, message, bytes(changed))
    assert not VERIFIER.is_signed(public, message, bytes(changed))


@pytest.mark.usefixtures("committed_database")
async def test_it_needs_nothing_but_python(tmp_path: Path) -> None:
    """Without any installed package it comes to the same result, by key text or key file."""
    ledger = await sealed_ledger(tmp_path)
    export, key = await exported(ledger, tmp_path), tmp_path / "key"
    key.write_text(ledger.public_key + "\n")
    outside = ("--checkpoint", str(tmp_path / "ledger.checkpoint"))
    results = {
        run(str(export), "--key", given, *outside, is_pure=is_pure).stdout
        for given in (ledger.public_key, str(key))
        for is_pure in (False, True)
    }
    (only,) = results
    assert only.endswith("intact\n")
    assert "12 leaves, 3 checkpoints, 24 parts (0 deleted), checkpoint from outside: 12" in only


@pytest.mark.usefixtures("committed_database")
async def test_the_key_in_the_export_is_not_trusted(tmp_path: Path) -> None:
    """Only the key that was given counts."""
    export = await exported(await sealed_ledger(tmp_path), tmp_path)
    stranger = Signer(NAME, secrets.token_bytes(32)).verifier.text()
    done = run(str(export), "--key", stranger)
    assert done.returncode == 1
    assert done.stdout.count("checkpoint_invalid") == 3


@pytest.mark.usefixtures("committed_database")
async def test_a_line_more_less_or_elsewhere_is_noticed(tmp_path: Path) -> None:
    """The export is not trusted either: no line of it can be cut, repeated, moved or left out."""
    export = await exported(await sealed_ledger(tmp_path), tmp_path)
    lines = export.read_text("utf-8").splitlines(keepends=True)
    middle = len(lines) // 2
    changes: dict[str, list[str]] = {
        "cut": lines[:-1],
        "cut in a line": [*lines[:middle], lines[middle][:20]],
        "left out": lines[:middle] + lines[middle + 1 :],
        "repeated": [*lines[: middle + 1], *lines[middle:]],
        "moved": [*lines[:middle], lines[middle + 1], lines[middle], *lines[middle + 2 :]],
        "after the end": [*lines, lines[1]],
        "unknown": [lines[0], '{"type":"other"}\n', *lines[1:]],
        "another version": [lines[0].replace('"version":1', '"version":2'), *lines[1:]],
        "not JSON": ["x\n", *lines],
        "empty": [],
    }
    for name, changed in changes.items():
        export.write_text("".join(changed), "utf-8")
        done = run(str(export), "--key", signer().verifier.text())
        assert done.returncode in {1, 2}, name
        assert "Traceback" not in done.stderr, name


@pytest.mark.parametrize(
    "words", [(), ("missing",), ("missing", "--key", "x"), ("missing", "--key", Signer(NAME, SEED).verifier.text())]
)
def test_a_wrong_command_line_is_told_without_a_trace(words: tuple[str, ...]) -> None:
    """Exit code 2, which is neither intact nor not intact."""
    done = run(*words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("committed_database")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda note: note.replace("example.org", "example.com"),
        lambda note: note.replace("12\n", "13\n", 1),
        lambda note: note[:-2],
        lambda _note: "",
    ],
)
async def test_a_checkpoint_that_is_not_signed_by_the_key_is_refused(
    tmp_path: Path, spoil: Callable[[str], str]
) -> None:
    """Comparing with it would say nothing."""
    ledger = await sealed_ledger(tmp_path)
    export, note = await exported(ledger, tmp_path), tmp_path / "ledger.checkpoint"
    note.write_text(spoil(note.read_text("utf-8")), "utf-8")
    done = run(str(export), "--key", ledger.public_key, "--checkpoint", str(note))
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.usefixtures("committed_database")
async def test_an_export_is_recorded_and_says_what_it_holds(tmp_path: Path) -> None:
    """Whoever takes everything out leaves a trace; the file holds one JSON object a line."""
    ledger = await sealed_ledger(tmp_path)
    path = tmp_path / "export"
    with path.open("wb") as file:
        result = await ledger.export(OPERATOR, file.write)
    assert (result.leaves, result.checkpoints, result.parts, result.tree_size) == (12, 3, 24, 12)
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert [record["type"] for record in records] == (
        ["ledger"] + ["leaf"] * 5 + ["checkpoint", "leaf", "checkpoint"] + ["leaf"] * 6 + ["checkpoint", "end"]
    )
    assert [each.actor_id for each in await list_entries(event="ledger.exported")] == ["leashctl"]


@pytest.mark.usefixtures("committed_database")
async def test_an_empty_ledger_can_be_exported(tmp_path: Path) -> None:
    """Nothing is sealed yet, and that is intact."""
    ledger = await sealed_ledger(tmp_path, ())
    done = run(str(await exported(ledger, tmp_path)), "--key", ledger.public_key)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "intact")
