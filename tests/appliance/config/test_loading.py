"""Environment beats file beats defaults; whatever is wrong is told at once, with its place."""

from pathlib import Path

import pytest

from appliance.config import Config, ConfigFileUnreadableError, ConfigInvalidError, Loaded, Provenance, Source, load
from appliance.config.settings import SECTIONS, SETTINGS


def loaded(tmp_path: Path, toml: str = "", **environ: str) -> Loaded:
    path = tmp_path / "config.toml"
    path.write_text(toml, "utf-8")
    return load(path, environ)


def refused(tmp_path: Path, toml: str = "", **environ: str) -> list[str]:
    with pytest.raises(ConfigInvalidError) as raised:
        loaded(tmp_path, toml, **environ)
    place = str(tmp_path / "config.toml")
    return [str(problem).replace(place, "FILE") for problem in raised.value.problems]


def test_without_file_and_environment_everything_is_a_default() -> None:
    """The defaults are a configuration that starts."""
    found = load(None, {"PATH": "/bin", "HOME": "/root"})
    assert found.config == Config()
    assert set(found.provenance) == set(SETTINGS)
    assert set(found.provenance.values()) == {Provenance()}


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    """Each value tells where it comes from."""
    found = loaded(
        tmp_path,
        '[server]\nport = 9000\nhost = "::1"\n[api]\nburst = 7\n',
        LEASH_SERVER__PORT="9001",
        LEASH_SERVER__TRUSTED_PROXIES=" 10.0.0.0/8 , fd00::/8,",
    )
    assert (found.config.server.port, found.config.server.host, found.config.api.burst) == (9001, "::1", 7)
    assert found.config.server.trusted_proxies == ("10.0.0.0/8", "fd00::/8")
    assert found.config.hooks == Config().hooks
    of_port, of_burst = found.provenance["server.port"], found.provenance["api.burst"]
    assert (of_port.source, of_port.place) == (Source.ENVIRONMENT, "LEASH_SERVER__PORT")
    assert (of_burst.source, of_burst.place) == (Source.FILE, str(tmp_path / "config.toml"))
    assert found.provenance["api.request_bytes_max"] == Provenance()


def test_the_tree_is_frozen() -> None:
    """Nobody changes a setting after the start."""
    config = load(None, {}).config
    with pytest.raises(AttributeError):
        config.server = config.server  # type: ignore[misc]
    with pytest.raises(AttributeError):
        config.server.port = 1  # type: ignore[misc]
    for section in SECTIONS.values():
        with pytest.raises(AttributeError):
            setattr(section(), section.__struct_fields__[0], 1)


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("[server]\nprot = 1", "FILE: server.prot is unknown; did you mean port?"),
        ("[servr]\nport = 1", "FILE: servr is an unknown section; did you mean server?"),
        ("port = 1", "FILE: port stands outside a section; it belongs under [server] or [smtp]"),
        ("burst = 1", "FILE: burst stands outside a section; it belongs under [hooks] or [api]"),
        ("server = 1", "FILE: server must be a section, [server]"),
        ("[[server]]\nport = 1", "FILE: server must be a section, [server]"),
        ("[database]\nowner_url_fil = 'x'", "FILE: database.owner_url_fil is unknown; did you mean owner_url_file?"),
        ("[server]\nport_file = 'x'", "FILE: server.port_file is unknown; did you mean port?"),
        ("[server]\nPORT = 1", "FILE: server.PORT is unknown"),
        ("[server]\nzzzzzzzzzz = 1", "FILE: server.zzzzzzzzzz is unknown"),
        ("[server.port]\nvalue = 1", "FILE: server.port is {'value': 1}; expected a whole number from 1 to 65535"),
    ],
)
def test_an_unknown_name_in_the_file_is_refused_with_the_nearest_one(tmp_path: Path, toml: str, told: str) -> None:
    """A misspelt key never passes for a default."""
    assert refused(tmp_path, toml) == [told]


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ("LEASH_SERVER__PROT", "LEASH_SERVER__PROT: is unknown; did you mean LEASH_SERVER__PORT?"),
        ("LEASH_SERVER_PORT", "LEASH_SERVER_PORT: is unknown; did you mean LEASH_SERVER__PORT?"),
        ("leash_server__port", "leash_server__port: is unknown"),
        ("LEASH_", "LEASH_: is unknown"),
        ("LEASH_DATABASE__OWNER_URL_FIEL", "LEASH_DATABASE__OWNER_URL_FIEL: is unknown; did you mean "),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest_one(tmp_path: Path, variable: str, told: str) -> None:
    """Only names that begin with LEASH_ are looked at."""
    (problem,) = refused(tmp_path, **{variable: "1"})
    assert problem.startswith(told)


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ("[server]\nport = 0", "FILE: server.port is 0; expected a whole number from 1 to 65535"),
        ("[server]\nport = 65536", "FILE: server.port is 65536; expected"),
        ("[server]\nport = '9318'", "FILE: server.port is '9318'; expected"),
        ("[server]\nport = 9318.5", "FILE: server.port is 9318.5; expected"),
        ("[server]\nport = true", "FILE: server.port is true; expected"),
        ("[server]\nport = 1979-05-27", "FILE: server.port is datetime.date(1979, 5, 27); expected"),
        ("[server]\nport = 99999999999999999999", "FILE: server.port is 99999999999999999999; expected"),
        ("[organization]\nname = 'a:b'", "FILE: organization.name is longer than 100 characters, or holds a colon"),
        ("[organization]\nname = 'a\u202eb'", "FILE: organization.name is longer than 100 characters, or holds"),
        ("[organization]\nslug = 'Big Corp'", "FILE: organization.slug is 'Big Corp'; expected at most 63 lower-case"),
        ("[organization]\nslug = '-a'", "FILE: organization.slug is '-a'; expected"),
        ("[server]\nhost = 'a b'", "FILE: server.host is not a host name or an IP address; expected"),
        ("[server]\nhost = '1.2.3'", "FILE: server.host is not a host name or an IP address; expected"),
        ("[server]\ntrusted_proxies = '10.0.0.0/8'", "FILE: server.trusted_proxies is '10.0.0.0/8'; expected a list"),
        ("[server]\ntrusted_proxies = ['10.0.0.1/8']", "FILE: server.trusted_proxies holds '10.0.0.1/8', which is not"),
        ("[server]\ntrusted_proxies = ['0.0.0.0/0']", "FILE: server.trusted_proxies holds '0.0.0.0/0', the whole"),
        ("[server]\ninstance = 'A'", "FILE: server.instance is 'A'; expected at most 32 lower-case letters"),
        ('[server]\ninstance = "a\\n"', "FILE: server.instance is 'a\\n'; expected"),
        ("[hooks]\nhold_seconds = nan", "FILE: hooks.hold_seconds is nan; expected a number from 1 to 3600 (seconds)"),
        ("[hooks]\nhold_seconds = inf", "FILE: hooks.hold_seconds is inf; expected"),
        ("[api]\nrequests_per_second = 0", "FILE: api.requests_per_second is 0; expected a number above 0, at most"),
        ("[logging]\nlevel = 'loud'", 'FILE: logging.level is \'loud\'; expected one of "debug", "info"'),
        ("[state]\ndirectory = ''", "FILE: state.directory is empty or the working directory itself; expected"),
        ("[state]\ndirectory = '.'", "FILE: state.directory is empty or the working directory itself; expected"),
        ('[state]\ndirectory = "a\\u0000b"', "FILE: state.directory is not a path; expected"),
        ("[state]\ndirectory = 7", "FILE: state.directory is not a path; expected"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place_and_what_is_expected(tmp_path: Path, toml: str, told: str) -> None:
    """The value as written, and the range with its unit."""
    (problem,) = refused(tmp_path, toml)
    assert problem.startswith(told)


@pytest.mark.parametrize("host", ["*.Example.org", "example.org:0", "example.org:65536", "example.org:", "a:b", ":80"])
def test_a_list_of_hosts_holds_hosts_with_or_without_a_port(tmp_path: Path, host: str) -> None:
    """In lower case, an address too; nothing else."""
    hosts = ("example.org", "*.example.org:8443", "10.0.0.1:81", "[::1]:82", "::1")
    written = ", ".join(f'"{each}"' for each in hosts)
    assert loaded(tmp_path, f"[notifications]\nprivate_hosts = [{written}]").config.notifications.private_hosts == hosts
    (problem,) = refused(tmp_path, f'[notifications]\nprivate_hosts = ["{host}"]')
    assert "which is not a host name in lower case" in problem


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("LEASH_SERVER__PORT", "", "is empty; expected a whole number from 1 to 65535"),
        ("LEASH_SERVER__PORT", "9318 ", "is 9318 ; expected"),
        ("LEASH_SERVER__PORT", "0x10", "is 0x10; expected"),
        ("LEASH_SERVER__PORT", "9" * 5000, "is 9999"),
        ("LEASH_HOOKS__HOLD_SECONDS", "NaN", "is "),
        ("LEASH_HOOKS__HOLD_SECONDS", "1e400", "is "),
        ("LEASH_HOOKS__HOLD_SECONDS", "10\x1b[31m", "is 10\N{REPLACEMENT CHARACTER}[31m; expected"),
        ("LEASH_LOGGING__FORMAT", "xml", 'is xml; expected one of "json", "console"'),
        ("LEASH_STATE__DIRECTORY", "", "is empty or the working directory itself; expected"),
    ],
)
def test_a_wrong_variable_is_refused(tmp_path: Path, variable: str, value: str, told: str) -> None:
    """Text that is no value of the setting's type; control characters are not printed."""
    (problem,) = refused(tmp_path, **{variable: value})
    assert problem.partition(f"{variable}: ")[2].partition(" ")[2].startswith(told)
    assert len(problem) < 300


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    """File and environment, unknown and wrong, in one error that names the reference."""
    with pytest.raises(ConfigInvalidError) as raised:
        loaded(tmp_path, "[server]\nport = 0\nprot = 1\n[api]\nburst = 0", LEASH_HOOKS__BURST="x", LEASH_NOPE="1")
    keys = {problem.key for problem in raised.value.problems}
    assert keys == {"server.port", "server.prot", "api.burst", "hooks.burst", "LEASH_NOPE"}
    assert all(problem.message in raised.value.detail for problem in raised.value.problems)
    assert "docs/reference/settings.md" in raised.value.next_step


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"[server", "is not TOML: "),
        (b"[server]\nport = 1\nport = 2", "is not TOML: "),
        (b"[server]\n[server]", "is not TOML: "),
        (b"\xef\xbb\xbf\xef\xbb\xbf[server]\nport = 1", "is not TOML: "),
        (b"\xff\xfe[\x00s\x00", "is not UTF-8"),
        (b"[server]\nhost = '\xe4'", "is not UTF-8"),
        (b"[server]\nhost = 'a\x00'", "is not TOML: "),
        (b"[server]\nport = " + b"9" * 5000, "is not TOML that can be read: a number is too long"),
        (b"[server]\nport = " + b"[" * 5000 + b"]" * 5000, "is not TOML that can be read: a number is too long or it"),
        (b"a." * 5000 + b"b = 1", ""),
    ],
)
def test_a_file_that_is_not_toml_is_refused_with_its_name(tmp_path: Path, raw: bytes, told: str) -> None:
    """Damaged, in another encoding, with two byte order marks, or made to exhaust the parser."""
    path = tmp_path / "config.toml"
    path.write_bytes(raw)
    with pytest.raises(ConfigInvalidError) as raised:
        load(path, {})
    (problem,) = raised.value.problems
    assert problem.place == str(path)
    assert problem.message.startswith(told)


def test_a_file_that_cannot_be_read_is_told_by_name(tmp_path: Path) -> None:
    """Missing, or a directory."""
    for path in (tmp_path / "missing.toml", tmp_path):
        with pytest.raises(ConfigFileUnreadableError) as raised:
            load(path, {})
        assert raised.value.detail.startswith(f"{path} cannot be read: ")


def test_the_byte_order_mark_of_an_editor_does_not_matter(tmp_path: Path) -> None:
    """Windows editors put one in front of UTF-8."""
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xef\xbb\xbf[server]\r\nport = 9400\r\n")
    assert load(path, {}).config.server.port == 9400


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    """It holds no settings, which is fine."""
    assert loaded(tmp_path).config == Config()
    assert loaded(tmp_path, "[server]\n[api]\n").config == Config()


def test_rules_between_settings_name_the_setting_to_change(tmp_path: Path) -> None:
    """What is fine alone may be wrong together."""
    assert refused(tmp_path, "[server]\nhost = '0.0.0.0'") == [
        "LEASH_SERVER__PUBLIC_URL: server.public_url must be set, because 0.0.0.0 is no address that people can open"
    ]
    (problem,) = refused(tmp_path, "[server]\nhost = '10.0.0.7'")
    assert problem.endswith("public_url must be set to an https:// origin, because 10.0.0.7 is not loopback")
    assert refused(tmp_path, "[hooks]\nhold_seconds = 5\ndecision_timeout_seconds = 6") == [
        "FILE: hooks.decision_timeout_seconds must not be above hooks.hold_seconds (5)"
    ]
    fine = loaded(tmp_path, "[server]\nhost = '::'\npublic_url = 'https://leash.example.org/'").config
    assert fine.public_origin == "https://leash.example.org"


def test_a_relative_directory_and_a_home_are_kept_as_paths(tmp_path: Path) -> None:
    """`~` is the home of whoever starts the service."""
    assert loaded(tmp_path, "[state]\ndirectory = 'my state'").config.state.directory == Path("my state")
    assert loaded(tmp_path, "[state]\ndirectory = '~/leash'").config.state.directory == Path.home() / "leash"


def test_the_instance_has_a_name_of_its_own(tmp_path: Path) -> None:
    """The port tells two installations on one host apart, unless they are named."""
    assert loaded(tmp_path, "[server]\nport = 9400").config.instance_name == "9400"
    assert loaded(tmp_path, "[server]\ninstance = 'blue'").config.instance_name == "blue"
