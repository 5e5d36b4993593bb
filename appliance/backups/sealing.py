"""Compression and encryption on the way out, and back: zstandard, then age (C2SP age v1) to several recipients.

The appliance knows public keys alone, so it cannot read its own old backups.
"""

import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO, Final, cast

import zstandard

# A module in Rust without type stubs: its names are found at run time only.
from pyrage import (  # pyright: ignore[reportAttributeAccessIssue]
    DecryptError,  # pyright: ignore[reportAttributeAccessIssue]
    IdentityError,  # pyright: ignore[reportAttributeAccessIssue]
    RecipientError,  # pyright: ignore[reportAttributeAccessIssue]
    decrypt_io,  # pyright: ignore[reportAttributeAccessIssue]
    encrypt_io,  # pyright: ignore[reportAttributeAccessIssue]
    x25519,  # pyright: ignore[reportAttributeAccessIssue]
)

from appliance.backups.counting import Counted
from appliance.backups.errors import BackupDamagedError, IdentityRefusedError, RecipientsRefusedError
from appliance.backups.ports import Readable

RECIPIENTS_LEAST: Final = 2
# At this level zstandard is as fast as a disk; the log's empty pages shrink at any level.
_LEVEL: Final = 1
_PIECE: Final = 1024 * 1024


class Recipients:
    """Public keys to which everything is encrypted."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Keys as age writes them, `age1…`.

        Raises:
            RecipientsRefusedError: fewer than two different ones, or one that is no public key.
        """
        if len(set(keys)) < RECIPIENTS_LEAST:
            raise RecipientsRefusedError(f"{len(set(keys))} of at least {RECIPIENTS_LEAST} recipients are named")
        self.keys = tuple(keys)
        self._parsed = [_recipient(key) for key in keys]

    def seal(self, content: Readable) -> "Sealing":
        """`content` compressed and encrypted, to be read once."""
        return Sealing(content, self._parsed)


def _recipient(key: str) -> x25519.Recipient:
    try:
        return x25519.Recipient.from_str(key)
    except RecipientError as problem:
        raise RecipientsRefusedError(f"{key[:80]!r} is no public key of age: {problem}") from problem


class Sealing:
    """Encrypted bytes as they come into being; a thread of its own makes them, and counts and hashes both ends.

    Attributes:
        plain_bytes: read so far.
        size: encrypted so far.
    """

    def __init__(self, content: Readable, recipients: Sequence[x25519.Recipient]) -> None:
        """Nothing is read before the first `read`."""
        self.plain_bytes = 0
        self.size = 0
        self._hash = hashlib.sha256()
        self._pipe = _Pipe(lambda out: self._work(content, recipients, out))

    def _work(self, content: Readable, recipients: Sequence[x25519.Recipient], out: BinaryIO) -> None:
        counted: Any = Counted(content, self._count)  # read() is all that is used
        compressed = zstandard.ZstdCompressor(level=_LEVEL).stream_reader(counted, read_size=_PIECE)
        encrypt_io(compressed, out, recipients)

    def _count(self, read: int) -> None:
        self.plain_bytes += read

    @property
    def sha256(self) -> str:
        """Of what was read so far, as hex."""
        return self._hash.hexdigest()

    def read(self, size: int = -1, /) -> bytes:
        """Encrypted bytes; at the end, whatever went wrong while they were made is raised instead of an end."""
        piece = self._pipe.read(size)
        self._hash.update(piece)
        self.size += len(piece)
        return piece

    def close(self) -> None:
        """Stop making more; safe to call again."""
        self._pipe.close()


class Identity:
    """A private key that reads backups; it is given for a restore, and kept nowhere."""

    def __init__(self, text: str) -> None:
        """`text` is a key file as age-keygen writes it: comments and one or more `AGE-SECRET-KEY-1…`.

        Raises:
            IdentityRefusedError: there is no private key in it.
        """
        lines = [line.strip() for line in text.splitlines()]
        try:
            self._keys = [x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
        except IdentityError as problem:
            raise IdentityRefusedError(f"The file holds no private key of age: {problem}") from problem
        if not self._keys:
            raise IdentityRefusedError("The file holds no private key")

    def open(self, sealed: Readable, name: str) -> "Opening":
        """The content of a sealed object; `name` is for messages."""
        return Opening(sealed, name, self._keys)


class Opening:
    """Content as it is decrypted; nothing that was changed comes out of it as if it were whole."""

    def __init__(self, sealed: Readable, name: str, keys: Sequence[x25519.Identity]) -> None:
        """Nothing is read before the first `read`."""
        self._name = name
        self._pipe = _Pipe(lambda out: decrypt_io(sealed, out, keys))
        self._content = zstandard.ZstdDecompressor().stream_reader(cast("Any", self._pipe), read_size=_PIECE)

    def read(self, size: int = -1, /) -> bytes:
        """Content.

        Raises:
            IdentityRefusedError: none of the keys is one of the recipients'.
            BackupDamagedError: what is stored was changed or cut.
        """
        try:
            return bytes(self._content.read(_PIECE if size < 0 else size))
        except DecryptError as problem:
            if "No matching keys" in str(problem):
                raise IdentityRefusedError(f"{self._name} is for other recipients") from problem
            raise BackupDamagedError(f"{self._name} cannot be decrypted: {problem}") from problem
        except (zstandard.ZstdError, OSError) as problem:
            raise BackupDamagedError(f"{self._name} cannot be decrypted or unpacked: {problem}") from problem

    def close(self) -> None:
        """Stop; safe to call again."""
        self._pipe.close()


def keygen() -> tuple[str, str]:
    """A new pair: the public key for the configuration, and the private one for a safe."""
    identity = x25519.Identity.generate()
    return str(identity.to_public()), str(identity)


class _Pipe:
    """What a function writes, to be read; the function runs in a thread that begins with the first read."""

    def __init__(self, write: Callable[[BinaryIO], None]) -> None:
        self._write = write
        self._thread: threading.Thread | None = None
        self._reader: BinaryIO | None = None
        self._problem: BaseException | None = None
        self._is_closed = False

    def read(self, size: int = -1, /) -> bytes:
        if self._thread is None:
            self._start()
        assert self._reader is not None  # noqa: S101 - set by _start
        if self._is_closed:
            return b""
        piece = self._reader.read(_PIECE if size < 0 else size)
        if not piece:
            self._end()
        return piece

    def _start(self) -> None:
        out, into = os.pipe()
        self._reader = os.fdopen(out, "rb")
        self._thread = threading.Thread(target=self._run, args=(into,), name="sealing", daemon=True)
        self._thread.start()

    def _run(self, into: int) -> None:
        try:
            with os.fdopen(into, "wb", buffering=_PIECE) as writer:
                self._write(writer)
        except BaseException as problem:  # noqa: BLE001 - raised again where it is read
            self._problem = problem

    def _end(self) -> None:
        self.close()
        if self._problem is not None:
            raise self._problem

    def close(self) -> None:
        self._is_closed = True
        if self._reader is not None:
            self._reader.close()
        if self._thread is not None:
            self._thread.join()
