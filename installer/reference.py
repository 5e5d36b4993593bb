"""`python -m installer.reference`: write docs/reference/commands.md from the commands themselves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from installer.errors import EXIT_CODES, MEANINGS
from installer.main import app

TARGET = Path(__file__).resolve().parents[1] / "docs" / "reference" / "commands.md"
_HEAD = """# Commands

<!-- Written by `make docs` from the commands themselves; a test compares. Change the help texts, not this page. -->

`leashctl` is `.venv/bin/leashctl` in a clone, or `python -P -m installer`. Options of the whole line stand before the
command: `leashctl --config /etc/openleash/config.toml status`. Settings can also come from the environment
([settings.md](settings.md)). Every command that answers can answer with one JSON object (`--json`), on standard output;
what fails is told on standard error, with `--json` as an object of `code`, `summary`, `detail` and `next_step`. No
password, token or URL of a database is ever an argument, because every user of a machine can read those.
"""


def render() -> str:
    """The whole page."""
    root = typer.main.get_command(app)
    parts = [_HEAD, *_sections(root, typer.Context(root, info_name="leashctl")), _exit_codes()]
    return "\n".join(parts)


def _sections(command: Any, ctx: Any) -> Iterator[str]:  # noqa: ANN401 - Typer's own copy of click has no public types
    """One section per command, those of a group after it."""
    yield _section(command, ctx)
    for name in getattr(command, "list_commands", lambda _: [])(ctx):
        child = command.get_command(ctx, name)
        yield from _sections(child, typer.Context(child, info_name=name, parent=ctx))


def _section(command: Any, ctx: Any) -> str:  # noqa: ANN401 - as above
    usage = " ".join([ctx.command_path, *command.collect_usage_pieces(ctx)])
    lines = [f"## {ctx.command_path}", "", " ".join((command.help or "").split()), "", f"    {usage}", ""]
    rows = [record for each in command.get_params(ctx) if (record := each.get_help_record(ctx)) is not None]
    rows = [row for row in rows if row[0] not in {"--help", "-h, --help"}]
    if rows:
        lines += ["| option | meaning |", "|---|---|"]
        lines += [f"| `{name}` | {_cell(meaning)} |" for name, meaning in rows]
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("[", "\\[")


def _exit_codes() -> str:
    lines = ["## Exit codes", "", "| code | meaning | errors |", "|---|---|---|"]
    for code, meaning in MEANINGS.items():
        named = sorted(f"`{name}`" for name, each in EXIT_CODES.items() if each == code)
        lines.append(f"| {code} | {meaning} | {', '.join(named)} |")
    lines += [
        "",
        "An error that is not named here has the code of the family that it belongs to, and 1 if it has none.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(render(), "utf-8")
