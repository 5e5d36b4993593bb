"""Frozen values of sign-in through a provider."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from appliance.config.secret import Secret
from appliance.identity.records import NewSession


class Purpose(StrEnum):
    """What a browser was sent to the provider for."""

    SIGN_IN = "sign_in"
    STEP_UP = "step_up"
    SIGN_OUT = "sign_out"


class Outbound(msgspec.Struct, frozen=True, kw_only=True):
    """One request to somebody else's server.

    Attributes:
        form: sent as a POST; None is a GET.
        content: sent as a POST as it is, in place of a form; the headers say of what type it is.
        bytes_max: the longest answer that is read.
        is_redirect_followed: up to three, each checked like the first address; headers go along.
    """

    url: str
    headers: Mapping[str, str] = {}
    form: Mapping[str, str] | None = None
    content: bytes | None = None
    bytes_max: int
    is_redirect_followed: bool = False


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer.

    Attributes:
        media_type: lower case and without parameters.
        sent_at: the sender's own clock, in whole seconds; None if it does not tell (RFC 9110 section 6.6.1).
    """

    status: int
    body: bytes
    media_type: str
    sent_at: datetime | None = None


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider tells of itself (OpenID Connect Discovery 1.0 section 3), as far as it is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    is_basic_supported: bool = True
    is_post_supported: bool = False
    is_issuer_returned: bool = False


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What the token endpoint gave for a code; neither is stored or logged in the clear."""

    id_token: Secret
    access_token: Secret


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a checked ID token, and userinfo where it was asked, say of a person.

    Attributes:
        key: the value of the configured subject claim, by which the account is found again.
        is_email_trusted: the address is the person's: verified, or `trust_email` is set and the provider says neither.
        groups: None if the provider could not tell them; then they stay as they were.
        session: the provider's own session (`sid`); empty if it names none.
        authenticated_at: when the person last proved who they are, if the provider says so.
    """

    subject: str
    key: str
    display_name: str
    user_name: str
    email: str
    is_email_verified: bool
    is_email_trusted: bool
    groups: frozenset[str] | None
    session: str
    authenticated_at: datetime | None
    id_token: Secret


class Callback(msgspec.Struct, frozen=True, kw_only=True):
    """What the browser brings back from the provider: query parameters, each empty if it is not there."""

    state: str = ""
    code: str = ""
    issuer: str = ""
    error: str = ""


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """A browser's errand at the provider, taken back: nobody takes it again."""

    id: UUID
    provider: str
    purpose: Purpose
    nonce_hash: bytes
    verifier: Secret
    back: str
    session_id: UUID | None
    created_at: datetime


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """Where the browser goes now, and the cookie that binds the errand to it.

    Attributes:
        browser: `olb_` and 43 characters of base64url, told only now.
    """

    address: str
    browser: str
    expires_at: datetime


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an errand: where to go on, and the session, new or under a new token."""

    back: str
    purpose: Purpose
    session: NewSession


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a provider's test: what was tried, whether it worked, what was said and what to do next."""

    section: str
    is_good: bool
    said: str
    next_step: str = ""
