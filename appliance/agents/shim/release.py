"""Which shim this release hands out, and how it names itself in hook calls."""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

# One more with each change of the shims that machines should notice; older ones are not taken for changed ones.
SHIM_RELEASE: Final = 2
SHIM_FILES: Final = ("openleash-hook.sh", "openleash-hook.ps1")
_MARK_CHARACTERS: Final = 12
_FOLDER: Final = Path(__file__).parent


@cache
def shim_text(name: str) -> bytes:
    """The file that machines get.

    Raises:
        KeyError: there is no shim of this name.
    """
    if name not in SHIM_FILES:
        raise KeyError(name)
    return (_FOLDER / name).read_bytes()


@cache
def shim_checksum(name: str) -> str:
    """SHA-256 of a shim in hexadecimal; raises KeyError for every other name."""
    return sha256(shim_text(name)).hexdigest()


@cache
def shim_marks() -> frozenset[str]:
    """What the shims of this release say of themselves as client version: `shim-RELEASE-CHECKSUM`."""
    return frozenset(f"shim-{SHIM_RELEASE}-{shim_checksum(name)[:_MARK_CHARACTERS]}" for name in SHIM_FILES)
