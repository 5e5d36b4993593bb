"""Which release a desktop is offered, and which part of a file it asks for: pure decisions."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from appliance.updates.errors import ManifestRefusedError, RangeRefusedError
from appliance.updates.records import Manifest, Release, Wanted

_FILE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_VERSION: Final = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){0,3})(-[0-9A-Za-z.-]{1,40})?")
_NOTES: Final = re.compile(r"https://[!-~]{1,400}")
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
Version = tuple[tuple[int, ...], bool, str]


class Part(NamedTuple):
    """Bytes of a file, from the first to the last one."""

    first: int
    last: int


def checked(manifest: Manifest) -> Manifest:
    """The manifest, whose every release could be offered.

    Raises:
        ManifestRefusedError: a release could not; the detail names it.
    """
    for release in manifest.releases:
        wrong = _wrong(release)
        if wrong:
            raise ManifestRefusedError(f"The release {release.file[:100]!r}: {wrong}")
    return manifest


def _wrong(release: Release) -> str:
    if not _FILE.fullmatch(release.file):
        return "file is not the name of a file in the manifest's directory"
    if not _SHA256.fullmatch(release.sha256):
        return "sha256 is not 64 hexadecimal digits in lower case"
    if version_of(release.version) is None:
        return "version is not a version such as 0.36.58"
    if release.notes_url and not _NOTES.fullmatch(release.notes_url):
        return "notesUrl is not an https:// address"
    return "" if release.platform else "platform is empty"


def version_of(text: str) -> Version | None:
    """What versions are compared by; a pre-release comes before its release. None for no version."""
    found = _VERSION.fullmatch(text.strip())
    if found is None:
        return None
    numbers = tuple(int(number) for number in found[1].split("."))
    return numbers + (0,) * (4 - len(numbers)), found[2] is None, found[2] or ""


def newest_for(wanted: Wanted, releases: Iterable[Release]) -> Release | None:
    """The newest release for such a desktop, whether or not it has that already."""
    fitting = [release for release in releases if _fits(wanted, release)]
    return max(fitting, key=lambda release: version_of(release.version) or ((0,), False, ""), default=None)


def is_newer(release: Release, version: str) -> bool:
    """Whether the release is newer than what a desktop has; one that says no version is offered it."""
    ours, theirs = version_of(release.version), version_of(version)
    return ours is not None and (theirs is None or ours > theirs)


def _fits(wanted: Wanted, release: Release) -> bool:
    is_app = release.app in {"", wanted.app} or not wanted.app
    is_arch = release.arch in {"", "universal", wanted.arch} or not wanted.arch
    return is_app and is_arch and release.platform == wanted.platform and release.channel == wanted.channel


def part_of(header: str, size: int) -> Part | None:
    """The one part that a Range header asks for (RFC 9110 section 14.2); None for the whole file.

    A header that asks for several parts, or for something else than bytes, is not obeyed, as the RFC permits.

    Raises:
        RangeRefusedError: the file has no such part.
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        length = min(int(found[2]), size)
        first, last = size - length, size - 1
    else:
        first, last = int(found[1]), min(int(found[2]) if found[2] else size - 1, size - 1)
        if found[2] and int(found[2]) < first:
            return None
    if first >= size or last < first:
        raise RangeRefusedError
    return Part(first, last)
