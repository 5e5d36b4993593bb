"""What a provider's token must say before anybody is let in: pure decisions over verified claims."""

import hmac
import math
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from appliance.identity.providers.errors import Cause, RefusedError
from appliance.identity.sealing import hashed

TEXT_MAX: Final = 255  # OpenID Connect Core 2: the longest sub
GROUPS_MAX: Final = 5000
GROUP_MAX: Final = 255
# A token comes straight from the provider, moments after it was made.
FRESH: Final = timedelta(minutes=10)
LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
_LATEST: Final = 253_402_300_799  # the last second of the year 9999
# Control characters, which no database keeps, and lone surrogates, which no hash takes. Not all of what `isprintable`
# refuses: names have wide spaces and joiners, and those of groups too.
_UNKEPT: Final = frozenset({"Cc", "Cs"})


def text_of(claims: Mapping[str, Any], name: str, *, is_required: bool = True) -> str:
    """A claim that is a short text that can be kept; empty if it is not there and need not be.

    Raises:
        RefusedError: missing, or something else.
    """
    if name not in claims:
        if is_required:
            raise RefusedError(Cause.CLAIM_MISSING, name)
        return ""
    value = claims[name]
    if not isinstance(value, str) or not _can_be_kept(value, TEXT_MAX):
        raise RefusedError(Cause.CLAIM_MISTYPED, name)
    return value


def moment_of(claims: Mapping[str, Any], name: str) -> datetime:
    """A claim that is a number of seconds since 1970 (RFC 7519 section 2, NumericDate).

    Raises:
        RefusedError: missing, or something else: a text, a truth value, a number that is no moment.
    """
    if name not in claims:
        raise RefusedError(Cause.CLAIM_MISSING, name)
    value = claims[name]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not 0 <= value <= _LATEST:
        raise RefusedError(Cause.CLAIM_MISTYPED, name)
    return datetime.fromtimestamp(value, UTC)


def check_parties(claims: Mapping[str, Any], issuer: str, client_id: str) -> None:
    """The token is from this issuer and for this client (OpenID Connect Core 3.1.3.7, points 2 to 5).

    Raises:
        RefusedError: it is somebody else's.
    """
    if text_of(claims, "iss") != issuer:
        raise RefusedError(Cause.ISSUER_WRONG)
    if "aud" not in claims:
        raise RefusedError(Cause.CLAIM_MISSING, "aud")
    told = claims["aud"]
    audiences = told if isinstance(told, list) else [told]
    if not audiences or not all(isinstance(each, str) for each in audiences):
        raise RefusedError(Cause.CLAIM_MISTYPED, "aud")
    if client_id not in audiences:
        raise RefusedError(Cause.AUDIENCE_WRONG)
    party = text_of(claims, "azp", is_required=len(audiences) > 1)
    if party and party != client_id:
        raise RefusedError(Cause.PARTY_WRONG)


def check_times(claims: Mapping[str, Any], now: datetime, skew: timedelta) -> None:
    """The token is valid now and was made just now.

    Raises:
        RefusedError: it is not.
    """
    if moment_of(claims, "exp") + skew <= now:
        raise RefusedError(Cause.EXPIRED)
    issued_at = moment_of(claims, "iat")
    if issued_at > now + skew or ("nbf" in claims and moment_of(claims, "nbf") > now + skew):
        raise RefusedError(Cause.NOT_YET_VALID)
    if issued_at + FRESH + skew < now:
        raise RefusedError(Cause.ISSUED_TOO_LONG_AGO)


def check_nonce(claims: Mapping[str, Any], nonce_hash: bytes) -> None:
    """The token answers this very errand.

    Raises:
        RefusedError: it answers another one.
    """
    if not hmac.compare_digest(hashed(text_of(claims, "nonce")), nonce_hash):
        raise RefusedError(Cause.NONCE_WRONG)


def check_access_token(claims: Mapping[str, Any], half_hash: str) -> None:
    """The access token belongs to the ID token, if that says anything about it.

    Raises:
        RefusedError: it belongs to another one.
    """
    told = text_of(claims, "at_hash", is_required=False)
    if told and not hmac.compare_digest(told.encode(), half_hash.encode()):
        raise RefusedError(Cause.ACCESS_TOKEN_DIFFERS)


def check_step_up(claims: Mapping[str, Any], since: datetime, skew: timedelta, acr: str) -> None:
    """The person proved who they are after `since`, and as strictly as `acr` asks, if it does.

    Raises:
        RefusedError: an older proof, a weaker one, or none that the provider tells of.
    """
    if moment_of(claims, "auth_time") + skew < since:
        raise RefusedError(Cause.AUTHENTICATED_TOO_LONG_AGO)
    if acr and text_of(claims, "acr", is_required=False) != acr:
        raise RefusedError(Cause.CONTEXT_TOO_WEAK)


def check_logout(claims: Mapping[str, Any]) -> None:
    """The token is a logout token and nothing else (OpenID Connect Back-Channel Logout 1.0 section 2.6).

    Raises:
        RefusedError: it is not, or names neither a person nor a session.
    """
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise RefusedError(Cause.EVENT_WRONG, "events")
    if "nonce" in claims:
        raise RefusedError(Cause.EVENT_WRONG, "nonce")
    text_of(claims, "jti")
    if not (text_of(claims, "sub", is_required=False) or text_of(claims, "sid", is_required=False)):
        raise RefusedError(Cause.CLAIM_MISSING, "sub or sid")


def groups_of(claims: Mapping[str, Any], name: str) -> frozenset[str] | None:
    """The groups that the claims list; None if they say nothing, or only that there are too many to list.

    Raises:
        RefusedError: a list of something else, or of more than anybody is in.
    """
    if name not in claims or is_overflowing(claims, name):
        return None
    told = claims[name]
    listed = [told] if isinstance(told, str) else told
    if not isinstance(listed, list) or len(listed) > GROUPS_MAX:
        raise RefusedError(Cause.CLAIM_MISTYPED, name)
    if not all(isinstance(each, str) and _can_be_kept(each, GROUP_MAX) for each in listed):
        raise RefusedError(Cause.CLAIM_MISTYPED, name)
    return frozenset(listed)


def is_overflowing(claims: Mapping[str, Any], name: str) -> bool:
    """Whether the provider says that the groups lie elsewhere (OpenID Connect Core 5.6.2, and Entra's `hasgroups`)."""
    elsewhere = claims.get("_claim_names")
    return (isinstance(elsewhere, dict) and name in elsewhere) or claims.get("hasgroups") in (True, "true")


def is_domain_allowed(email: str, domains: tuple[str, ...]) -> bool:
    """Whether the address is of one of the domains; without any, all are."""
    domain = email.rpartition("@")[2].lower()
    return not domains or domain in {each.lower() for each in domains}


def _can_be_kept(text: str, longest: int) -> bool:
    return 0 < len(text) <= longest and not any(unicodedata.category(each) in _UNKEPT for each in text)
