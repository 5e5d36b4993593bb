"""docs/reference/settings.md: every setting, by section."""

from appliance.config.example import default_text
from appliance.config.settings import NAME_PLACE, NAMED_SECTIONS, SECTIONS, SETTINGS, TEMPLATES, Setting
from tests.docs import GENERATED, cell

_HEAD = f"""# Settings

{GENERATED}

Settings come from three places; a later one wins: defaults, one TOML file (`leashctl --config FILE`), environment
variables that begin with `LEASH_`. [config.example.toml](../../config.example.toml) is a file to begin with. Nothing
has to be set for an installation on one machine.

- **A misspelt name is an error** that names the nearest one; everything that is wrong is told at once, with its place.
  `leashctl config check` looks without starting anything; `leashctl config show` tells what holds and where it is from.
- **Secrets** have no default and are never shown. Each can be read from a file instead: `NAME_file` in the TOML file,
  `VARIABLE_FILE` in the environment. A file that holds a secret must be readable by its owner only (0600), the TOML
  file too if a secret stands in it. A relative path in the TOML file begins at that file's directory.
- **Lists** are TOML arrays in the file, and separated by commas in the environment.
- **Sections with a NAME** can stand there several times: `[directories.corp]`, `[directories.branch-office]`. A NAME
  has lower-case letters, digits and hyphens, begins with a letter, and stays the same for ever, because people's
  accounts belong to it. In a variable it is in capitals with `_` for a hyphen:
  `LEASH_DIRECTORIES__BRANCH_OFFICE__URLS`.
- A change takes effect at the next start.
"""


def render() -> str:
    """The whole page."""
    named = [_section(f"{name}.{NAME_PLACE}", struct.__doc__ or "") for name, struct in NAMED_SECTIONS.items()]
    return "\n".join([_HEAD, *(_section(name, struct.__doc__ or "") for name, struct in SECTIONS.items()), *named])


def _section(name: str, about: str) -> str:
    lines = [f"## {name}", "", cell(about), ""]
    lines += ["| setting, variable | default | value | what it does |", "|---|---|---|---|"]
    lines += [_row(each) for each in [*SETTINGS.values(), *TEMPLATES.values()] if each.section == name]
    return "\n".join([*lines, ""])


def _row(setting: Setting) -> str:
    unit = f", in {setting.unit}" if setting.unit and setting.unit != "1/s" else ""
    names = f"`{setting.key}`<br>`{setting.variable}`"
    default = f"`{default_text(setting.default)}`" if not setting.is_required else "must be set"
    if setting.is_secret:
        default = "secret, none"
    return f"| {names} | {default} | {cell(setting.expected)}{unit} | {cell(setting.description)} |"
