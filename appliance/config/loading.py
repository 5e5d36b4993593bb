"""From a file and an environment to the tree; environment beats file beats defaults."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from appliance.config.checks import across, check
from appliance.config.errors import ConfigInvalidError, Problem
from appliance.config.records import Loaded, Provenance, Source
from appliance.config.secret import Secret
from appliance.config.sections import Config
from appliance.config.settings import SECTIONS, SETTINGS, Setting
from appliance.config.sources import Written, from_environ, from_table, secret_text, toml_table


def load(path: Path | None, environ: Mapping[str, str]) -> Loaded:
    """Read the whole configuration.

    Args:
        path: the TOML file, or None for none.
        environ: the environment; only names that begin with `LEASH_` are looked at.

    Raises:
        ConfigFileUnreadableError: if the file cannot be read.
        ConfigInvalidError: with everything that is unknown or wrong.
    """
    problems: list[Problem] = []
    in_file = from_table(toml_table(path), path, problems) if path is not None else []
    chosen = _chosen(in_file, Source.FILE, problems) | _chosen(
        from_environ(environ, problems), Source.ENVIRONMENT, problems
    )
    values: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    provenance = {key: Provenance() for key in SETTINGS}
    for key, (written, source) in chosen.items():
        setting = SETTINGS[key]
        try:
            values[setting.section][setting.name] = _value(setting, written, source, path)
        except ValueError as error:
            problems.append(Problem(key=key, place=written.place, message=_complete(str(error), setting)))
        provenance[key] = Provenance(source=source, place=written.place, secret_file=_secret_file(written, path))
    sections: dict[str, Any] = {section: struct(**values[section]) for section, struct in SECTIONS.items()}
    config = Config(**sections)
    told = {problem.key for problem in problems}
    for key, message in across(config).items():
        if not told & {key, "server.host"}:
            place = chosen[key][0].place if key in chosen else SETTINGS[key].variable
            problems.append(Problem(key=key, place=place, message=message))
    if problems:
        raise ConfigInvalidError(problems)
    return Loaded(config=config, provenance=provenance)


def _chosen(written: list[Written], source: Source, problems: list[Problem]) -> dict[str, tuple[Written, Source]]:
    """At most one value per key; a secret that is given both as text and as a file is a problem."""
    chosen: dict[str, tuple[Written, Source]] = {}
    for one in written:
        if one.key in chosen:
            problems.append(Problem(key=one.key, place=one.place, message="is given twice: as text and as a file"))
        chosen[one.key] = (one, source)
    return chosen


def _secret_file(written: Written, path: Path | None) -> str:
    return str(_resolved(written, path)) if written.is_file and isinstance(written.value, str) else ""


def _resolved(written: Written, path: Path | None) -> Path:
    """A path in the file starts at the file's directory, one in the environment at the working directory."""
    is_from_file = path is not None and written.place == str(path)
    return path.parent / written.value if is_from_file and path is not None else Path(written.value)


def _complete(message: str, setting: Setting) -> str:
    unit = f" ({setting.unit})" if setting.unit else ""
    return message if setting.is_secret else f"{message}; expected {setting.expected}{unit}"


def _value(setting: Setting, written: Written, source: Source, path: Path | None) -> object:
    """The value in its type.

    Raises:
        ValueError: with what is wrong; never holds a secret.
    """
    value: object = _secret(written, path) if setting.is_secret else _plain(setting, written.value, source)
    check(setting.key, value)
    return value


def _secret(written: Written, path: Path | None) -> Secret:
    if not isinstance(written.value, str):
        raise ValueError("must be text")  # noqa: TRY004 - one kind of error for every wrong value
    if "\0" in written.value or not written.value.strip():
        raise ValueError("is empty" if not written.value.strip() else "holds a NUL character")
    text = secret_text(_resolved(written, path)) if written.is_file else written.value
    if not text.strip():
        raise ValueError("names an empty file")
    return Secret(text)


def _plain(setting: Setting, value: object, source: Source) -> object:
    is_text = source is Source.ENVIRONMENT
    if is_text and isinstance(setting.default, tuple):
        value = [part.strip() for part in str(value).split(",") if part.strip()]
    if isinstance(setting.default, Path):
        if not isinstance(value, str) or "\0" in value:
            raise ValueError("is not a path")
        return Path(value).expanduser() if value else value
    try:
        return msgspec.convert(value, setting.type, strict=not is_text)
    except msgspec.ValidationError:
        shown = value if is_text else _as_written(value)
        raise ValueError(f"is {_short(str(shown))}") from None


def _as_written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _short(text: str, characters: int = 60) -> str:
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return (printable if len(printable) <= characters else printable[: characters - 1] + "…") or "empty"
