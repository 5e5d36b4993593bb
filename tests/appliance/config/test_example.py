"""config.example.toml lists every setting with its default, and is a usable file."""

import re
from pathlib import Path

import msgspec
import pytest

from appliance.config import Config, Source, load
from appliance.config.example import EXAMPLE_NAMES, example_text
from appliance.config.settings import NAMED_SECTIONS, SETTINGS, TEMPLATES, Setting

COMMITTED = Path(__file__).parents[3] / "config.example.toml"
SET = re.compile(r"^#(?=\w+ = |\[)", re.MULTILINE)
SECRETS = [each for each in [*SETTINGS.values(), *TEMPLATES.values()] if each.is_secret]


def test_the_committed_file_is_the_one_that_the_settings_make() -> None:
    """`python -m tests.docs` writes it again."""
    assert COMMITTED.read_text("utf-8") == example_text()


@pytest.mark.parametrize("setting", [*SETTINGS.values(), *TEMPLATES.values()], ids=lambda setting: setting.key)
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
    loaded = load(_with_every_line(tmp_path), {})
    of_sections = {**msgspec.structs.asdict(loaded.config), **{kind: {} for kind in NAMED_SECTIONS}}
    assert of_sections == msgspec.structs.asdict(Config())
    from_file = {key for key, provenance in loaded.provenance.items() if provenance.source is Source.FILE}
    assert {key for key in from_file if key in SETTINGS} == {k for k, each in SETTINGS.items() if not each.is_secret}


def test_the_examples_of_named_sections_can_be_used_and_differ_in_what_must_be_set(tmp_path: Path) -> None:
    """Taken as they are they make one directory and one provider, with the defaults elsewhere."""
    config = load(_with_every_line(tmp_path), {}).config
    for kind, name in EXAMPLE_NAMES.items():
        (found,) = getattr(config, kind).items()
        assert found[0] == name
        required = {key: getattr(found[1], key) for key in ("bind_dn", "bind_password") if hasattr(found[1], key)}
        required |= {e.name: getattr(found[1], e.name) for e in TEMPLATES.values() if e.is_required and _is_of(e, kind)}
        assert found[1] == NAMED_SECTIONS[kind](**required)


def _is_of(setting: Setting, kind: str) -> bool:
    return setting.section.startswith(f"{kind}.")


def _with_every_line(tmp_path: Path) -> Path:
    """The example with every line taken, but no secret except the one that its directory needs."""
    taken = SET.sub("", example_text())
    for setting in SECRETS:
        taken = re.sub(rf"^{setting.name}(_file)? = .*$", "", taken, flags=re.MULTILINE)
    taken = taken.replace('bind = "service"', 'bind = "service"\nbind_password = "secret"')
    path = tmp_path / "config.toml"
    path.write_text(taken, "utf-8")
    path.chmod(0o600)
    return path
