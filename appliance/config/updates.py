"""Settings of the releases that desktops are offered."""

import base64
import binascii
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

KEY_BYTES: Final = 32


class Updates(msgspec.Struct, frozen=True, kw_only=True):
    """Releases of the desktop that IT has signed, for desktops whose update feed is this service."""

    directory: Annotated[
        Path | None,
        Meta(
            description="Directory with manifest.json, manifest.json.sig and the files that it names; not set means"
            " that no updates are offered.",
            extra={"expected": "the path of a directory"},
        ),
    ] = None
    keys: Annotated[
        tuple[str, ...],
        Meta(
            description="Ed25519 public keys, one of which must have signed the manifest; each as base64 of 32 bytes.",
            extra={"expected": "a list of base64 texts of 32 bytes each"},
        ),
    ] = ()


def key_of(text: str) -> bytes:
    """The 32 bytes of a public key; ValueError for everything else."""
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"holds {text!r}, which is not base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"holds {text!r}, which is not the base64 of {KEY_BYTES} bytes")
    return key


def _keys(value: tuple[str, ...]) -> None:
    for text in value:
        key_of(text)


UPDATE_CHECKS: Final[Mapping[str, Callable[[Any], None]]] = {"updates.keys": _keys}


def across_updates(updates: Updates) -> dict[str, str]:
    """What is wrong between settings that are fine alone: dotted key to message."""
    if updates.directory is not None and not updates.keys:
        return {"updates.keys": "must be set, because updates.directory is: nobody is offered what nobody has signed"}
    return {}
