"""Which deployment tokens may be made, and which machines may enrol with one: pure decisions."""

import unicodedata
from datetime import datetime
from typing import Final

from appliance.agents.errors import (
    DeploymentTermsRefusedError,
    DeploymentTokenExpiredError,
    DeploymentTokenRevokedError,
    DeploymentTokenUsedUpError,
    EmailDomainRefusedError,
    EnrolmentRefusedError,
)
from appliance.agents.records import DeploymentTerms, DeploymentToken, EnrolmentRequest
from appliance.identity.errors import EmailRefusedError
from appliance.identity.rules import prepare_email

NAME_MAX: Final = 100
DAYS_MAX: Final = 3650
DOMAINS_MAX: Final = 50
USES_MAX: Final = 1_000_000
# As the tables have them.
HOSTNAME_MAX: Final = 255
PLATFORM_MAX: Final = 64
OS_RELEASE_MAX: Final = 128
DISPLAY_NAME_MAX: Final = 200
MODE_MAX: Final = 32
VERSION_MAX: Final = 64
# Control, format (direction marks among them), surrogate, private, line, paragraph.
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def one_line(text: str, limit: int) -> str:
    """Somebody's text as one visible line of at most `limit` characters."""
    shown = text[: 4 * limit]
    if not shown.isprintable():
        shown = "".join(" " if unicodedata.category(char) in _INVISIBLE else char for char in shown)
    return " ".join(shown.split())[:limit]


def prepare_terms(terms: DeploymentTerms) -> DeploymentTerms:
    """The terms in the one form that is stored and compared.

    Raises:
        DeploymentTermsRefusedError: a field cannot be used; the detail names it.
    """
    name = terms.name.strip()
    if not name or len(name) > NAME_MAX or one_line(name, NAME_MAX) != name:
        raise DeploymentTermsRefusedError(f"The name must be one line of 1 to {NAME_MAX} visible characters")
    if not 1 <= terms.days <= DAYS_MAX:
        raise DeploymentTermsRefusedError(f"The token can live 1 to {DAYS_MAX} days")
    if terms.max_uses is not None and not 1 <= terms.max_uses <= USES_MAX:
        raise DeploymentTermsRefusedError(f"The token can enrol 1 to {USES_MAX:,} machines, or any number")
    if len(terms.email_domains) > DOMAINS_MAX:
        raise DeploymentTermsRefusedError(f"A token can name at most {DOMAINS_MAX} e-mail domains")
    domains = tuple(dict.fromkeys(_domain(domain) for domain in terms.email_domains))
    return DeploymentTerms(
        name=name,
        days=terms.days,
        email_domains=domains,
        default_email=_default_email(terms.default_email, domains),
        max_uses=terms.max_uses,
    )


def _domain(text: str) -> str:
    try:
        return prepare_email(f"somebody@{text.strip().removeprefix('@')}").partition("@")[2]
    except EmailRefusedError as problem:
        raise DeploymentTermsRefusedError("An e-mail domain is not one, such as example.org") from problem


def _default_email(text: str, domains: tuple[str, ...]) -> str:
    if not text.strip():
        return ""
    try:
        email = prepare_email(text)
    except EmailRefusedError as problem:
        raise DeploymentTermsRefusedError("The default e-mail address is not one") from problem
    if domains and email.rpartition("@")[2] not in domains:
        raise DeploymentTermsRefusedError("The default e-mail address is of none of the token's domains")
    return email


def check_live(token: DeploymentToken, now: datetime) -> None:
    """Refuse a deployment token that enrols nobody any more.

    Raises:
        DeploymentTokenRevokedError, DeploymentTokenExpiredError, DeploymentTokenUsedUpError: why.
    """
    if token.revoked_at is not None:
        raise DeploymentTokenRevokedError
    if token.expires_at <= now:
        raise DeploymentTokenExpiredError
    if token.max_uses is not None and token.uses >= token.max_uses:
        raise DeploymentTokenUsedUpError


def email_for(token: DeploymentToken, email: str) -> str:
    """The address that a machine gets which enrols with `token` and claims `email`; empty if it is nobody's.

    Raises:
        EnrolmentRefusedError: not an address.
        EmailDomainRefusedError: of none of the token's domains, or none where the token names domains.
    """
    claimed = email.strip()
    if not claimed:
        if token.email_domains and not token.default_email:
            raise EmailDomainRefusedError("This deployment token needs the e-mail address of the machine's person")
        return token.default_email
    try:
        prepared = prepare_email(claimed)
    except EmailRefusedError as problem:
        raise EnrolmentRefusedError("The field email is not an e-mail address") from problem
    if token.email_domains and prepared.rpartition("@")[2] not in token.email_domains:
        raise EmailDomainRefusedError
    return prepared


def prepare_request(request: EnrolmentRequest) -> EnrolmentRequest:
    """The request with every text as it is stored; the address is left to `email_for`.

    Raises:
        EnrolmentRefusedError: the machine has no name.
    """
    hostname = one_line(request.hostname, HOSTNAME_MAX)
    if not hostname:
        raise EnrolmentRefusedError("The field hostname is missing")
    return EnrolmentRequest(
        deployment_token=request.deployment_token,
        hostname=hostname,
        platform=one_line(request.platform, PLATFORM_MAX),
        os_release=one_line(request.os_release, OS_RELEASE_MAX),
        email=request.email,
        display_name=one_line(request.display_name, DISPLAY_NAME_MAX),
        mode=one_line(request.mode, MODE_MAX),
    )
