"""The signing key and the checkpoint beside it: whole, private, and never silently replaced."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from appliance.ledger.errors import CheckpointInvalidError, LedgerKeyError
from appliance.ledger.keys import load_or_create
from appliance.ledger.witness import CheckpointFile
from tests.support.ledger import signer

NOTE = signer().sign_checkpoint(3, bytes(32))


def test_a_key_is_made_once_and_found_again(tmp_path: Path) -> None:
    """Its name stays the one that it was made with; the file is its owner's only."""
    path = tmp_path / "secrets" / "ledger.key"
    made = load_or_create(path, "leash.example.org")
    assert made.name == "leash.example.org"
    assert load_or_create(path, "elsewhere.example.org").verifier.text() == made.verifier.text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["ledger.key"]


def test_two_installations_have_two_keys(tmp_path: Path) -> None:
    """Also without a name."""
    one, other = (load_or_create(tmp_path / name) for name in ("a", "b"))
    assert one.name != other.name
    assert one.verifier.text() != other.verifier.text()


def test_starts_at_once_end_with_one_key(tmp_path: Path) -> None:
    """Whoever is first; the others take that one."""
    path = tmp_path / "ledger.key"
    with ThreadPoolExecutor(20) as pool:
        made = list(pool.map(lambda at: load_or_create(path, f"name{at}"), range(20)))
    assert len({each.verifier.text() for each in made}) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["ledger.key"]


@pytest.mark.parametrize("content", [b"", b"x", b"\xff\xfe", b"PRIVATE+KEY+a+00000000+AAAA"])
def test_a_damaged_key_is_told_and_kept(tmp_path: Path, content: bytes) -> None:
    """A new one in its place would make every checkpoint so far another log's."""
    path = tmp_path / "ledger.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(LedgerKeyError):
        load_or_create(path)
    assert path.read_bytes() == content


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """With what to do."""
    path = tmp_path / "ledger.key"
    load_or_create(path)
    path.chmod(0o640)
    with pytest.raises(LedgerKeyError, match="chmod 600"):
        load_or_create(path)


@pytest.mark.parametrize("name", ["a b", "a+b", "a\n", "\u2003"])
def test_a_name_that_no_checkpoint_can_carry_is_refused(tmp_path: Path, name: str) -> None:
    """Before a key is made."""
    with pytest.raises(LedgerKeyError, match="cannot name"):
        load_or_create(tmp_path / "ledger.key", name)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_in_the_keys_place_is_told(tmp_path: Path) -> None:
    """As an error with a next step, not as a trace."""
    (tmp_path / "ledger.key").mkdir(mode=0o700)
    with pytest.raises(LedgerKeyError, match="cannot be used"):
        load_or_create(tmp_path / "ledger.key")


def test_the_checkpoint_file_is_replaced_whole(tmp_path: Path) -> None:
    """No file, the note, the next note; nothing is left beside it."""
    file = CheckpointFile(tmp_path / "ledger.checkpoint")
    assert (file.read_note(), file.read()) == (None, None)
    for size in (3, 4):
        file.write(signer().sign_checkpoint(size, bytes(32)))
        found = file.read()
        assert found is not None
        assert found.size == size
    assert [each.name for each in tmp_path.iterdir()] == ["ledger.checkpoint"]


@pytest.mark.parametrize("content", [b"", b"\xff", NOTE.encode()[:-4], b"3\n"])
def test_a_damaged_checkpoint_file_is_told(tmp_path: Path, content: bytes) -> None:
    """It is never taken for a missing one."""
    file = CheckpointFile(tmp_path / "ledger.checkpoint")
    file.path.write_bytes(content)
    with pytest.raises(CheckpointInvalidError):
        file.read()


def test_a_directory_in_the_checkpoints_place_is_told(tmp_path: Path) -> None:
    """As an error with a next step."""
    with pytest.raises(CheckpointInvalidError, match="cannot be read"):
        CheckpointFile(tmp_path).read_note()
