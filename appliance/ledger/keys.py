"""The signing key's file: made at first start, readable by its owner only."""

import os
import secrets
from pathlib import Path

from appliance.ledger.errors import LedgerKeyError
from appliance.ledger.note import Signer, is_name

_SEED_BYTES = 32
_OTHERS = 0o077


def load_or_create(path: Path, origin: str = "") -> Signer:
    """The key in `path`; if there is none, a new one named `origin`, or by chance if that is empty.

    A key keeps the name that it was made with: a later `origin` changes nothing.

    Raises:
        LedgerKeyError: it cannot be read or written, is damaged, or others may read it.
    """
    try:
        if not path.exists():
            _create(path, origin or f"openleash/ledger/{secrets.token_hex(8)}")
        if path.stat().st_mode & _OTHERS:
            raise LedgerKeyError(f"{path} may be read by others than its owner; run `chmod 600` on it")
        return Signer.parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        raise LedgerKeyError(f"{path} cannot be used: {problem}") from problem


def _create(path: Path, name: str) -> None:
    """Write a new key so that it is there whole or not at all, also when two processes start at once."""
    if not is_name(name):
        raise LedgerKeyError(f"{name!r} cannot name the ledger's key: no spaces, no plus")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(Signer(name, secrets.token_bytes(_SEED_BYTES)).secret_text() + "\n")
            file.flush()
            os.fsync(file.fileno())
        if not path.exists():
            _link(fresh, path)
    finally:
        fresh.unlink()


def _link(fresh: Path, path: Path) -> None:
    try:
        os.link(fresh, path)
    except FileExistsError:
        return  # another process was first; its key is the one
