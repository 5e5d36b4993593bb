"""The owner behind glass: frozen values that cross the feature's boundary."""

from datetime import datetime
from uuid import UUID

import msgspec


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """What goes on paper and into the safe; told only now.

    Attributes:
        password: 24 characters of base32 in groups of four (120 random bits).
        token: 32 characters of base32 in groups of four (160 random bits).
    """

    email: str
    password: str
    token: str
    sealed_at: datetime


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who had the sheet, as the second person sees them."""

    id: UUID
    is_by_operator: bool
    is_confirmed: bool
    created_at: datetime
    expires_at: datetime


class Unsealed(msgspec.Struct, frozen=True, kw_only=True):
    """The glass is broken, or waits for a second person; the token is told only now.

    Attributes:
        token: `olg_` and 43 characters of base64url; the address is `{public origin}/break-glass/open/{token}`.
    """

    token: str
    is_confirmed: bool
    expires_at: datetime


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How the owner behind glass stands.

    Attributes:
        has_token: the sheet in the safe works; false after it was used, until a new one is made.
        open_until: end of the session that is open now; None if none is.
    """

    email: str
    sealed_at: datetime
    has_token: bool
    open_until: datetime | None
    waiting: tuple[Waiting, ...]


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What people are to hear of at once, wherever they are.

    Attributes:
        event: the ledger's word for it, e.g. `break_glass.opened`.
        said: one sentence for people, without secrets.
    """

    event: str
    said: str
    at: datetime
