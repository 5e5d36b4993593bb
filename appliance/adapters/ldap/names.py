"""Names and passwords on their way to a directory: what may be sent, and how it is escaped."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from ldap3.core.exceptions import LDAPException
from ldap3.utils.dn import escape_rdn, parse_dn

from appliance.identity.directories.errors import DirectoryRefusedError
from appliance.identity.directories.records import RefusalCause

_NAME_MAX: Final = 256
_PASSWORD_BYTES_MAX: Final = 4096
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_UNUSUAL: Final = re.compile(r'[\\"+#;]|\s[,=]|[,=]\s|\s\s')
_SPACES: Final = re.compile(r" +")
_ESCAPED: Final = re.compile(r"\\([0-9a-fA-F]{2})|\\(.)", re.DOTALL)
_HEX: Final = re.compile(rb"\\([0-9a-fA-F]{2})")


def login(user: object) -> str:
    """What somebody typed as their name, in NFC.

    Raises:
        DirectoryRefusedError: no such name can be in a directory; nothing is sent.
    """
    name = unicodedata.normalize("NFC", user).strip() if isinstance(user, str) and len(user) <= _NAME_MAX else ""
    if not name or _CONTROLS.search(name) or not _is_text(name):
        raise DirectoryRefusedError(RefusalCause.UNKNOWN, "no name that a directory could have")
    return name


def password(word: object) -> bytes:
    """The person's own bytes.

    Raises:
        DirectoryRefusedError: it is not text, empty, longer than any directory takes, or holds NUL, at which some
            servers end it: what is left may be empty, and an empty password is an anonymous bind, which succeeds.
    """
    if not isinstance(word, str) or not word or "\0" in word or not _is_text(word):
        raise DirectoryRefusedError(RefusalCause.WRONG, "no password that could be sent")
    sent = word.encode()
    if len(sent) > _PASSWORD_BYTES_MAX:
        raise DirectoryRefusedError(RefusalCause.WRONG, "no password that could be sent")
    return sent


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def in_filter(value: str) -> str:
    """A value that means nothing but itself in a filter (RFC 4515): all but letters and digits are escaped.

    The escaping of ldap3 leaves `=`, `<`, `>`, `~`, `:` and spaces of every kind, which its own parser then takes for
    operators or cuts off.
    """
    return "".join([char if char in _PLAIN else octets_in_filter(char.encode()) for char in value])


def octets_in_filter(value: bytes) -> str:
    """The same for bytes."""
    return "".join([f"\\{octet:02x}" for octet in value])


def any_of(attributes: tuple[str, ...], value: str) -> str:
    """A filter: one of the attributes has this value."""
    return f"(|{''.join([f'({attribute}={in_filter(value)})' for attribute in attributes])})"


def bind_name(template: str, user: str) -> str | None:
    """The name that somebody binds as by a template; None if what they typed does not fit into it.

    A name that already has the template's domain is taken as it is, so that both ways to write it work.
    """
    before, _, after = template.partition("{user}")
    if "=" in template:
        return f"{before}{escape_rdn(user)}{after}"
    bare = user
    if after and user.lower().endswith(after.lower()):
        bare = user[: -len(after)]
    elif before and user.lower().startswith(before.lower()):
        bare = user[len(before) :]
    return f"{before}{bare}{after}" if bare and not set(bare) & set('@\\/"[]:;|=,+*?<>') else None


@lru_cache(maxsize=65_536)  # a name is a member of many groups
def normal(dn: str) -> str:
    """A distinguished name in one form (RFC 4514, 4517): lower case, one way to escape, no spaces that mean nothing."""
    if not _UNUSUAL.search(dn):
        return dn.lower()
    try:
        parts = parse_dn(dn, strip=True)
    except LDAPException:
        return dn.lower()
    pieces, together = list[str](), list[str]()
    for kind, value, separator in parts:
        together.append(f"{kind.strip().lower()}={_normal_value(value)}")
        if separator != "+":
            pieces.append("+".join(sorted(together)))
            together = []
    return ",".join(pieces)


def _normal_value(value: str) -> str:
    if value.startswith("#"):
        return value.lower()
    bare = _SPACES.sub(" ", _unescaped(value)).strip().lower()
    return str(escape_rdn(bare)) if bare else ""


def _unescaped(value: str) -> str:
    marked = _ESCAPED.sub(lambda found: f"\\{found[1] or f'{ord(found[2]):02x}'}", value)
    return _HEX.sub(lambda found: bytes.fromhex(found[1].decode()), marked.encode()).decode(errors="replace")
