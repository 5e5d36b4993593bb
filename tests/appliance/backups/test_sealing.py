"""What is stored can be read by its recipients alone, and damage is never taken for content."""

import io
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.backups.errors import BackupDamagedError, IdentityRefusedError, RecipientsRefusedError
from appliance.backups.ports import Readable
from appliance.backups.sealing import Identity, Recipients, keygen
from appliance.backups.tar_tap import TarTap

PUBLIC, PRIVATE = keygen()
OTHER_PUBLIC, OTHER_PRIVATE = keygen()
CONTENT = os.urandom(300_000) + bytes(3_000_000)


def whole(content: Readable, piece: int = 65_537) -> bytes:
    """Everything, in pieces of an odd size."""
    return b"".join(iter(lambda: content.read(piece), b""))


def sealed(content: bytes = CONTENT) -> bytes:
    """Encrypted to both."""
    return whole(Recipients([PUBLIC, OTHER_PUBLIC]).seal(io.BytesIO(content)))


def opened(stored: bytes, key: str = PRIVATE) -> bytes:
    """Decrypted."""
    opening = Identity(key).open(io.BytesIO(stored), "base.tar")
    try:
        return whole(opening)
    finally:
        opening.close()


@pytest.mark.parametrize("key", [PRIVATE, f"# made for the safe\n\n{OTHER_PRIVATE}\n"])
def test_each_recipient_alone_reads_it(key: str) -> None:
    """One key in use and one in the safe; a key file may hold comments."""
    assert opened(sealed(), key) == CONTENT


def test_it_is_small_and_tells_its_size_and_hash() -> None:
    """Zeros shrink, as those of the log do."""
    sealing = Recipients([PUBLIC, OTHER_PUBLIC]).seal(io.BytesIO(CONTENT))
    stored = whole(sealing)
    assert (sealing.plain_bytes, sealing.size) == (len(CONTENT), len(stored))
    assert len(stored) < 310_000


def test_nobody_else_reads_it() -> None:
    """A third key is told that it is for others."""
    with pytest.raises(IdentityRefusedError, match="other recipients"):
        opened(sealed(), keygen()[1])


SMALL = sealed(os.urandom(70_000))


@given(place=st.integers(0, 10**6), bit=st.none() | st.integers(0, 7))
@settings(max_examples=60, deadline=None)
def test_one_changed_bit_or_a_cut_anywhere_is_damage(place: int, bit: int | None) -> None:
    """Nothing that was changed comes out as if it were whole."""
    stored, place = bytearray(SMALL), place % len(SMALL)
    if bit is None:
        del stored[place:]
    else:
        stored[place] ^= 1 << bit
    with pytest.raises((BackupDamagedError, IdentityRefusedError)):
        opened(bytes(stored))


def test_content_that_fails_is_a_failure_and_no_end() -> None:
    """Half a database must not look like a whole one."""

    class Dies:
        def read(self, _size: int = -1, /) -> bytes:
            raise BrokenPipeError("pg_basebackup died")

    with pytest.raises(Exception, match="pg_basebackup died"):
        whole(Recipients([PUBLIC, OTHER_PUBLIC]).seal(Dies()))


@pytest.mark.parametrize(
    "keys", [[], [PUBLIC], [PUBLIC, PUBLIC], [PUBLIC, "age1nonsense"], [PUBLIC, PRIVATE], [PUBLIC, ""]]
)
def test_fewer_than_two_recipients_are_refused(keys: list[str]) -> None:
    """One lost key would lose every backup; a private key is none of the public ones."""
    with pytest.raises(RecipientsRefusedError):
        Recipients(keys)


@pytest.mark.parametrize("text", ["", "# only a comment", "AGE-SECRET-KEY-1NONSENSE", PUBLIC, "\x00"])
def test_a_file_without_a_private_key_is_refused(text: str) -> None:
    """The message says so before anything is fetched."""
    with pytest.raises(IdentityRefusedError):
        Identity(text)


def test_what_passes_the_tap_must_be_an_archive() -> None:
    """A server that sends something else is found out."""
    with pytest.raises(BackupDamagedError):
        whole(TarTap(io.BytesIO(os.urandom(2_000)), "backup_manifest"))
