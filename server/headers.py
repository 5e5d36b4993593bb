"""Headers of every answer: what browsers may do with it, which is nothing that our own pages do not need."""

from typing import Final

RawHeaders = list[tuple[bytes, bytes]]

# Scripts, styles, pictures, forms and requests of our own origin; nothing inline, nothing from elsewhere, no frames.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "worker-src 'self'; manifest-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_UNUSED_FEATURES: Final = (
    "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen", "geolocation",
    "gyroscope", "hid", "idle-detection", "magnetometer", "microphone", "midi", "payment", "picture-in-picture",
    "screen-wake-lock", "serial", "usb", "xr-spatial-tracking",
)  # fmt: skip
_ALWAYS: Final = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": ", ".join(f"{feature}=()" for feature in _UNUSED_FEATURES),
}
# Where the answer says nothing else itself.
_DEFAULTS: Final = {"referrer-policy": "no-referrer", "cache-control": "no-store"}
_TRANSPORT: Final = ("strict-transport-security", "max-age=63072000; includeSubDomains")


class SecurityHeaders:
    """The headers of one installation."""

    def __init__(self, *, is_https: bool) -> None:
        """`is_https`: the public address is https, and browsers shall never try another way."""
        always = {**_ALWAYS, **dict([_TRANSPORT] if is_https else [])}
        self._always: Final = _encoded(always)
        self._names: Final = {name for name, _ in self._always}
        self._defaults: Final = _encoded(_DEFAULTS)

    def added_to(self, headers: RawHeaders) -> RawHeaders:
        """An answer's own headers with ours."""
        own = {name.lower() for name, _ in headers}
        kept = [(name, value) for name, value in headers if name.lower() not in self._names]
        return [*kept, *self._always, *(each for each in self._defaults if each[0] not in own)]


def _encoded(headers: dict[str, str]) -> RawHeaders:
    return [(name.encode(), value.encode()) for name, value in headers.items()]
