"""The directory of releases: its manifest must be signed, and each file be what the manifest says."""

import asyncio
import hashlib
import os
import stat
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from appliance.config.updates import Updates, key_of
from appliance.updates import rules
from appliance.updates.errors import DownloadsBusyError, ManifestRefusedError, ReleaseUnknownError, UpdatesError
from appliance.updates.records import Manifest, Release, ReleaseFile, Wanted
from appliance.updates.rules import Part

MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.json.sig"
MANIFEST_BYTES_MAX: Final = 1_048_576
DOWNLOADS_MAX: Final = 32
_SIGNATURE_BYTES: Final = 64
_PIECE_BYTES: Final = 65_536  # each download keeps some of them in memory, however slowly it is read
_DECODER: Final = msgspec.json.Decoder(Manifest, strict=True)
_Stamp = tuple[int, int, int]
log = structlog.get_logger(__name__)


class Releases:
    """What the directory holds now; it is looked at again when a file in it has changed."""

    def __init__(self, settings: Updates) -> None:
        """Nothing has been read yet."""
        self._directory = settings.directory
        self._keys: Sequence[bytes] = [key_of(text) for text in settings.keys]
        self._known: tuple[tuple[_Stamp, _Stamp], Manifest | ManifestRefusedError] | None = None
        self._hashes: dict[tuple[str, _Stamp], str] = {}
        self._running = 0

    async def newest(self, wanted: Wanted) -> ReleaseFile | None:
        """The newest release for such a desktop whose file is there and right; None if nothing can be offered."""
        try:
            manifest = await asyncio.to_thread(self._manifest)
            release = rules.newest_for(wanted, manifest.releases)
            return None if release is None else await asyncio.to_thread(self._checked, release)
        except UpdatesError as problem:
            log.warning("updates.not_offered", problem=problem.detail)
            return None

    async def problem(self) -> str:
        """Why something cannot be offered; empty if nothing is known to be wrong, or there is no directory.

        Files are hashed when they are asked for, not here: whoever asks for our health does not wait for that.
        """
        if self._directory is None:
            return ""
        try:
            manifest = await asyncio.to_thread(self._manifest)
            wrong = await asyncio.to_thread(self._known_wrong, manifest)
        except UpdatesError as problem:
            return problem.detail
        return wrong

    async def file(self, name: str) -> ReleaseFile:
        """The release with this file.

        Raises:
            ReleaseUnknownError: there is none, or its content is not what the manifest says.
        """
        try:
            manifest = await asyncio.to_thread(self._manifest)
            found = next((release for release in manifest.releases if release.file == name), None)
            if found is not None:
                return await asyncio.to_thread(self._checked, found)
        except ManifestRefusedError as problem:
            log.warning("updates.not_offered", problem=problem.detail)
        raise ReleaseUnknownError

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """One of the downloads that may run at once, counted before anything of it is read.

        Raises:
            DownloadsBusyError: as many run as may.
        """
        self.check_room()
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1

    def check_room(self) -> None:
        """Refuse a download that would be one too many, before its file is looked for.

        Raises:
            DownloadsBusyError: as many run as may.
        """
        if self._running >= DOWNLOADS_MAX:
            raise DownloadsBusyError

    async def pieces(self, path: Path, part: Part) -> AsyncGenerator[bytes]:
        """The bytes of a part; files are read in threads, apart from decisions."""
        with await asyncio.to_thread(path.open, "rb") as file:
            file.seek(part.first)
            left = part.last - part.first + 1
            while left and (piece := await asyncio.to_thread(file.read, min(left, _PIECE_BYTES))):
                left -= len(piece)
                yield piece

    def _manifest(self) -> Manifest:
        """The manifest, read again only when it or its signature has changed.

        Raises:
            ManifestRefusedError: see `errors`.
        """
        if self._directory is None:
            return Manifest(releases=())
        try:
            stamps = (_stamp(self._directory / MANIFEST), _stamp(self._directory / SIGNATURE))
        except OSError as problem:
            raise ManifestRefusedError(f"{problem.filename} cannot be read: {problem.strerror}") from problem
        if self._known is None or self._known[0] != stamps:
            self._known = (stamps, self._read(self._directory))
        known = self._known[1]
        if isinstance(known, ManifestRefusedError):
            raise known
        return known

    def _read(self, directory: Path) -> Manifest | ManifestRefusedError:
        try:
            raw = _whole(directory / MANIFEST, MANIFEST_BYTES_MAX)
            signature = _whole(directory / SIGNATURE, _SIGNATURE_BYTES)
            if not any(_is_signed(raw, signature, key) for key in self._keys):
                return ManifestRefusedError("manifest.json.sig is not a signature of manifest.json by one of our keys")
            return rules.checked(_DECODER.decode(raw))
        except ManifestRefusedError as problem:
            return problem
        except OSError as problem:
            return ManifestRefusedError(f"{problem.filename} cannot be read: {problem.strerror}")
        except (msgspec.DecodeError, UnicodeError) as problem:
            return ManifestRefusedError(f"manifest.json is not as documented: {problem}")

    def _known_wrong(self, manifest: Manifest) -> str:
        for release in manifest.releases:
            try:
                stamp = _stamp(self._path(release))
            except OSError as problem:
                return f"{release.file} cannot be read: {problem.strerror}"
            if self._hashes.get((release.file, stamp), release.sha256) != release.sha256:
                return f"{release.file} is not what the manifest says"
        return ""

    def _path(self, release: Release) -> Path:
        if self._directory is None:
            raise ReleaseUnknownError
        return self._directory / release.file

    def _checked(self, release: Release) -> ReleaseFile:
        """The release's file, whose content is hashed once for each change of it."""
        path = self._path(release)
        try:
            stamp = _stamp(path)
            key = (release.file, stamp)
            if key not in self._hashes:
                self._hashes = {known: each for known, each in self._hashes.items() if known[0] != release.file}
                with path.open("rb") as file:
                    self._hashes[key] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as problem:
            raise ReleaseUnknownError(f"{release.file} cannot be read: {problem.strerror}") from problem
        if self._hashes[key] != release.sha256:
            raise ReleaseUnknownError(f"{release.file} is not what the manifest says: its SHA-256 differs")
        return ReleaseFile(release=release, path=path, size=stamp[1])


def _stamp(path: Path) -> _Stamp:
    """What changes when a file does; OSError for everything that is no plain file, links included."""
    found = os.lstat(path)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(0, "it is not a plain file", str(path))
    return found.st_mtime_ns, found.st_size, found.st_ino


def _whole(path: Path, bytes_max: int) -> bytes:
    with path.open("rb") as file:
        content = file.read(bytes_max + 1)
    if len(content) > bytes_max:
        raise OSError(0, f"it has more than {bytes_max} bytes", str(path))
    return content


def _is_signed(raw: bytes, signature: bytes, key: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, raw)
    except InvalidSignature:
        return False
    return True
