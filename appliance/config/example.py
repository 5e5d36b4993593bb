"""The text of config.example.toml: every setting, with its default, its unit and what it does."""

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from appliance.config.settings import FILE_SUFFIX, NAME_PLACE, NAMED_SECTIONS, SECTIONS, SETTINGS, TEMPLATES, Setting

_WIDTH: Final = 100
_HEAD: Final = """\
# Every setting of OpenLeash Private Cloud, with its default and the environment variable that sets it too.
# Copy this file, take the # off the lines that you change, and leave the others: what is not set follows the
# defaults of the release that runs. The environment wins over the file. `leashctl config show` tells what holds,
# and where it comes from. A name that is not listed here is refused.
# (Written by `python -m tests.docs`; change the descriptions in appliance/config/sections.py.)
"""
# The names that the example gives to the sections of which there can be several.
EXAMPLE_NAMES: Final = {"directories": "corp", "providers": "staff"}
_SEVERAL: Final = (
    "There can be several of the following sections, each with a NAME of its own: lower-case letters, digits and"
    " hyphens, 32 at most. They are examples, so their first line is taken out too. In a variable the NAME is in"
    " capitals, with _ instead of a hyphen."
)


def example_text() -> str:
    """The whole file; with every `#key = value` line of a plain section uncommented it says the defaults alone."""
    blocks = [_HEAD.rstrip()]
    for section, struct in SECTIONS.items():
        blocks.append(f"{_comment(struct.__doc__ or '')}\n[{section}]")
        blocks.extend("\n".join(_lines(setting)) for setting in SETTINGS.values() if setting.section == section)
    blocks.append(_comment(_SEVERAL))
    for section, struct in NAMED_SECTIONS.items():
        blocks.append(f"{_comment(struct.__doc__ or '')}\n#[{section}.{EXAMPLE_NAMES[section]}]")
        of_section = [each for each in TEMPLATES.values() if each.section == f"{section}.{NAME_PLACE}"]
        blocks.extend("\n".join(_lines(setting)) for setting in of_section)
    return "\n\n".join(blocks) + "\n"


def default_text(default: Any) -> str:  # noqa: ANN401 - the default of any setting
    """A default as TOML writes it; a file that is not named is an empty text."""
    if default is None or isinstance(default, Path):
        default = str(default or "")
    return json.dumps(default, ensure_ascii=False)


def _lines(setting: Setting) -> Iterator[str]:
    expected = setting.expected[:1].upper() + setting.expected[1:]
    unit = f", in {setting.unit}" if setting.unit and setting.unit != "1/s" else ""
    yield _comment(setting.description)
    yield _comment(f"{expected}{unit}. {setting.variable}")
    if setting.is_secret:
        yield _comment("A secret has no default. It stands here or in a file of its own; that file needs mode 0600.")
        yield f'#{setting.name}{FILE_SUFFIX} = "/path/of/the/secret"'
        yield f'#{setting.name} = "…"'
    else:
        yield f"#{setting.name} = {default_text(setting.example)}"


def _comment(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)
