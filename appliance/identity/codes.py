"""The second factor: TOTP (RFC 6238) and recovery codes."""

import base64
import hmac
import io
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import segno
from pyotp.totp import TOTP

from appliance.identity.sealing import RandomBytes

STEP_SECONDS: Final = 30
TOLERATED_STEPS: Final = (0, -1, 1)  # RFC 6238 5.2: one step for delay, one for clocks that differ
DIGITS: Final = 6
SECRET_BYTES: Final = 20  # RFC 4226 4 R6: 160 bits
RECOVERY_CODES: Final = 10
_RECOVERY_BYTES: Final = 10
_GROUP: Final = 4


def new_totp_secret(random_bytes: RandomBytes) -> str:
    """32 characters of base32."""
    return base64.b32encode(random_bytes(SECRET_BYTES)).decode()


def totp_uri(secret: str, *, email: str, issuer: str) -> str:
    """The `otpauth://totp/` address that authenticators read."""
    return TOTP(secret).provisioning_uri(name=email, issuer_name=issuer)


def qr_svg(uri: str) -> str:
    """The address as an inline SVG element, dark on white in every theme: scanners want that contrast."""
    out = io.BytesIO()
    segno.make(uri, error="m", micro=False).save(
        out,
        kind="svg",
        scale=5,
        border=4,
        dark="#000",
        light="#fff",
        xmldecl=False,
        svgns=True,
        nl=False,
        omitsize=True,
    )
    return out.getvalue().decode()


def qr_text(uri: str) -> str:
    """The address as a picture of block characters, for terminals."""
    out = io.StringIO()
    segno.make(uri, error="l", micro=False).terminal(out, compact=True)
    return out.getvalue()


def totp_step(secret: str, code: object, now: datetime, *, after: int = 0) -> int | None:
    """The time step whose code this is, newer than `after` (a code is accepted once); None if it fits none."""
    digits = code.replace(" ", "") if isinstance(code, str) else ""
    current, totp = int(now.timestamp()) // STEP_SECONDS, TOTP(secret)
    found = None
    for offset in TOLERATED_STEPS:
        step = current + offset
        expected = totp.generate_otp(step).encode()
        if hmac.compare_digest(expected, digits.encode("utf-8", "replace")) and step > after and found is None:
            found = step
    return found


def new_recovery_codes(random_bytes: RandomBytes) -> tuple[str, ...]:
    """Ten codes of 80 random bits, such as `7kq2-mfjd-abcd-ef23`."""
    return tuple(
        _grouped(base64.b32encode(random_bytes(_RECOVERY_BYTES)).decode().lower()) for _ in range(RECOVERY_CODES)
    )


def recovery_code(text: object) -> str | None:
    """The code as it is hashed, however it was typed; None if it cannot be one."""
    typed = text.lower().replace("-", "").replace(" ", "") if isinstance(text, str) else ""
    is_code = len(typed) == 4 * _GROUP and set(typed) <= set("abcdefghijklmnopqrstuvwxyz234567")
    return _grouped(typed) if is_code else None


def _grouped(text: str) -> str:
    groups: Iterable[str] = (text[at : at + _GROUP] for at in range(0, len(text), _GROUP))
    return "-".join(groups)
