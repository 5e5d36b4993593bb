"""Passkeys and the questions put to browsers: frozen values that cross the feature's boundary."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec


class Purpose(StrEnum):
    """What a browser is asked for."""

    REGISTER = "register"
    SIGN_IN = "sign_in"  # the passkey alone: its device must know the person too, by finger, face or PIN
    SECOND_FACTOR = "second_factor"  # after a password: touching the device is enough
    STEP_UP = "step_up"


class RelyingParty(msgspec.Struct, frozen=True, kw_only=True):
    """This installation as authenticators know it (WebAuthn Level 3, section 5.4.2).

    Attributes:
        id: host name that passkeys are bound to for ever.
        origin: the only one that answers may come from.
        name: what the person's device shows.
    """

    id: str
    origin: str
    name: str


class Passkey(msgspec.Struct, frozen=True, kw_only=True):
    """A passkey as its person sees it in a list.

    Attributes:
        is_synced: its maker keeps a copy that the person's other devices use.
    """

    id: UUID
    name: str
    is_synced: bool
    created_at: datetime
    last_used_at: datetime | None


class StoredKey(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer is checked against; `public_key` is COSE (RFC 9052)."""

    id: UUID
    person_id: UUID
    credential_id: bytes
    public_key: bytes


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """A new key that a browser has proved to hold."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    is_synced: bool


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """A key that a browser has proved to hold again; `sign_count` is 0 where the device counts nothing."""

    sign_count: int


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """A question that was put to a browser, taken back by its answer."""

    challenge: bytes
    purpose: Purpose
    session: UUID | None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question for a browser.

    Attributes:
        options: JSON for `navigator.credentials` (WebAuthn Level 3, sections 5.1.9 and 5.1.10).
        browser: `olk_` and 43 characters of base64url, for the cookie that binds the answer to this browser.
    """

    options: str
    browser: str
    expires_at: datetime
