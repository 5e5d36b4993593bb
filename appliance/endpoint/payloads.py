"""The profile in the forms that device management takes, and as a picture for a camera."""

import json
import plistlib
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import NAMESPACE_URL, uuid5

import msgspec

from appliance.endpoint.errors import PayloadUnknownError
from appliance.endpoint.profile import Profile, SignedProfile
from appliance.identity.codes import qr_svg

START: Final = "/approvals"
_LABEL: Final = "OpenLeash"


class Target(StrEnum):
    """What a payload is for."""

    ANDROID = "android"
    IOS = "ios"
    WEBCLIP = "webclip"
    QR = "qr"


class Payload(NamedTuple):
    """One file."""

    content: bytes
    media_type: str
    file_name: str


def payload(signed: SignedProfile, target: str, icon: bytes = b"") -> Payload:
    """The payload for `target`; `icon` is a PNG picture for the home screen.

    Raises:
        PayloadUnknownError: there is none of this name.
    """
    if target == Target.ANDROID:
        text = json.dumps(_android(signed), indent=2, ensure_ascii=False) + "\n"
        return Payload(text.encode(), "application/json", "openleash-android.json")
    if target == Target.IOS:
        return Payload(plistlib.dumps(settings_of(signed)), "application/xml", "openleash-ios.plist")
    if target == Target.WEBCLIP:
        content = plistlib.dumps(_web_clip(signed, icon))
        return Payload(content, "application/x-apple-aspen-config", "openleash.mobileconfig")
    if target == Target.QR:
        return Payload(qr_svg(_profile(signed).api_url).encode(), "image/svg+xml", "openleash-qr.svg")
    raise PayloadUnknownError


def settings_of(signed: SignedProfile) -> dict[str, str]:
    """The keys that an app finds: the address, and what vouches for it."""
    profile = _profile(signed)
    return {
        "apiUrl": profile.api_url,
        "organizationName": profile.organization.name,
        "endpointProfile": signed.profile,
        "endpointSignature": signed.signature,
        "endpointKey": signed.key.public_key,
    }


def _profile(signed: SignedProfile) -> Profile:
    return msgspec.json.decode(signed.profile, type=Profile)


def _android(signed: SignedProfile) -> dict[str, Any]:
    """`managedConfiguration` of an app and a web app, as the Android Management API names both."""
    profile = _profile(signed)
    return {
        "managedConfiguration": settings_of(signed),
        "webApp": {"title": _LABEL, "startUrl": f"{profile.api_url}{START}", "displayMode": "STANDALONE"},
    }


def _web_clip(signed: SignedProfile, icon: bytes) -> dict[str, Any]:
    """A configuration profile that puts the phone page on the home screen (Apple's com.apple.webClip.managed)."""
    profile = _profile(signed)
    identifier = f"org.openleash.{profile.organization.slug or 'endpoint'}"
    content: dict[str, Any] = {
        "PayloadType": "com.apple.webClip.managed",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"{identifier}.webclip",
        "PayloadUUID": _uuid(profile, "webclip"),
        "PayloadDisplayName": _LABEL,
        "URL": f"{profile.api_url}{START}",
        "Label": _LABEL,
        "FullScreen": True,
        "IsRemovable": True,
    }
    if icon:
        content |= {"Icon": icon, "Precomposed": True}
    return {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": identifier,
        "PayloadUUID": _uuid(profile, "configuration"),
        "PayloadDisplayName": f"{_LABEL} of {profile.organization.name}",
        "PayloadContent": [content],
    }


def _uuid(profile: Profile, part: str) -> str:
    """The same for the same installation, so that a second profile replaces the first."""
    return str(uuid5(NAMESPACE_URL, f"{profile.organization.id}/{part}")).upper()
