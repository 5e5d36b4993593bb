"""Signed notes and checkpoints: published vectors, and every way in which a text is not one."""

import base64
from pathlib import Path

import pytest

from appliance.ledger.checkpoints import Sealed, opened, sign
from appliance.ledger.errors import CheckpointInvalidError, LedgerKeyError
from appliance.ledger.note import NOTE_CHARACTERS_MAX, Checkpoint, Signer, Verifier, split_note
from appliance.ledger.rules import time_text
from tests.support.ledger import NOON, RFC_8032, SEED

# From golang.org/x/mod/sumdb/note, whose format C2SP signed-note is.
PETER_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
SIGNER = Signer("example.org/ledger", SEED)
ROOT = bytes(range(32))
NOTE = SIGNER.sign_checkpoint(7, ROOT)


def test_a_note_of_another_implementation_is_opened() -> None:
    """Key, key id and signature of the Go implementation's own test."""
    verifier = Verifier.parse(PETER_KEY)
    assert verifier.text() == PETER_KEY
    assert verifier.open(PETER_NOTE).startswith("If you think")
    with pytest.raises(CheckpointInvalidError, match="does not fit"):
        verifier.open(PETER_NOTE.replace("answer", "solution"))


@pytest.mark.parametrize(("seed", "public", "message", "signature"), RFC_8032)
def test_keys_and_signatures_are_those_of_rfc_8032(seed: str, public: str, message: str, signature: str) -> None:
    """The seed gives the public key, and signs as the RFC does."""
    signer = Signer("x", bytes.fromhex(seed))
    assert base64.b64decode(signer.verifier.text().split("+", 2)[2]) == b"\x01" + bytes.fromhex(public)
    assert signer._key.sign(bytes.fromhex(message)).hex() == signature


def test_a_checkpoint_is_three_lines_and_a_signature() -> None:
    """C2SP tlog-checkpoint, to the byte."""
    text, signatures = split_note(NOTE)
    assert text == f"example.org/ledger\n7\n{base64.b64encode(ROOT).decode()}\n"
    assert [name for name, _ in signatures] == ["example.org/ledger"]
    assert SIGNER.verifier.open_checkpoint(NOTE) == Checkpoint("example.org/ledger", 7, ROOT)


def test_a_sealed_checkpoint_tells_its_predecessor_and_its_time() -> None:
    """Two extension lines, inside the signature."""
    note = sign(SIGNER, size=7, root=ROOT, previous=3, sealed_at=NOON)
    assert opened(SIGNER.verifier, note) == Sealed(size=7, root=ROOT, previous=3, sealed_at=time_text(NOON))
    assert SIGNER.verifier.open_checkpoint(note).size == 7
    with pytest.raises(CheckpointInvalidError, match="does not fit"):
        opened(SIGNER.verifier, note.replace("previous 3", "previous 4"))
    with pytest.raises(CheckpointInvalidError, match="which one was before"):
        opened(SIGNER.verifier, NOTE)
    foreign = SIGNER.sign(Checkpoint("example.org/other", 7, ROOT).text() + f"previous 3\nsealed {time_text(NOON)}\n")
    with pytest.raises(CheckpointInvalidError, match="another log"):
        opened(SIGNER.verifier, foreign)


def test_further_signatures_are_passed_over() -> None:
    """A witness may sign the same text; ours still counts, and still has to be there."""
    witness = Signer("witness.example", bytes(32))
    both = NOTE + witness.sign(split_note(NOTE)[0]).rpartition("\n\n")[2]
    assert SIGNER.verifier.open_checkpoint(both) == SIGNER.verifier.open_checkpoint(NOTE)
    assert witness.verifier.open(both) == split_note(NOTE)[0]
    with pytest.raises(CheckpointInvalidError, match="not signed by"):
        Signer("example.org/ledger", bytes(32)).verifier.open(both)


def test_a_second_signature_of_ours_that_is_wrong_spoils_the_note() -> None:
    """C2SP: a verifier must not choose among signatures of a known key."""
    wrong = SIGNER.sign("other\n").rpartition("\n\n")[2]
    with pytest.raises(CheckpointInvalidError, match="does not fit"):
        SIGNER.verifier.open(NOTE + wrong)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        NOTE[:-1],
        NOTE.replace("\n\n", "\n"),
        NOTE.replace("—", "-"),
        NOTE + "\n",
        NOTE + "more\n",
        NOTE.replace("— example.org/ledger ", "— example.org/ledger  "),
        NOTE[:-6] + "\n",
        NOTE.replace("\n\n", "\n\n— x AAAA\n"),
        "x" * (NOTE_CHARACTERS_MAX + 1),
    ],
)
def test_what_is_not_a_signed_note_is_refused(text: str) -> None:
    """Cut, changed, lengthened, or a megabyte of something else."""
    with pytest.raises(CheckpointInvalidError):
        SIGNER.verifier.open(text)


@pytest.mark.parametrize("size", ["07", "-1", "", "7 ", "\u0667", "1e3", "99999999999999999999"])
def test_a_size_is_written_in_one_way(size: str) -> None:
    """No zeros in front, no sign, no other digits, no number beyond a big integer."""
    with pytest.raises(CheckpointInvalidError):
        Checkpoint.parse(f"a\n{size}\n{base64.b64encode(ROOT).decode()}\n")


@pytest.mark.parametrize(
    "text", ["", "a\n7\n", "a\n7\nAAAA\n", "a\n7\n****\n", "a\n7\né\n", "\n7\n{root}\n", "a\n7\n{root}"]
)
def test_a_signed_text_need_not_be_a_checkpoint(text: str) -> None:
    """Missing lines, no name, a root of another length or alphabet, a cut end."""
    with pytest.raises(CheckpointInvalidError):
        Checkpoint.parse(text.format(root=base64.b64encode(ROOT).decode()))


def test_another_logs_checkpoint_is_not_ours() -> None:
    """The same key must not vouch for a tree under another name."""
    with pytest.raises(CheckpointInvalidError, match="another log"):
        SIGNER.verifier.open_checkpoint(SIGNER.sign(Checkpoint("example.org/other", 7, ROOT).text()))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "x+00000000",
        PETER_KEY.replace("c74f20a3", "c74f20a4"),
        PETER_KEY.replace("Peter", "Petra"),
        PETER_KEY[:-4],
        PETER_KEY.replace("ARpc", "Ahpc"),
        "x+c74f20a3+é",
    ],
)
def test_a_damaged_verifier_key_is_refused(text: str) -> None:
    """One wrong character is noticed before anything is verified with it."""
    with pytest.raises(LedgerKeyError):
        Verifier.parse(text)


def test_a_signing_key_survives_its_file_and_never_shows_in_errors(tmp_path: Path) -> None:
    """The text round-trips; a damaged one is refused without being repeated."""
    text = SIGNER.secret_text()
    assert Signer.parse(text).sign("x\n") == SIGNER.sign("x\n")
    for damaged in (text[:-4], text.replace("PRIVATE", "PUBLIC"), text.replace("ledger", "other"), "", text + "A"):
        with pytest.raises(LedgerKeyError) as caught:
            Signer.parse(damaged)
        assert text[-44:] not in str(caught.value)
