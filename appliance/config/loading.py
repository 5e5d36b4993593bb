"""From a file and an environment to the tree; environment beats file beats defaults."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from appliance.config.checks import across, check
from appliance.config.errors import ConfigInvalidError, Problem
from appliance.config.records import Loaded, Provenance, Source
from appliance.config.secret import Secret
from appliance.config.sections import Config
from appliance.config.settings import NAMED_SECTIONS, SECTIONS, Setting, settings_with
from appliance.config.sources import (
    Section,
    Written,
    from_environ,
    from_section,
    refuse_open_secrets,
    secret_text,
    sections_of,
    toml_table,
)


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
    sections = list(sections_of(toml_table(path), str(path), problems)) if path is not None else []
    chosen = _chosen(_in_file(sections, path, problems), Source.FILE, problems) | _chosen(
        from_environ(environ, problems), Source.ENVIRONMENT, problems
    )
    settings = settings_with(_names(sections, chosen))
    values: dict[str, dict[str, Any]] = {setting.section: {} for setting in settings.values()}
    provenance = {key: Provenance() for key in settings}
    for key, (written, source) in chosen.items():
        setting = settings[key]
        try:
            values[setting.section][setting.name] = _value(setting, written, source, path)
        except ValueError as error:
            problems.append(Problem(key=key, place=written.place, message=_complete(str(error), setting)))
        provenance[key] = Provenance(source=source, place=written.place, secret_file=_secret_file(written, path))
    problems.extend(_missing(settings, chosen, path))
    config = _config(settings, values)
    told = {problem.key for problem in problems}
    for key, message in across(config).items():
        if not told & {key, "server.host"}:
            place = chosen[key][0].place if key in chosen else settings[key].variable
            problems.append(Problem(key=key, place=place, message=message))
    if problems:
        raise ConfigInvalidError(problems)
    return Loaded(config=config, provenance=provenance)


def _in_file(sections: list[Section], path: Path | None, problems: list[Problem]) -> list[Written]:
    written = [one for section in sections for one in from_section(section, str(path), problems)]
    if path is not None:
        refuse_open_secrets(path, written, problems)
    return written


def _names(sections: list[Section], keys: Iterable[str]) -> list[tuple[str, str]]:
    """Kind and name of every named section, those of the file first, each once."""
    in_file = [(section.kind, section.name) for section in sections if section.name]
    elsewhere = [(kind, name[0]) for kind, *name, _ in (key.split(".") for key in keys) if name]
    return list(dict.fromkeys([*in_file, *elsewhere]))


def _missing(
    settings: Mapping[str, Setting], chosen: Mapping[str, tuple[Written, Source]], path: Path | None
) -> Iterator[Problem]:
    """What must be set in a named section and is not."""
    for key, setting in settings.items():
        if setting.is_required and key not in chosen:
            place = setting.variable if path is None else str(path)
            yield Problem(key=key, place=place, message=f"must be set; expected {setting.expected}")


def _config(settings: Mapping[str, Setting], values: Mapping[str, Mapping[str, Any]]) -> Config:
    """The tree, without the named sections in which something that must be set is missing or wrong."""
    plain: dict[str, Any] = {section: struct(**values[section]) for section, struct in SECTIONS.items()}
    named: dict[str, Any] = {kind: {} for kind in NAMED_SECTIONS}
    required = [(s.section, s.name) for s in settings.values() if s.is_required]
    unusable = {section for section, name in required if name not in values[section]}
    for section in dict.fromkeys(s.section for s in settings.values()):
        kind, _, name = section.partition(".")
        if name and section not in unusable:
            named[kind][name] = NAMED_SECTIONS[kind](**{"label": name, **values[section]})
    return Config(**plain, **named)


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
    own = Path(written.value).expanduser()
    return path.parent / own if is_from_file and path is not None else own


def _complete(message: str, setting: Setting) -> str:
    unit = f" ({setting.unit})" if setting.unit else ""
    return message if setting.is_secret else f"{message}; expected {setting.expected}{unit}"


def _value(setting: Setting, written: Written, source: Source, path: Path | None) -> object:
    """The value in its type.

    Raises:
        ValueError: with what is wrong; never holds a secret.
    """
    if setting.is_secret:
        value: object = _secret(written, path)
    elif setting.is_path and setting.default is None:
        value = _named_file(written, path)
    else:
        value = _plain(setting, written.value, source)
    check(setting.rule, value)
    return value


def _named_file(written: Written, path: Path | None) -> Path | None:
    """The path of a file, or None for an empty one."""
    if not isinstance(written.value, str) or "\0" in written.value:
        raise ValueError("is not a path")
    return _resolved(written, path) if written.value else None


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
    if is_text and setting.is_list:
        value = [part.strip() for part in str(value).split(",") if part.strip()]
    if setting.is_path:
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
