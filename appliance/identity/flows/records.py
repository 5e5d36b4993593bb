"""Frozen values of an app's way to its own session."""

from datetime import datetime

import msgspec

from appliance.identity.records import NewSession, Person


class FlowRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What an app begins with.

    Attributes:
        redirect_uri: where the browser hands the code over, see `rules.checked_redirect`.
        state: comes back with the code as it is; empty if the app sends none.
        challenge, challenge_method: of PKCE (RFC 7636); empty if the app sends none.
    """

    redirect_uri: str
    state: str = ""
    challenge: str = ""
    challenge_method: str = ""


class StartedFlow(msgspec.Struct, frozen=True, kw_only=True):
    """A flow that has just begun; the token is told only now.

    Attributes:
        token: `olf_` and 43 characters of base64url, for the address that the app opens in the browser.
    """

    token: str
    state: str
    redirect_uri: str
    expires_at: datetime


class FlowOffer(msgspec.Struct, frozen=True, kw_only=True):
    """An open flow as its page shows it.

    Attributes:
        is_on_this_device: the code goes to a program on the very machine whose browser shows the page.
    """

    redirect_uri: str
    expires_at: datetime
    is_on_this_device: bool


class NewCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code that has just been made; it is told only now.

    Attributes:
        code: `olk_` and 43 characters of base64url.
        address: where the browser goes with it, e.g. `openleash://auth/callback?code=...`.
    """

    code: str
    address: str
    expires_at: datetime


class AppSession(msgspec.Struct, frozen=True, kw_only=True):
    """What an app gets for a code."""

    session: NewSession
    person: Person
