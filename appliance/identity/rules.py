"""Who may do what, and which texts are taken: pure decisions."""

import re
import unicodedata
from collections.abc import Collection
from enum import StrEnum
from typing import Final

from appliance.identity.errors import EmailRefusedError, NameRefusedError, PasswordRefusedError
from appliance.identity.records import Role

NAME_MAX: Final = 200
EMAIL_MAX: Final = 254  # RFC 5321 4.5.3.1.3, less the angle brackets
LOCAL_PART_MAX: Final = 64  # RFC 5321 4.5.3.1.1
PASSWORD_MIN: Final = 12
PASSWORD_MAX: Final = 1024
DIFFERENT_MIN: Final = 5
SHOWN_MAX: Final = 400
# Categories that no name, address or password needs: control, format, surrogate, private, line, paragraph, unassigned.
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_DOMAIN_LABEL: Final = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?")
# Addresses that are in the stored form already: nearly all that a directory tells.
_PLAIN_EMAIL: Final = re.compile(
    r"[a-z0-9._%+-]{1,64}@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)


class Permission(StrEnum):
    """What a route or a button needs."""

    APPROVALS_READ = "approvals.read"
    APPROVALS_ANSWER = "approvals.answer"
    DECISIONS_READ = "decisions.read"
    DECISIONS_READ_OWN = "decisions.read_own"
    POLICIES_READ = "policies.read"
    POLICIES_EDIT = "policies.edit"
    POLICIES_PUBLISH = "policies.publish"
    AGENTS_READ = "agents.read"
    AGENTS_MANAGE = "agents.manage"
    LEDGER_READ = "ledger.read"
    LEDGER_VERIFY = "ledger.verify"
    PEOPLE_READ = "people.read"
    PEOPLE_MANAGE = "people.manage"
    SETTINGS_READ = "settings.read"
    SETTINGS_MANAGE = "settings.manage"


_P = Permission
_READING: Final = frozenset(
    {_P.APPROVALS_READ, _P.DECISIONS_READ, _P.DECISIONS_READ_OWN, _P.POLICIES_READ, _P.AGENTS_READ}
    | {_P.LEDGER_READ, _P.LEDGER_VERIFY, _P.PEOPLE_READ, _P.SETTINGS_READ}
)
# Asks and decisions of a person's own agents need no permission beyond `decisions.read_own`: the ask's terms decide.
PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {
    Role.OWNER: frozenset(Permission),
    Role.ADMINISTRATOR: _READING | {_P.AGENTS_MANAGE, _P.PEOPLE_MANAGE, _P.SETTINGS_MANAGE},
    Role.SECURITY: _READING | {_P.APPROVALS_ANSWER, _P.POLICIES_EDIT, _P.POLICIES_PUBLISH},
    Role.APPROVER: frozenset({_P.APPROVALS_READ, _P.APPROVALS_ANSWER, _P.DECISIONS_READ_OWN, _P.POLICIES_READ}),
    Role.AUDITOR: _READING,
    Role.MEMBER: frozenset({_P.DECISIONS_READ_OWN}),
}


def permissions_of(roles: Collection[Role]) -> frozenset[Permission]:
    """Everything that the roles carry together."""
    return frozenset().union(*(PERMISSIONS[role] for role in roles))


def is_permitted(roles: Collection[Role], permission: Permission) -> bool:
    """Whether any of the roles carries the permission."""
    return any(permission in PERMISSIONS[role] for role in roles)


def may_manage(roles: Collection[Role], target_roles: Collection[Role]) -> bool:
    """Whether somebody with `roles` may change a person who has `target_roles`: only owners change owners."""
    if not is_permitted(roles, Permission.PEOPLE_MANAGE):
        return False
    return Role.OWNER in roles or Role.OWNER not in target_roles


def prepare_email(text: object) -> str:
    """The address in the one form that is stored and compared: NFC, lower case.

    Raises:
        EmailRefusedError: it is not text, not an address, or holds invisible characters.
    """
    if not isinstance(text, str) or len(text) > EMAIL_MAX:
        raise EmailRefusedError
    if _PLAIN_EMAIL.fullmatch(text):
        return text
    # Twice: a letter may have a composed form in lower case alone, and then two spellings would be two people.
    email = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text.strip()).lower())
    local, at, domain = email.rpartition("@")
    is_clean = not any(unicodedata.category(char) in _INVISIBLE or char.isspace() for char in email)
    is_local = 0 < len(local) <= LOCAL_PART_MAX and not set(local) & set('@"(),:;<>[]\\')
    is_domain = all(_DOMAIN_LABEL.fullmatch(label) for label in domain.split("."))
    if not (at and is_clean and is_local and is_domain and len(email) <= EMAIL_MAX):
        raise EmailRefusedError
    return email


def prepare_name(text: object) -> str:
    """The name as it is stored: NFC, without spaces around it.

    Raises:
        NameRefusedError: empty, too long, or with control, format or direction characters.
    """
    if not isinstance(text, str) or len(text) > NAME_MAX:
        raise NameRefusedError
    if text.isascii() and text.isprintable() and (plain := text.strip()):
        return plain
    name = unicodedata.normalize("NFC", text.strip())
    if not name or len(name) > NAME_MAX or any(unicodedata.category(char) in _INVISIBLE for char in name):
        raise NameRefusedError
    return name


def prepare_password(text: object) -> str:
    """The password as it is hashed: NFC, every space a plain one (RFC 8265 4.2.2, OpaqueString).

    Raises:
        PasswordRefusedError: not text, too long, or with control characters or lone surrogates.
    """
    if not isinstance(text, str) or not text or len(text) > PASSWORD_MAX:
        raise PasswordRefusedError
    if any(unicodedata.category(char) in {"Cc", "Cs", "Cn"} for char in text):
        raise PasswordRefusedError("A password cannot hold control characters")
    spaced = "".join(" " if unicodedata.category(char) == "Zs" else char for char in text)
    return unicodedata.normalize("NFC", spaced)


def prepare_new_password(text: object, email: str) -> str:
    """A password that may be set; what cannot be seen does not count towards its length.

    Raises:
        PasswordRefusedError: see `next_step`.
    """
    password = prepare_password(text)
    visible = [char for char in password if unicodedata.category(char) not in _INVISIBLE | {"Zs", "Mn"}]
    if len(visible) < PASSWORD_MIN:
        raise PasswordRefusedError(f"A password needs at least {PASSWORD_MIN} visible characters")
    if len(set(visible)) < DIFFERENT_MIN:
        raise PasswordRefusedError(f"A password needs at least {DIFFERENT_MIN} different characters")
    if email in password.lower():
        raise PasswordRefusedError("A password cannot contain the e-mail address")
    return password


def shown(text: object, limit: int = SHOWN_MAX) -> str:
    """Somebody's text in a form that any store takes: control characters and lone surrogates replaced, cut."""
    if not isinstance(text, str):
        return ""
    if text.isascii() and text.isprintable():
        return text[:limit]
    return "".join("\ufffd" if unicodedata.category(char) in {"Cc", "Cs"} else char for char in text[:limit])
