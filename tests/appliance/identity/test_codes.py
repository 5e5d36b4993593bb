"""The second factor, against its standard."""

import hashlib
from datetime import UTC, datetime

import pytest

from appliance.identity.codes import (
    RECOVERY_CODES,
    new_recovery_codes,
    new_totp_secret,
    qr_svg,
    recovery_code,
    totp_step,
    totp_uri,
)

RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # RFC 6238 appendix B: "12345678901234567890"


def _chance(length: int) -> bytes:
    return hashlib.sha256(str(length).encode()).digest()[:length]


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"), (1111111109, "081804"), (1111111111, "050471"),
        (1234567890, "005924"), (2000000000, "279037"), (20000000000, "353130"),
    ],
)  # fmt: skip
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    """RFC 6238 appendix B, the last six digits of the SHA-1 column."""
    now = datetime.fromtimestamp(seconds, UTC)
    assert totp_step(RFC_SECRET, code, now) == seconds // 30
    assert totp_step(RFC_SECRET, f" {code[:3]} {code[3:]} ", now) == seconds // 30


def test_one_step_either_way_is_borne_and_no_step_twice() -> None:
    """Clocks differ and people type slowly."""
    step = 1111111111 // 30
    for offset, found in ((-2, None), (-1, step), (0, step), (1, step), (2, None)):
        now = datetime.fromtimestamp((step + offset) * 30, UTC)
        assert totp_step(RFC_SECRET, "050471", now) == found
    now = datetime.fromtimestamp(step * 30, UTC)
    assert totp_step(RFC_SECRET, "050471", now, after=step - 1) == step
    assert totp_step(RFC_SECRET, "050471", now, after=step) is None


@pytest.mark.parametrize(
    "code", ["", "05047", "0504710", "०५०४७१", "٠٥٠٤٧١", "\ud800", None, 50471, ["050471"], "x" * 99999]
)
def test_what_is_no_code_fits_nothing(code: object) -> None:
    """Other digits, other lengths, other types."""
    assert totp_step(RFC_SECRET, code, datetime.fromtimestamp(1111111111, UTC)) is None


def test_secret_and_recovery_codes_hold_enough_chance() -> None:
    """160 bits, and ten times 80."""
    asked: list[int] = []

    def chance(length: int) -> bytes:
        asked.append(length)
        return _chance(length)

    assert len(new_totp_secret(chance)) == 32
    assert len(new_recovery_codes(chance)) == RECOVERY_CODES
    assert asked == [20, *[10] * RECOVERY_CODES]


def test_a_recovery_code_is_read_however_it_was_typed() -> None:
    """Case, hyphens and spaces do not matter; anything else is none."""
    code = new_recovery_codes(_chance)[0]
    for typed in (code, code.upper(), code.replace("-", ""), code.replace("-", " "), f" {code} "):
        assert recovery_code(typed) == code
    for typed in ("", code[:-1], code + "a", "0" * 16, "1" * 16, "é" * 16, "\u017f" * 16):
        assert recovery_code(typed) is None
    assert recovery_code(None) is recovery_code(5) is None


def test_the_picture_holds_the_address_and_no_style() -> None:
    """An inline SVG that the strict content policy lets through."""
    uri = totp_uri(RFC_SECRET, email="o'hara+a@example.org", issuer="Open Leash")
    assert uri == (f"otpauth://totp/Open%20Leash:o%27hara%2Ba%40example.org?secret={RFC_SECRET}&issuer=Open%20Leash")
    picture = qr_svg(uri)
    assert picture.startswith("<svg xmlns=")
    assert "style" not in picture
    assert "script" not in picture
