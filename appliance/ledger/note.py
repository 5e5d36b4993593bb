"""Signed notes and checkpoints with Ed25519, in the formats of C2SP signed-note and tlog-checkpoint."""

import base64
import binascii
import re
from hashlib import sha256

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from appliance.ledger.errors import CheckpointInvalidError, LedgerKeyError

ED25519 = b"\x01"  # signature type, first byte of an encoded key
NOTE_CHARACTERS_MAX = 65_536
_KEY_BYTES = 32
_KEY_ID_BYTES = 4
_ROOT_BYTES = 32
_PRIVATE_PREFIX = "PRIVATE+KEY+"
_NAME = re.compile(r"[^\s+]+")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_MALFORMED = "The text is not a signed note: text, an empty line, then lines that begin with a dash"


def is_name(name: str) -> bool:
    """Whether `name` can name a key: not empty, no space, no plus."""
    return _NAME.fullmatch(name) is not None


def key_id(name: str, public: bytes) -> bytes:
    """The first four bytes of SHA-256 over name, newline, type and public key."""
    return sha256(name.encode() + b"\n" + ED25519 + public).digest()[:_KEY_ID_BYTES]


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.encode(), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None


class Checkpoint(msgspec.Struct, frozen=True):
    """What a log says of its tree: size and root under the log's name (the origin)."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The note's text: three lines."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """The checkpoint in a note's text; further lines are extensions and are passed over.

        Raises:
            CheckpointInvalidError: there is none.
        """
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not lines[0] or not _SIZE.fullmatch(lines[1]):  # noqa: PLR2004 - three lines and the end
            raise CheckpointInvalidError("The note holds no checkpoint: name, size and root on three lines")
        root = _decoded(lines[2])
        if root is None or len(root) != _ROOT_BYTES:
            raise CheckpointInvalidError("The checkpoint's root is not 32 bytes of base64")
        return cls(lines[0], int(lines[1]), root)


def split_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """A note's text, and name and raw signature of each signature line; nothing is verified.

    Raises:
        CheckpointInvalidError: the text is not a signed note.
    """
    if len(note) > NOTE_CHARACTERS_MAX:
        raise CheckpointInvalidError("The text is too long for a signed note")
    head, gap, tail = note.rpartition("\n\n")
    if not gap or not tail.endswith("\n"):
        raise CheckpointInvalidError(_MALFORMED)
    signatures = []
    for line in tail[:-1].split("\n"):
        words = line.split(" ")
        raw = _decoded(words[2]) if len(words) == 3 and words[0] == "—" and is_name(words[1]) else None  # noqa: PLR2004 - dash, name, signature
        if raw is None or len(raw) <= _KEY_ID_BYTES:
            raise CheckpointInvalidError(_MALFORMED)
        signatures.append((words[1], raw))
    return head + "\n", signatures


class Verifier:
    """A public key with its name."""

    def __init__(self, name: str, public: bytes) -> None:
        self.name = name
        self.key_id = key_id(name, public)
        self._public = public
        self._key = Ed25519PublicKey.from_public_bytes(public)

    @classmethod
    def parse(cls, text: str) -> "Verifier":
        """The verifier whose `text()` this is.

        Raises:
            LedgerKeyError: it is not one.
        """
        name, _, rest = text.strip().partition("+")
        identifier, _, encoded = rest.partition("+")
        raw = _decoded(encoded)
        if not is_name(name) or raw is None or len(raw) != 1 + _KEY_BYTES or raw[:1] != ED25519:
            raise LedgerKeyError("The text is not an Ed25519 verifier key: NAME+KEYID+BASE64")
        verifier = cls(name, raw[1:])
        if identifier != verifier.key_id.hex():
            raise LedgerKeyError("The verifier key's identifier does not belong to its key; a character may be wrong")
        return verifier

    def text(self) -> str:
        """`NAME+KEYID+BASE64`, to be handed out."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(ED25519 + self._public).decode()}"

    def open(self, note: str) -> str:
        """The text of `note` if this key has signed it; signatures of other keys are passed over.

        Raises:
            CheckpointInvalidError: not a note, or this key's signature is missing or wrong.
        """
        text, signatures = split_note(note)
        ours = [raw for name, raw in signatures if name == self.name and raw[:_KEY_ID_BYTES] == self.key_id]
        if not ours:
            raise CheckpointInvalidError(f"The note is not signed by {self.name}+{self.key_id.hex()}")
        for raw in ours:
            try:
                self._key.verify(raw[_KEY_ID_BYTES:], text.encode())
            except InvalidSignature as problem:
                raise CheckpointInvalidError(f"The signature of {self.name} does not fit the text") from problem
        return text

    def open_checkpoint(self, note: str) -> Checkpoint:
        """The checkpoint in a note that this key has signed under its own name.

        Raises:
            CheckpointInvalidError: as `open`, or the text is not this log's checkpoint.
        """
        checkpoint = Checkpoint.parse(self.open(note))
        if checkpoint.origin != self.name:
            raise CheckpointInvalidError(f"The checkpoint is of another log: {checkpoint.origin}")
        return checkpoint


class Signer:
    """A private key with its name."""

    def __init__(self, name: str, seed: bytes) -> None:
        self.name = name
        self._seed = seed
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = Verifier(name, self._key.public_key().public_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> "Signer":
        """The signer whose `secret_text()` this is.

        Raises:
            LedgerKeyError: it is not one. The message never holds the text.
        """
        stripped = text.strip()
        name, _, rest = stripped.removeprefix(_PRIVATE_PREFIX).partition("+")
        identifier, _, encoded = rest.partition("+")
        raw = _decoded(encoded)
        is_whole = stripped.startswith(_PRIVATE_PREFIX) and is_name(name)
        if not is_whole or raw is None or len(raw) != 1 + _KEY_BYTES or raw[:1] != ED25519:
            raise LedgerKeyError("The key file holds no Ed25519 signing key")
        signer = cls(name, raw[1:])
        if identifier != signer.verifier.key_id.hex():
            raise LedgerKeyError("The key file is damaged: its identifier does not belong to its key")
        return signer

    def secret_text(self) -> str:
        """`PRIVATE+KEY+NAME+KEYID+BASE64`; secret."""
        encoded = base64.b64encode(ED25519 + self._seed).decode()
        return f"{_PRIVATE_PREFIX}{self.name}+{self.verifier.key_id.hex()}+{encoded}"

    def sign(self, text: str) -> str:
        """`text`, which must end with a newline, as a signed note."""
        raw = self.verifier.key_id + self._key.sign(text.encode())
        return f"{text}\n— {self.name} {base64.b64encode(raw).decode()}\n"

    def sign_checkpoint(self, size: int, root: bytes) -> str:
        """The signed checkpoint of a tree, under this key's name."""
        return self.sign(Checkpoint(self.name, size, root).text())
