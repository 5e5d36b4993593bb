"""Releases of the desktop, put into a directory and signed as IT does it."""

import base64
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

CONTENT = bytes(range(256)) * 4_096  # 1 MiB


class Shelf:
    """A directory of releases, signed with openssl as the guide says it."""

    def __init__(self, place: Path) -> None:
        """With a key of its own, and nothing released."""
        self.directory = place / "releases"
        self.directory.mkdir()
        self._key = place / "key.pem"
        self._openssl("genpkey", "-algorithm", "ed25519", "-out", str(self._key))
        public = self._openssl("pkey", "-in", str(self._key), "-pubout", "-outform", "DER")
        self.key = base64.b64encode(public[-32:]).decode()

    @staticmethod
    def _openssl(*words: str) -> bytes:
        done = subprocess.run(["openssl", *words], capture_output=True, check=True)  # noqa: S603, S607 - the guide's own
        return done.stdout

    def release(self, *releases: dict[str, Any], raw: bytes | None = None) -> None:
        """Put releases there and sign the manifest."""
        manifest = self.directory / "manifest.json"
        manifest.write_bytes(json.dumps({"releases": releases}).encode() if raw is None else raw)
        signature = f"{manifest}.sig"
        self._openssl("pkeyutl", "-sign", "-inkey", str(self._key), "-rawin", "-in", str(manifest), "-out", signature)

    def file(self, name: str, content: bytes = CONTENT) -> str:
        """Put a file there; its SHA-256."""
        (self.directory / name).write_bytes(content)
        return hashlib.sha256(content).hexdigest()


def described(version: str, sha256: str, **more: str) -> dict[str, Any]:
    """A release for Apple computers as the manifest names it."""
    return {
        "version": version, "platform": "darwin", "arch": "arm64", "file": f"OpenLeash-{version}.dmg", "sha256": sha256,
        **more,
    }  # fmt: skip
