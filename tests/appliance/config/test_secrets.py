"""Secrets come from the environment or from files, are never shown, and lie nowhere that others can read."""

import copy
import logging
import pickle
import traceback
from pathlib import Path

import msgspec
import pytest

from appliance.config import ConfigInvalidError, Loaded, Secret, Source, load

URL = "postgresql://leash:hunter2-of-the-test@db.example.org/leash"
FILE_VARIABLE = "LEASH_DATABASE__OWNER_URL_FILE"


def secret_file(tmp_path: Path, text: str | bytes = URL, mode: int = 0o600) -> Path:
    path = tmp_path / "owner_url"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def with_toml(tmp_path: Path, toml: str, mode: int = 0o600, **environ: str) -> Loaded:
    path = tmp_path / "config.toml"
    path.write_text(toml, "utf-8")
    path.chmod(mode)
    return load(path, environ)


def revealed(found: Loaded) -> str:
    secret = found.config.database.owner_url
    assert secret is not None
    return secret.reveal()


def message_of(path: Path | None, **environ: str) -> str:
    with pytest.raises(ConfigInvalidError) as raised:
        load(path, environ)
    text = "".join(traceback.format_exception(raised.value))
    assert "hunter2" not in text
    (problem,) = raised.value.problems
    assert problem.key == "database.owner_url"
    return problem.message


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_a_secret_is_read_from_a_file_that_the_environment_names(tmp_path: Path, end: str) -> None:
    """Line ends behind it do not belong to it; the file's name is told, never its content."""
    path = secret_file(tmp_path, URL + end)
    found = load(None, {FILE_VARIABLE: str(path)})
    assert revealed(found) == URL
    origin = found.provenance["database.owner_url"]
    assert (origin.source, origin.place, origin.secret_file) == (Source.ENVIRONMENT, FILE_VARIABLE, str(path))


def test_a_secret_file_in_the_toml_file_starts_at_its_directory(tmp_path: Path) -> None:
    """So a directory with both can be moved."""
    path = secret_file(tmp_path)
    found = with_toml(tmp_path, "[database]\nowner_url_file = 'owner_url'", mode=0o644)
    assert revealed(found) == URL
    assert found.provenance["database.owner_url"].secret_file == str(path)


def test_the_environment_wins_for_secrets_too(tmp_path: Path) -> None:
    """Whether text or file stood in the TOML file."""
    found = with_toml(tmp_path, f"[database]\nowner_url = '{URL}'", LEASH_DATABASE__OWNER_URL="postgres://other/db")
    assert revealed(found) == "postgres://other/db"
    assert found.provenance["database.owner_url"].secret_file == ""


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    """Nobody can tell which one was meant."""
    path = secret_file(tmp_path)
    assert message_of(None, LEASH_DATABASE__OWNER_URL=URL, **{FILE_VARIABLE: str(path)}).startswith("is given twice")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610, 0o660, 0o644, 0o601])
def test_a_secret_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    """In its own file or in the TOML file, with the command that mends it."""
    path = secret_file(tmp_path, mode=mode)
    assert message_of(None, **{FILE_VARIABLE: str(path)}).endswith(f"others may read; chmod 600 {path}")
    config = tmp_path / "config.toml"
    config.write_text(f"[database]\nowner_url = '{URL}'")
    config.chmod(mode)
    assert message_of(config).endswith(f"others may read; chmod 600 {config}")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "names an empty file"),
        ("\n \n", "names an empty file"),
        (b"\xff" + URL.encode(), "names a file that is not UTF-8: "),
        (URL + "x" * 70_000, "names a file of more than 65536 bytes: "),
        ("hunter2 of another kind", "is not a postgresql:// URL"),
        ("postgresql://[hunter2/db", "is not a postgresql:// URL"),
        ("mysql://root:hunter2@db/leash", "is not a postgresql:// URL"),
    ],
)
def test_a_secret_that_cannot_be_used_is_refused_without_being_shown(
    tmp_path: Path, text: str | bytes, told: str
) -> None:
    """What is wrong, never what was written."""
    path = secret_file(tmp_path, text)
    assert message_of(None, **{FILE_VARIABLE: str(path)}).startswith(told)


@pytest.mark.parametrize(
    ("value", "told"),
    [("", "is empty"), (" ", "is empty"), ("hunter2", "is not a postgresql:// URL"), ("hunter2\0", "holds a NUL")],
)
def test_a_secret_variable_that_cannot_be_used_is_refused(value: str, told: str) -> None:
    """An empty variable is a mistake, not the default."""
    assert message_of(None, LEASH_DATABASE__OWNER_URL=value).startswith(told)


def test_a_missing_secret_file_is_told_by_name(tmp_path: Path) -> None:
    """Also a directory, and a value that is no text."""
    missing = tmp_path / "missing"
    assert message_of(None, **{FILE_VARIABLE: str(missing)}).startswith(f"names a file that cannot be read: {missing}")
    assert message_of(None, **{FILE_VARIABLE: str(tmp_path)}).startswith("names a file that cannot be read: ")
    config = tmp_path / "config.toml"
    config.write_text("[database]\nowner_url = 7")
    config.chmod(0o600)
    assert message_of(config) == "must be text"


def test_a_secret_never_shows_itself() -> None:
    """Not printed, formatted, logged, traced or written out as JSON."""
    config = load(None, {"LEASH_DATABASE__OWNER_URL": URL}).config
    secret = config.database.owner_url
    record = logging.LogRecord("x", logging.INFO, "x", 1, "%s %r", (secret, config), None)
    shown = [f"{secret}", f"{secret!r:>20}", f"{secret:>9}", str(config), repr(config.database), record.getMessage()]
    assert not [text for text in shown if "hunter2" in text]
    assert "***" in shown[0]
    with pytest.raises(TypeError):
        msgspec.json.encode(config)
    with pytest.raises(TypeError):
        vars(secret)


def test_secrets_compare_without_being_revealed() -> None:
    """Equal texts are equal secrets; a secret equals no plain text."""
    assert Secret("a") == Secret("a")
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert Secret("a") != "a"
    assert copy.deepcopy(Secret("ä")) == Secret("ä")
    assert pickle.loads(pickle.dumps(Secret("a"))) == Secret("a")  # noqa: S301 - made on this line
