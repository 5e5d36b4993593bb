"""Releases as plain values."""

from pathlib import Path

import msgspec


class Release(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """One file of one version, as the manifest names it.

    Attributes:
        app, arch: empty for every one; `arch` may also be `universal`.
        platform: as desktops say, e.g. `darwin` or `win32`.
        file: a name in the manifest's directory.
        sha256: of the file, 64 hexadecimal digits.
        published_at: for people; passed on as it is.
    """

    version: str
    platform: str
    file: str
    sha256: str
    app: str = ""
    arch: str = ""
    channel: str = "stable"
    notes_url: str = ""
    published_at: str = ""


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every release that is offered."""

    releases: tuple[Release, ...]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a desktop asks for; `version` is the one that it has."""

    app: str = ""
    version: str = ""
    platform: str = ""
    arch: str = ""
    channel: str = "stable"


class ReleaseFile(msgspec.Struct, frozen=True, kw_only=True):
    """A release's file whose content is what the manifest says."""

    release: Release
    path: Path
    size: int
