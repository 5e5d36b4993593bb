"""Directories and providers by name: from the file, from the environment, and never half set up."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from appliance.config import ConfigInvalidError, Loaded, Provenance, Source, load
from appliance.config.settings import TEMPLATES, value_of
from appliance.config.sign_in import BY_KIND, Directory

AD = {
    "kind": "'active_directory'",
    "urls": "['ldaps://dc1', 'ldaps://dc2:3269']",
    "user_base": "'DC=x'",
    "bind_dn": "'CN=leash,DC=x'",
    "bind_password": "'hunter2'",
}
OIDC = {"issuer": "'https://id.example.org/staff'", "client_id": "'leash'"}
VARIABLES = {
    "LEASH_DIRECTORIES__BRANCH_2__KIND": "ldap",
    "LEASH_DIRECTORIES__BRANCH_2__URLS": "ldap://a, ldaps://b:636",
    "LEASH_DIRECTORIES__BRANCH_2__USER_BASE": "ou=people,dc=x",
    "LEASH_DIRECTORIES__BRANCH_2__BIND": "direct",
    "LEASH_DIRECTORIES__BRANCH_2__BIND_TEMPLATE": "uid={user},ou=people,dc=x",
}


def toml(header: str, settings: Mapping[str, str], **more: str) -> str:
    lines = [f"{name} = {value}" for name, value in {**settings, **more}.items() if value]
    return "\n".join([f"[{header}]", *lines, ""])


def loaded(tmp_path: Path, text: str = "", **environ: str) -> Loaded:
    path = tmp_path / "config.toml"
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    return load(path, environ)


def refused(tmp_path: Path, text: str = "", **environ: str) -> list[str]:
    with pytest.raises(ConfigInvalidError) as raised:
        loaded(tmp_path, text, **environ)
    assert "hunter2" not in str(raised.value)
    return [str(each).replace(str(tmp_path / "config.toml"), "FILE") for each in raised.value.problems]


def test_several_directories_and_providers_stand_side_by_side(tmp_path: Path) -> None:
    """In their order; what is not written is a default, of the kind where the kind decides."""
    text = toml("directories.corp", AD) + toml("providers.staff", OIDC, label="'Staff'")
    config = loaded(tmp_path, text, **VARIABLES).config
    assert list(config.directories) == ["corp", "branch-2"]
    corp, branch = config.directories["corp"], config.directories["branch-2"]
    assert (corp.label, corp.urls, corp.group_base) == ("corp", ("ldaps://dc1", "ldaps://dc2:3269"), "DC=x")
    assert corp.bind_password is not None
    assert corp.bind_password.reveal() == "hunter2"
    assert "hunter2" not in repr(config)
    for directory in (corp, branch):
        for name, value in BY_KIND[directory.kind].items():
            assert getattr(directory, name) == value
    assert (branch.urls, branch.bind_template) == (("ldap://a", "ldaps://b:636"), "uid={user},ou=people,dc=x")
    assert config.providers["staff"].label == "Staff"


def test_what_is_written_wins_over_what_the_kind_says() -> None:
    """Each of them alone."""
    named = Directory(
        kind="ldap", urls=("ldaps://a",), user_base="dc=x", name_attribute="displayName", group_base="ou=g"
    )
    assert (named.name_attribute, named.group_base, named.email_attribute) == ("displayName", "ou=g", "mail")


def test_file_and_environment_set_one_section_together(tmp_path: Path) -> None:
    """Each value tells where it comes from, and can be read by its key."""
    secret = tmp_path / "password"
    secret.write_text("hunter2\n")
    secret.chmod(0o600)
    (tmp_path / "ca.pem").touch()
    text = toml("directories.corp", AD, bind_password="", bind_password_file="'password'", ca_file="'ca.pem'")
    found = loaded(tmp_path, text, LEASH_DIRECTORIES__CORP__THREADS="7")
    corp = found.config.directories["corp"]
    assert (corp.threads, corp.ca_file) == (7, tmp_path / "ca.pem")
    assert corp.bind_password is not None
    assert corp.bind_password.reveal() == "hunter2"
    threads, password = found.provenance["directories.corp.threads"], found.provenance["directories.corp.bind_password"]
    assert (threads.source, threads.place) == (Source.ENVIRONMENT, "LEASH_DIRECTORIES__CORP__THREADS")
    assert (password.source, password.secret_file) == (Source.FILE, str(secret))
    assert found.provenance["directories.corp.page_size"] == Provenance()
    assert value_of(found.config, "directories.corp.threads") == 7
    assert len([key for key in found.provenance if key.startswith("directories.corp.")]) == len(
        [key for key in TEMPLATES if key.startswith("directories.")]
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[directory.corp]\n", "FILE: directory is an unknown section; did you mean directories?"),
        ("[directories]\nurls = ['ldaps://a']", "FILE: directories.urls must stand in a section with a name, "),
        ("directories = 1", "FILE: directories must be a section, [directories.NAME]"),
        ("issuer = 'x'", "FILE: issuer stands outside a section; it belongs under [providers.NAME]"),
        ("[directories.Corp]\nkind = 'ldap'", "FILE: directories.Corp needs a name of lower-case letters"),
        ("[directories.9]\nkind = 'ldap'", "FILE: directories.9 needs a name of lower-case letters"),
        (f"[directories.{'a' * 33}]\nkind = 'ldap'", f"FILE: directories.{'a' * 33} needs a name of lower-case"),
        (toml("directories.corp", AD, url="1"), "FILE: directories.corp.url is unknown; did you mean urls?"),
        (toml("directories.corp", AD, urls_file="'x'"), "FILE: directories.corp.urls_file is unknown; did you mean"),
        (toml("directories.corp", AD, urls=""), "FILE: directories.corp.urls must be set; expected a list of ldaps://"),
        (toml("providers.staff", OIDC, client_id=""), "FILE: providers.staff.client_id must be set; expected the"),
    ],
)
def test_an_unknown_or_missing_name_is_refused(tmp_path: Path, text: str, told: str) -> None:
    """With the nearest one, or what belongs there."""
    (problem,) = refused(tmp_path, text)
    assert problem.startswith(told)


def test_an_empty_section_is_a_directory_that_lacks_everything(tmp_path: Path) -> None:
    """It is not passed over in silence."""
    told = refused(tmp_path, "[directories.corp]\n")
    assert [each.split()[1] for each in told] == [f"directories.corp.{name}" for name in ("kind", "urls", "user_base")]


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ("LEASH_DIRECTORIES__CORP__URLZ", "directories.corp.urlz is unknown; did you mean urls?"),
        ("LEASH_DIRECTORIES__CORP", "LEASH_DIRECTORIES__CORP: is unknown"),
        ("LEASH_DIRECTORIES____URLS", "LEASH_DIRECTORIES____URLS: is unknown"),
        ("LEASH_DIRECTORIES__9__URLS", "LEASH_DIRECTORIES__9__URLS: is unknown"),
        ("leash_directories__corp__urls", "leash_directories__corp__urls: is unknown"),
    ],
)
def test_an_unknown_variable_is_refused(tmp_path: Path, variable: str, told: str) -> None:
    """Also where only its last part is wrong."""
    (problem,) = refused(tmp_path, **{variable: "x"})
    assert told in problem


NO_ACCOUNT = {"bind": "'direct'", "bind_dn": "", "bind_password": ""}
DIRECTORY_PROBLEMS = [
    ({"urls": "[]"}, "urls holds 0 hosts"),
    ({"urls": "['https://dc1']"}, "urls holds 'https://dc1', which is not ldaps://host[:port]"),
    ({"urls": "['ldaps://user@dc1']"}, "urls holds 'ldaps://user@dc1'"),
    ({"urls": "['ldaps://dc1/dc=x']"}, "urls holds 'ldaps://dc1/dc=x'"),
    ({"urls": "['ldaps://dc1:0']"}, "urls holds 'ldaps://dc1:0'"),
    ({"urls": "['ldaps://dc1', 'ldaps://dc1']"}, "urls names a host twice"),
    ({"urls": "['ldap://dc1']", "start_tls": "false"}, "start_tls must be true for ldap:// hosts"),
    ({"kind": "'openldap'"}, "kind is 'openldap'; expected one of"),
    ({"ca_file": "'missing.pem'"}, "ca_file names a file that cannot be read"),
    ({"client_key_file": "'config.toml'"}, "client_certificate_file must be set"),
    ({"client_certificate_file": "'config.toml'"}, "client_key_file must be set"),
    ({"bind_dn": ""}, "bind_dn must be set with bind = service"),
    ({"bind_password": ""}, "bind_password must be set with bind = service"),
    ({"bind_template": "'{user}@x'"}, "bind_template belongs to bind = direct"),
    ({"bind": "'direct'", "bind_dn": "", "bind_password": ""}, "bind_template must be set with bind = direct"),
    ({"bind": "'direct'", "bind_template": "'{user}@x'", "bind_dn": ""}, "bind_password belongs to bind = service"),
    ({"bind": "'direct'", "bind_template": "'{user}@x'", "bind_password": ""}, "bind_dn belongs to bind = service"),
    ({"bind_template": "'user@x'"}, "bind_template must hold {user} once"),
    *(
        ({**NO_ACCOUNT, "kind": "'ldap'", "bind_template": f"'{template}'"}, "bind_template must be a distinguished")
        for template in ("{user}@x", "X\\{user}", "{user}", "uid={user},people,dc=x", "uid={user},=x", "={user},dc=x")
    ),
    ({"bind_template": "'{user}{user}'"}, "bind_template must hold {user} once"),
    ({"bind_template": "'{user}{0}'"}, "bind_template must hold {user} once, and no other braces"),
    ({"user_filter": "'(uid={user})'"}, "user_filter must not hold {user}"),
    ({"user_filter": "'uid=*'"}, "user_filter is not an LDAP filter"),
    ({"group_filter": "'((cn=a)'"}, "group_filter is not an LDAP filter"),
    ({"login_attributes": "['uid)(cn=*']"}, "login_attributes holds 'uid)(cn=*', which is not an attribute"),
    ({"email_attribute": "'mail*'"}, "email_attribute is 'mail*'; expected an attribute name"),
    ({"threads": "0"}, "threads is 0; expected a whole number from 1 to 32"),
    ({"connect_seconds": "20.0"}, "login_seconds must not be below connect_seconds (20)"),
    ({"brake_percent": "101"}, "brake_percent is 101; expected a whole number from 0 to 100 (%)"),
]


@pytest.mark.parametrize(("change", "told"), DIRECTORY_PROBLEMS)
def test_a_directory_that_would_not_work_or_not_be_safe_is_refused(
    tmp_path: Path, change: dict[str, str], told: str
) -> None:
    """Exactly one way to bind, encryption unless that is given up by name, files that are there."""
    (problem,) = refused(tmp_path, toml("directories.corp", {**AD, **change}))
    assert f"directories.corp.{told}" in problem


def test_plain_text_must_be_chosen_by_name(tmp_path: Path) -> None:
    """And then it is taken."""
    unsafe = {"urls": "['ldap://dc1']", "start_tls": "false", "allow_unencrypted": "true"}
    assert loaded(tmp_path, toml("directories.corp", {**AD, **unsafe})).config.directories["corp"].allow_unencrypted


PROVIDER_PROBLEMS = [
    ({"issuer": "'http://id.example.org'"}, "issuer is not an https:// URL"),
    ({"issuer": "'https://id.example.org?x=1'"}, "issuer is not an https:// URL"),
    ({"issuer": "'https://u@id.example.org'"}, "issuer is not an https:// URL"),
    ({"issuer": "'https://'"}, "issuer is not an https:// URL"),
    ({"scopes": "['profile']"}, "scopes must hold openid"),
    ({"scopes": "['openid', 'a b']"}, "scopes holds what is not a scope"),
    ({"algorithm": "'HS256'"}, "algorithm is 'HS256'; expected one of"),
    ({"algorithm": "'none'"}, "algorithm is 'none'; expected one of"),
    ({"allowed_domains": "['Example.org']"}, "allowed_domains holds 'Example.org', which is not a domain"),
    ({"allowed_domains": "['@example.org']"}, "allowed_domains holds '@example.org'"),
    ({"link_verified_email": "true"}, "allowed_domains must be set with link_verified_email"),
    ({"clock_skew_seconds": "301"}, "clock_skew_seconds is 301; expected a whole number from 0 to 300 (seconds)"),
]


@pytest.mark.parametrize(("change", "told"), PROVIDER_PROBLEMS)
def test_a_provider_that_would_not_be_safe_is_refused(tmp_path: Path, change: dict[str, str], told: str) -> None:
    """No symmetric algorithm, no plain http, no people taken over by an address of any domain."""
    (problem,) = refused(tmp_path, toml("providers.staff", {**OIDC, **change}))
    assert f"providers.staff.{told}" in problem


def test_the_same_provider_twice_is_refused(tmp_path: Path) -> None:
    """One person would have two accounts; another client of the same provider is another thing."""
    text = toml("providers.a", OIDC) + toml("providers.b", OIDC)
    assert refused(tmp_path, text) == ["FILE: providers.b.issuer is that of providers.a, with the same client_id"]
    assert loaded(tmp_path, toml("providers.a", OIDC) + toml("providers.b", OIDC, client_id="'other'"))


def test_a_provider_on_this_machine_may_speak_plain_http(tmp_path: Path) -> None:
    """As one does that is being tried out; nobody can listen there."""
    text = toml("providers.staff", OIDC, issuer="'http://127.0.0.1:4000'")
    assert loaded(tmp_path, text).config.providers["staff"].issuer == "http://127.0.0.1:4000"


def test_a_secret_in_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """In a named section as in any other."""
    path = tmp_path / "config.toml"
    path.write_text(toml("directories.corp", AD), "utf-8")
    path.chmod(0o644)
    with pytest.raises(ConfigInvalidError, match=r"directories\.corp\.bind_password is a secret in a file"):
        load(path, {})
