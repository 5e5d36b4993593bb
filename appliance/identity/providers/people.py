"""Whom a provider's claims are about: pure readings of what it told, and whether its rules let that person in."""

from collections.abc import Mapping
from typing import Any

from appliance.config.secret import Secret
from appliance.config.sign_in import Provider
from appliance.identity.providers import rules
from appliance.identity.providers.errors import Cause, RefusedError
from appliance.identity.providers.records import Claims

Told = Mapping[str, Any]


def needs_userinfo(claims: Told, settings: Provider) -> bool:
    """Whether the ID token leaves out what is wanted: the address, a name, or the groups."""
    has_name = "name" in claims or "preferred_username" in claims
    return not ("email" in claims and has_name) or rules.groups_of(claims, settings.groups_claim) is None


def read_claims(claims: Told, more: Told | None, settings: Provider, id_token: Secret) -> Claims:
    """The person in a checked ID token, and in userinfo (`more`) where that was asked and answered.

    An address and whether it is verified come from the same place. Groups that neither tells are none, but groups that
    could not be read, because userinfo failed or they lie elsewhere, are not known, and stay as they were.

    Raises:
        RefusedError: a claim is missing or is not what it should be.
    """
    merged = {**(more or {}), **claims}
    addressed = claims if "email" in claims else (more or {})
    email = rules.text_of(addressed, "email", is_required=False)
    is_verified = addressed.get("email_verified") is True
    user_name = rules.text_of(merged, "preferred_username", is_required=False) or email
    key = rules.text_of(claims, settings.subject_claim)
    return Claims(
        subject=rules.text_of(claims, "sub"),
        key=key,
        display_name=rules.text_of(merged, "name", is_required=False) or user_name or key,
        user_name=user_name or key,
        email=email,
        is_email_verified=is_verified,
        is_email_trusted=is_verified or (settings.trust_email and "email_verified" not in addressed),
        groups=_groups(claims, more, settings.groups_claim),
        session=rules.text_of(claims, "sid", is_required=False),
        authenticated_at=rules.moment_of(claims, "auth_time") if "auth_time" in claims else None,
        id_token=id_token,
    )


def _groups(claims: Told, more: Told | None, name: str) -> frozenset[str] | None:
    in_token = rules.groups_of(claims, name)
    if in_token is not None or more is None:
        return in_token
    in_userinfo = rules.groups_of(more, name)
    if in_userinfo is not None:
        return in_userinfo
    is_elsewhere = rules.is_overflowing(claims, name) or rules.is_overflowing(more, name)
    return None if is_elsewhere else frozenset()


def check_domain(claims: Claims, settings: Provider) -> None:
    """The person's address is verified and of one of the domains that may come in, where there are any.

    Raises:
        RefusedError: it is not.
    """
    if not settings.allowed_domains:
        return
    if not claims.is_email_verified or not claims.email:
        raise RefusedError(Cause.EMAIL_UNVERIFIED)
    if not rules.is_domain_allowed(claims.email, settings.allowed_domains):
        raise RefusedError(Cause.DOMAIN_REFUSED)
