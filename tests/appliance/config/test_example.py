"""config.example.toml lists every setting with its default, and is a usable file."""

import re
from pathlib import Path

import msgspec
import pytest

from appliance.config import Config, Source, load
from appliance.config.example import example_text
from appliance.config.settings import SETTINGS, Setting

COMMITTED = Path(__file__).parents[3] / "config.example.toml"
SET = re.compile(r"^#(?=\w+ = )", re.MULTILINE)


def test_the_committed_file_is_the_one_that_the_settings_make() -> None:
    """`python -m tests.docs` writes it again."""
    assert COMMITTED.read_text("utf-8") == example_text()


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: setting.key)
def test_every_setting_is_described(setting: Setting) -> None:
    """A sentence, what a value looks like, and the environment variable."""
    text = " ".join(example_text().replace("\n# ", " ").split())
    assert setting.description.endswith(".")
    assert setting.description in text
    assert f"{setting.expected[1:]}" in text
    assert f"{setting.variable} " in text + " "


def test_the_file_as_it_stands_changes_nothing(tmp_path: Path) -> None:
    """Copied and left alone, every value is still a default."""
    path = tmp_path / "config.toml"
    path.write_text(example_text(), "utf-8")
    loaded = load(path, {})
    assert loaded.config == Config()
    assert {provenance.source for provenance in loaded.provenance.values()} == {Source.DEFAULT}


def test_the_file_with_every_line_taken_says_the_defaults(tmp_path: Path) -> None:
    """The values behind the # are the defaults; only secrets have none."""
    taken = SET.sub("", example_text())
    for setting in SETTINGS.values():
        if setting.is_secret:
            taken = re.sub(rf"^{setting.name}(_file)? = .*$", "", taken, flags=re.MULTILINE)
    path = tmp_path / "config.toml"
    path.write_text(taken, "utf-8")
    loaded = load(path, {})
    assert msgspec.structs.asdict(loaded.config) == msgspec.structs.asdict(Config())
    from_file = {key for key, provenance in loaded.provenance.items() if provenance.source is Source.FILE}
    assert from_file == {key for key, setting in SETTINGS.items() if not setting.is_secret}
