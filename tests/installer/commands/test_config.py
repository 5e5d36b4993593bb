"""`leashctl config`: every value, where it comes from, and no secret."""

import json
from pathlib import Path

from appliance.config.settings import SETTINGS
from tests.installer.conftest import Leashctl

URL = "postgresql://leash_owner:correct-horse@db.example.org/leash"


def test_every_setting_is_shown_with_its_origin(leashctl: Leashctl, tmp_path: Path) -> None:
    """The environment beats the file, the file beats the default, and each says so."""
    (tmp_path / "config.toml").write_text("[server]\nport = 9400\nhost = '127.0.0.2'\n")
    done = leashctl("config", "show", "--json", LEASH_SERVER__PORT="9500")
    values = {each["key"]: each for each in json.loads(done.stdout)}
    assert list(values) == list(SETTINGS)
    port, host, level = values["server.port"], values["server.host"], values["logging.level"]
    assert (port["value"], port["source"], port["place"]) == (9500, "environment", "LEASH_SERVER__PORT")
    assert (host["value"], host["source"], host["place"]) == ("127.0.0.2", "file", "config.toml")
    assert (level["value"], level["source"], level["place"]) == ("info", "default", "")


def test_named_sections_are_shown_too(leashctl: Leashctl) -> None:
    """Behind the others, with their names, and no secret."""
    done = leashctl(
        "config",
        "show",
        "--json",
        LEASH_PROVIDERS__STAFF__ISSUER="https://id.example.org",
        LEASH_PROVIDERS__STAFF__CLIENT_ID="leash",
        LEASH_PROVIDERS__STAFF__CLIENT_SECRET="correct-horse",
    )
    values = {each["key"]: each for each in json.loads(done.stdout)}
    issuer, secret = values["providers.staff.issuer"], values["providers.staff.client_secret"]
    assert (issuer["value"], issuer["place"]) == ("https://id.example.org", "LEASH_PROVIDERS__STAFF__ISSUER")
    assert (secret["value"], secret["source"]) == ("***", "environment")
    assert values["providers.staff.ca_file"]["value"] is None
    assert "correct-horse" not in done.stdout


def test_a_person_reads_the_same(leashctl: Leashctl) -> None:
    """One line a setting."""
    lines = leashctl("config", "show", LEASH_SERVER__PORT="9500").stdout.splitlines()
    assert len(lines) == len(SETTINGS)
    assert "server.port 9500 environment LEASH_SERVER__PORT" in [" ".join(line.split()) for line in lines]


def test_no_secret_is_shown(leashctl: Leashctl, tmp_path: Path) -> None:
    """Neither from the environment nor from a secret file, in neither form; only that it is set, and where."""
    file = tmp_path / "owner.url"
    file.write_text(URL)
    file.chmod(0o600)
    for form in ((), ("--json",)):
        done = leashctl(
            "config", "show", *form, LEASH_DATABASE__OWNER_URL_FILE=str(file), LEASH_DATABASE__SERVICE_URL=URL
        )
        assert done.returncode == 0
        assert "correct-horse" not in done.stdout + done.stderr
        assert "***" in done.stdout
        assert str(file) in done.stdout
        assert "LEASH_DATABASE__SERVICE_URL" in done.stdout


def test_a_misspelt_setting_is_refused_with_the_nearest_name(leashctl: Leashctl) -> None:
    """Exit code 78, for people and for programs, by every command that needs the configuration."""
    for command in (("config", "check"), ("config", "show"), ("status",), ("up",)):
        done = leashctl(*command, LEASH_SERVER__PROT="9500")
        assert done.returncode == 78, command
        assert "did you mean LEASH_SERVER__PORT?" in done.stderr
        assert "Traceback" not in done.stderr
    told = json.loads(leashctl("config", "check", "--json", LEASH_SERVER__PROT="9500").stderr)
    assert told["code"] == "config_invalid"
    assert told["next_step"]


def test_a_good_configuration_is_said_to_be_good(leashctl: Leashctl, tmp_path: Path) -> None:
    """With the file that was read."""
    (tmp_path / "other.toml").write_text("[server]\nport = 9400\n")
    done = leashctl("--config", "other.toml", "config", "check", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["file"] == "other.toml"


def test_a_file_that_is_not_there_is_told(leashctl: Leashctl) -> None:
    """Exit code 78 and its name."""
    done = leashctl("--config", "absent.toml", "config", "check")
    assert done.returncode == 78
    assert "absent.toml" in done.stderr
