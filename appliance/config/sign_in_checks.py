"""Rules of directories and providers that a range or a pattern cannot say."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from appliance.config.origin import is_host, is_loopback
from appliance.config.sections import Config
from appliance.config.sign_in import Directory

_USER: Final = "{user}"
_LDAP: Final = ("ldaps", "ldap")
_URLS_MAX: Final = 10
_COMMA: Final = re.compile(r"(?<!\\),")
_PIECE: Final = re.compile(r"\s*[A-Za-z0-9][A-Za-z0-9.-]*\s*=\s*\S.*")


def _is_url(text: str, schemes: tuple[str, ...], *, has_path: bool) -> bool:
    """Whether a text is a URL of one of the schemes with a host, without user, query and fragment."""
    if any(char <= " " or char == "\x7f" for char in text) or "\\" in text or "?" in text or "#" in text:
        return False
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    is_bare = "@" not in parts.netloc and port != 0 and (has_path or parts.path in ("", "/"))
    return parts.scheme in schemes and is_host(parts.hostname or "") and is_bare


def _directory_urls(value: tuple[str, ...]) -> None:
    if not 0 < len(value) <= _URLS_MAX:
        raise ValueError(f"holds {len(value)} hosts; give 1 to {_URLS_MAX}")
    for url in value:
        if not _is_url(url, _LDAP, has_path=False):
            raise ValueError(f"holds {url!r}, which is not ldaps://host[:port] or ldap://host[:port]")
    if len(set(value)) < len(value):
        raise ValueError("names a host twice")


def _issuer(value: str) -> None:
    # Plain http is for providers on this machine alone, as in tests; OpenID Connect Discovery 1.0, 3, asks for https.
    is_secure = _is_url(value, ("https",), has_path=True)
    if not is_secure and not (_is_url(value, ("http",), has_path=True) and is_loopback(urlsplit(value).hostname or "")):
        raise ValueError("is not an https:// URL without user, query and fragment")


def _file(value: Path) -> None:
    try:
        with value.open("rb"):
            pass
    except OSError as error:
        raise ValueError(f"names a file that cannot be read: {value}: {error.strerror}") from None


def _bind_template(value: str) -> None:
    if value and (value.count(_USER) != 1 or value.replace(_USER, "").count("{") or value.count("}") != 1):
        raise ValueError(f"must hold {_USER} once, and no other braces")


def _is_name(template: str) -> bool:
    """Whether a template makes a distinguished name (RFC 4514)."""
    return all(_PIECE.fullmatch(piece) for piece in _COMMA.split(template))


def _filter(value: str) -> None:
    if _USER in value:
        raise ValueError(f"must not hold {_USER}: what people may type as their name is login_attributes")
    if value and not (value.startswith("(") and value.endswith(")") and value.count("(") == value.count(")")):
        raise ValueError("is not an LDAP filter in balanced parentheses (RFC 4515)")


def _attributes(value: tuple[str, ...]) -> None:
    for name in value:
        if not (name.isascii() and name[:1].isalpha() and name.replace("-", "").isalnum()):
            raise ValueError(f"holds {name!r}, which is not an attribute name")


def _scopes(value: tuple[str, ...]) -> None:
    if "openid" not in value:
        raise ValueError("must hold openid")  # OpenID Connect Core 1.0, 3.1.2.1
    if any(not scope or not scope.isascii() or set(scope) & set(' "\\') for scope in value):
        raise ValueError("holds what is not a scope (RFC 6749, 3.3)")


def _domains(value: tuple[str, ...]) -> None:
    for domain in value:
        if not is_host(domain) or "." not in domain or domain != domain.lower():
            raise ValueError(f"holds {domain!r}, which is not a domain in lower case")


SIGN_IN_CHECKS: Final[Mapping[str, Callable[[Any], None]]] = {
    "directories.urls": _directory_urls,
    "directories.ca_file": _file,
    "directories.client_certificate_file": _file,
    "directories.client_key_file": _file,
    "directories.bind_template": _bind_template,
    "directories.user_filter": _filter,
    "directories.group_filter": _filter,
    "directories.login_attributes": _attributes,
    "providers.issuer": _issuer,
    "providers.scopes": _scopes,
    "providers.allowed_domains": _domains,
    "providers.ca_file": _file,
}


def across_sign_in(config: Config) -> dict[str, str]:
    """What is wrong between settings that are fine alone: dotted key to message."""
    wrong: dict[str, str] = {}
    for name, directory in config.directories.items():
        for key, message in _across_directory(directory):
            wrong.setdefault(f"directories.{name}.{key}", message)
    issuers: dict[tuple[str, str], str] = {}
    for name, provider in config.providers.items():
        first = issuers.setdefault((provider.issuer, provider.client_id), name)
        if first != name:
            # The same person would have two accounts, and a back-channel sign-out would end one of them.
            wrong[f"providers.{name}.issuer"] = f"is that of providers.{first}, with the same client_id"
        if provider.link_verified_email and not provider.allowed_domains:
            message = "must be set with link_verified_email: an address of any domain would do otherwise"
            wrong[f"providers.{name}.allowed_domains"] = message
    return wrong


def _across_directory(directory: Directory) -> Iterator[tuple[str, str]]:
    yield from _across_bind(directory)
    has_plain = any(url.startswith("ldap:") for url in directory.urls)
    if has_plain and not directory.start_tls and not directory.allow_unencrypted:
        yield "start_tls", "must be true for ldap:// hosts: passwords would cross the network in the clear"
    if bool(directory.client_certificate_file) != bool(directory.client_key_file):
        missing = "client_key_file" if directory.client_certificate_file else "client_certificate_file"
        yield missing, "must be set: a client certificate and its key belong together"
    if directory.login_seconds < directory.connect_seconds:
        yield "login_seconds", f"must not be below connect_seconds ({directory.connect_seconds:g})"


def _across_bind(directory: Directory) -> Iterator[tuple[str, str]]:
    """Exactly one way to bind, and that one complete."""
    if directory.bind == "service":
        if not directory.bind_dn:
            yield "bind_dn", "must be set with bind = service"
        # A bind with a name and no password is anonymous, and succeeds (RFC 4513, 5.1.2).
        if directory.bind_password is None:
            yield "bind_password", "must be set with bind = service"
        if directory.bind_template:
            yield "bind_template", "belongs to bind = direct"
        return
    if not directory.bind_template:
        yield "bind_template", "must be set with bind = direct"
    elif directory.kind == "ldap" and not _is_name(directory.bind_template):
        # RFC 4513, 5.1.1: a server other than Active Directory takes nothing else, and would refuse everybody.
        yield "bind_template", "must be a distinguished name such as uid={user},ou=people,dc=example with kind = ldap"
    if directory.bind_dn:
        yield "bind_dn", "belongs to bind = service"
    if directory.bind_password is not None:
        yield "bind_password", "belongs to bind = service"
