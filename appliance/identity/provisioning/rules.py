"""What provisioning accepts, and what it makes of names: plain values in, plain values out."""

import re
import unicodedata
from typing import Any, Final

from appliance.identity.errors import EmailRefusedError, NameRefusedError
from appliance.identity.provisioning.errors import (
    ProviderNameRefusedError,
    TokenTermsRefusedError,
    ValueRefusedError,
)
from appliance.identity.rules import prepare_email, prepare_name

DAYS_MAX: Final = 3650
TOKEN_NAME_MAX: Final = 100
NAME_MAX: Final = 254
TEXT_MAX: Final = 1000
EMAILS_MAX: Final = 20
_PROVIDER: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_UNSTORABLE: Final = frozenset({"Cc", "Cs"})


def prepare_provider(text: str) -> str:
    """A provider's name.

    Raises:
        ProviderNameRefusedError: it cannot be one.
    """
    if not _PROVIDER.fullmatch(text):
        raise ProviderNameRefusedError
    return text


def check_terms(name: str, days: int) -> str:
    """The name of a token with a life of so many days.

    Raises:
        TokenTermsRefusedError: neither may be used.
    """
    try:
        prepared = prepare_name(name)
    except NameRefusedError as problem:
        raise TokenTermsRefusedError(f"The token's name cannot be used: {problem.detail}") from problem
    if len(prepared) > TOKEN_NAME_MAX or not 1 <= days <= DAYS_MAX:
        raise TokenTermsRefusedError
    return prepared


def check_texts(value: Any, where: str) -> None:  # noqa: ANN401 - any JSON value
    """Refuse texts that are too long or that no store takes, at any depth of a small document.

    Raises:
        ValueRefusedError: there is one.
    """
    if isinstance(value, str):
        prepare_text(value, where, TEXT_MAX)
    elif isinstance(value, dict):
        for key, item in value.items():
            check_texts(item, f"{where}.{key}" if where else key)
    elif isinstance(value, list):
        for item in value:
            check_texts(item, where)


def prepare_text(text: str, where: str, limit: int) -> str:
    """A text as it is stored: NFC, without spaces around it.

    Raises:
        ValueRefusedError: too long, or with control characters or lone surrogates.
    """
    if len(text) > limit:
        raise ValueRefusedError(f"{where} has more than {limit} characters")
    if any(unicodedata.category(char) in _UNSTORABLE for char in text):
        raise ValueRefusedError(f"{where} has control characters")
    return unicodedata.normalize("NFC", text.strip())


def key_of(user_name: str) -> str:
    """In which form userNames are compared: case does not count (RFC 7643 section 4.1.1)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", user_name).lower())[:NAME_MAX]


def prepare_user_name(text: str) -> str:
    """A userName as it is stored.

    Raises:
        ValueRefusedError: empty, too long, or with characters that cannot be stored or seen.
    """
    name = prepare_text(text, "userName", NAME_MAX)
    if not name:
        raise ValueRefusedError("userName is empty")
    return name


def person_name(candidates: list[str]) -> str:
    """The first of them that can be shown as a person's name.

    Raises:
        ValueRefusedError: none can.
    """
    for text in candidates:
        try:
            return prepare_name(text)
        except NameRefusedError:
            continue
    raise ValueRefusedError("Neither displayName, name nor userName can be shown as a name")


def person_email(emails: list[dict[str, Any]]) -> str:
    """A person's one address: the primary one, else the first of work, else the first; empty if there is none.

    Raises:
        ValueRefusedError: it is not an address, or there are too many.
    """
    if len(emails) > EMAILS_MAX:
        raise ValueRefusedError(f"More than {EMAILS_MAX} e-mail addresses")
    ranked = sorted(
        (each for each in emails if each.get("value")),
        key=lambda each: (each.get("primary") is not True, str(each.get("type", "")).lower() != "work"),
    )
    if not ranked:
        return ""
    try:
        return prepare_email(ranked[0]["value"])
    except EmailRefusedError as problem:
        raise ValueRefusedError("emails.value is not an e-mail address") from problem
