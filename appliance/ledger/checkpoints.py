"""What a checkpoint of this ledger says beside size and root: which one was before it, and when it was sealed."""

import re
from datetime import datetime

import msgspec

from appliance.ledger.errors import CheckpointInvalidError
from appliance.ledger.note import Checkpoint, Signer, Verifier
from appliance.ledger.rules import time_text

# Two extension lines of C2SP tlog-checkpoint. Without `previous` nobody would miss a checkpoint between two others,
# and without `sealed` the time would be a column that anybody can change.
_EXTENSIONS = re.compile(r"previous (0|[1-9][0-9]{0,18})\nsealed ([0-9T:.-]{26}Z)\n")
_LINES = 3


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint of this ledger, as it was signed.

    Attributes:
        size, root: of the tree.
        previous: size of the checkpoint before it; 0 for the first.
        sealed_at: RFC 3339, as `rules.time_text` writes it.
    """

    size: int
    root: bytes
    previous: int
    sealed_at: str


def sign(signer: Signer, *, size: int, root: bytes, previous: int, sealed_at: datetime) -> str:
    """The signed note."""
    extensions = f"previous {previous}\nsealed {time_text(sealed_at)}\n"
    return signer.sign(Checkpoint(signer.name, size, root).text() + extensions)


def opened(verifier: Verifier, note: str) -> Sealed:
    """What a note says, if `verifier`'s key has signed it.

    Raises:
        CheckpointInvalidError: not a note, another key's or log's, or without our two extension lines.
    """
    text = verifier.open(note)
    checkpoint = Checkpoint.parse(text)
    if checkpoint.origin != verifier.name:
        raise CheckpointInvalidError(f"The checkpoint is of another log: {checkpoint.origin}")
    extensions = _EXTENSIONS.fullmatch(text.split("\n", _LINES)[_LINES])
    if extensions is None:
        raise CheckpointInvalidError("The checkpoint does not say which one was before it, and when it was sealed")
    previous, sealed_at = int(extensions[1]), extensions[2]
    return Sealed(size=checkpoint.size, root=checkpoint.root, previous=previous, sealed_at=sealed_at)
