"""Directories as the configuration describes them, for the servers that tests start."""

from pathlib import Path
from typing import Any

from appliance.adapters.ldap.directory import LdapDirectory
from appliance.config.secret import Secret
from appliance.config.sign_in import Directory
from tests.support import samba, slapd, stub_directory


def of_stubs(*stubs: stub_directory.StubDirectory, **changed: Any) -> LdapDirectory:  # noqa: ANN401 - any setting
    """Unencrypted unless `urls` says otherwise; times are short, so that tests are."""
    settings: dict[str, Any] = {
        "kind": "ldap",
        "urls": tuple([f"ldap://127.0.0.1:{stub.port}" for stub in stubs]),
        "start_tls": False,
        "allow_unencrypted": True,
        "bind_dn": stub_directory.SERVICE,
        "bind_password": Secret(stub_directory.SERVICE_PASSWORD),
        "user_base": stub_directory.BASE,
        "connect_seconds": 0.5,
        "receive_seconds": 0.5,
        "login_seconds": 2.0,
    }
    return LdapDirectory("stub", Directory(**{**settings, **changed}))


def of_slapds(*servers: slapd.Slapd, **changed: Any) -> LdapDirectory:  # noqa: ANN401 - any setting
    """LDAPS, by the service account."""
    settings: dict[str, Any] = {
        "kind": "ldap",
        "urls": tuple([server.ldaps for server in servers]),
        "ca_file": servers[0].authority.file,
        "bind_dn": slapd.SERVICE,
        "bind_password": Secret(slapd.SERVICE_PASSWORD),
        "user_base": slapd.PEOPLE,
        "group_base": slapd.GROUPS,
    }
    return LdapDirectory("slapd", Directory(**{**settings, **changed}))


def of_domain(domain: samba.Samba, **changed: Any) -> LdapDirectory:  # noqa: ANN401 - any setting
    """LDAPS, by the service account."""
    settings: dict[str, Any] = {
        "kind": "active_directory",
        "urls": (domain.ldaps,),
        "ca_file": domain.authority.file,
        "bind_dn": samba.SERVICE,
        "bind_password": Secret(samba.SERVICE_PASSWORD),
        "user_base": samba.BASE,
    }
    return LdapDirectory("corp", Directory(**{**settings, **changed}))


def trusting(authority: Path) -> dict[str, Any]:
    """Settings that encrypt and believe one authority."""
    return {"ca_file": authority, "start_tls": True, "allow_unencrypted": False}
