"""The installation's secret key, and the keys that are derived from it, one per use."""

import hashlib
import hmac
import os
from pathlib import Path

KEY_BYTES = 32


class KeyRing:
    """Derives a key per purpose, so that no key serves two uses (NIST SP 800-108, HMAC in counter mode, one block)."""

    def __init__(self, master: bytes) -> None:
        """`master` is 32 random bytes."""
        self._master = master

    def derive(self, purpose: str) -> bytes:
        """32 bytes for `purpose`, the same in every process of the installation."""
        return hmac.digest(self._master, b"\x01" + purpose.encode() + b"\x00\x01\x00", hashlib.sha256)


def load_or_create_keys(state: Path) -> KeyRing:
    """The key ring of STATE/secrets/master.key (0600), made at first start."""
    path = state / "secrets" / "master.key"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        # Written whole under another name, then linked: two processes that start at once end with one key.
        partial = path.with_name(f".master.key.{os.getpid()}")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(partial, path)
        except FileExistsError:
            return KeyRing(path.read_bytes())
        finally:
            partial.unlink()
    return KeyRing(path.read_bytes())
