"""What a file and an environment say, before anybody judges the values."""

import difflib
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from appliance.config.errors import ConfigFileUnreadableError, ConfigInvalidError, Problem
from appliance.config.settings import (
    FILE_SUFFIX,
    NAME,
    NAME_PLACE,
    NAMED_SECTIONS,
    PREFIX,
    SECTIONS,
    SETTINGS,
    TEMPLATES,
    Setting,
)

_SECRET_BYTES_MAX: Final = 65_536
_ALL: Final[Mapping[str, Setting]] = {**SETTINGS, **TEMPLATES}
_NAME_RULE: Final = "a name of lower-case letters, digits and hyphens that begins with a letter, 32 at most"
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A value as somebody wrote it.

    Attributes:
        key: dotted key of the setting.
        value: TOML value, or text from the environment.
        place: the file or the variable.
        is_file: the value is the path of a file that holds the secret.
    """

    key: str
    value: Any
    place: str
    is_file: bool = False


def nearest(name: str, names: Iterable[str]) -> str:
    """` did you mean ...?` with the nearest of the names, or nothing if none is near."""
    found = difflib.get_close_matches(name, sorted(names), n=1, cutoff=0.5)
    return f"; did you mean {found[0]}?" if found else ""


def toml_table(path: Path) -> Mapping[str, Any]:
    """The tables of a TOML file.

    Raises:
        ConfigFileUnreadableError: if it cannot be read.
        ConfigInvalidError: if it is not TOML.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigFileUnreadableError(path, error.strerror or "unknown reason") from error
    try:
        return tomllib.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        why = "is not UTF-8"
    except tomllib.TOMLDecodeError as error:
        why = f"is not TOML: {error}"
    except (ValueError, RecursionError):
        why = "is not TOML that can be read: a number is too long or it is nested too deeply"
    raise ConfigInvalidError([Problem(key=str(path), place=str(path), message=why)]) from None


def _unknown_key(section: str, name: str) -> str:
    names = [setting.name for setting in _ALL.values() if setting.section == section]
    names += [s.name + FILE_SUFFIX for s in _ALL.values() if s.section == section and s.is_secret]
    return f"is unknown{nearest(name, names)}"


def _unknown_section(name: str, *, is_table: bool) -> str:
    homes = [] if is_table else [f"[{setting.section}]" for setting in _ALL.values() if setting.name == name]
    if homes:
        return f"stands outside a section; it belongs under {' or '.join(homes)}"
    return f"is an unknown section{nearest(name, [*SECTIONS, *NAMED_SECTIONS])}"


def _setting_of(section: str, name: str) -> tuple[Setting | None, bool]:
    setting = _ALL.get(f"{section}.{name}")
    if setting is None and name.endswith(FILE_SUFFIX):
        setting = _ALL.get(f"{section}.{name.removesuffix(FILE_SUFFIX)}")
        return (setting, True) if setting and setting.is_secret else (None, False)
    return setting, False


class Section(msgspec.Struct, frozen=True):
    """One section that a file holds: `server`, or one of several such as `directories.corp`.

    Attributes:
        kind: `server` or `directories`.
        name: `corp`; empty if there is only one of its kind.
    """

    kind: str
    name: str
    members: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The part of its settings' dotted keys that they share."""
        return f"{self.kind}.{self.name}" if self.name else self.kind

    @property
    def template(self) -> str:
        """The same as TEMPLATES has it."""
        return f"{self.kind}.{NAME_PLACE}" if self.name else self.kind


def sections_of(table: Mapping[str, Any], place: str, problems: list[Problem]) -> Iterator[Section]:
    """The sections of a file; what is none is added to `problems`."""
    for kind, members in table.items():
        if kind not in SECTIONS and kind not in NAMED_SECTIONS:
            problems.append(
                Problem(key=kind, place=place, message=_unknown_section(kind, is_table=isinstance(members, dict)))
            )
        elif not isinstance(members, dict):
            header = kind if kind in SECTIONS else f"{kind}.{NAME_PLACE}"
            problems.append(Problem(key=kind, place=place, message=f"must be a section, [{header}]"))
        elif kind in SECTIONS:
            yield Section(kind, "", members)
        else:
            yield from _named(kind, members, place, problems)


def _named(kind: str, members: Mapping[str, Any], place: str, problems: list[Problem]) -> Iterator[Section]:
    for name, inner in members.items():
        key = f"{kind}.{name}"
        if not isinstance(inner, dict):
            message = f"must stand in a section with a name, [{kind}.{NAME_PLACE}]"
            problems.append(Problem(key=key, place=place, message=message))
        elif not NAME.fullmatch(name):
            problems.append(Problem(key=key, place=place, message=f"needs {_NAME_RULE}"))
        else:
            yield Section(kind, name, inner)


def from_section(section: Section, place: str, problems: list[Problem]) -> Iterator[Written]:
    """What a section sets; unknown names are added to `problems`."""
    for name, value in section.members.items():
        setting, is_file = _setting_of(section.template, name)
        if setting is None:
            message = _unknown_key(section.template, name)
            problems.append(Problem(key=f"{section.key}.{name}", place=place, message=message))
        else:
            yield Written(key=f"{section.key}.{setting.name}", value=value, place=place, is_file=is_file)


def refuse_open_secrets(path: Path, written: Iterable[Written], problems: list[Problem]) -> None:
    """Secrets stand in no file that others may read."""
    secrets = [w.key for w in written if _is_secret(w.key) and not w.is_file]
    if secrets and path.stat().st_mode & _OTHERS:
        message = f"is a secret in a file that others may read; chmod 600 {path}"
        problems.extend(Problem(key=key, place=str(path), message=message) for key in secrets)


def _is_secret(key: str) -> bool:
    kind, *_, name = key.split(".")
    return (_ALL.get(key) or _ALL[f"{kind}.{NAME_PLACE}.{name}"]).is_secret


def _named_variable(variable: str) -> tuple[str, str, str] | None:
    """Kind, name and setting of `LEASH_DIRECTORIES__CORP__URLS`; None if it is no such variable."""
    kind, _, rest = variable.removeprefix(PREFIX).lower().partition("__")
    name, _, setting = rest.rpartition("__")
    name = name.replace("_", "-")
    is_known = kind in NAMED_SECTIONS and NAME.fullmatch(name) and variable == variable.upper()
    return (kind, name, setting) if is_known else None


def from_environ(environ: Mapping[str, str], problems: list[Problem]) -> list[Written]:
    """What the environment sets; unknown `LEASH_` variables are added to `problems`."""
    plain = {setting.variable: setting for setting in SETTINGS.values()}
    files = {setting.variable + FILE_SUFFIX.upper(): setting for setting in plain.values() if setting.is_secret}
    written: list[Written] = []
    for variable, value in sorted(environ.items()):
        if not variable.upper().startswith(PREFIX):
            continue
        setting = plain.get(variable) or files.get(variable)
        if setting is None and (named := _named_variable(variable)) is not None:
            section = Section(named[0], named[1], {named[2]: value})
            written.extend(from_section(section, variable, problems))
        elif setting is None:
            message = f"is unknown{nearest(variable, [*plain, *files])}"
            problems.append(Problem(key=variable, place=variable, message=message))
        else:
            written.append(Written(key=setting.key, value=value, place=variable, is_file=variable in files))
    return written


def secret_text(path: Path) -> str:
    """The secret in a file, without line ends behind it.

    Raises:
        ValueError: with what is wrong; never holds the secret.
    """
    try:
        with path.open("rb") as file:
            if path.stat().st_mode & _OTHERS:
                raise ValueError(f"names a file that others may read; chmod 600 {path}")
            raw = file.read(_SECRET_BYTES_MAX + 1)
    except OSError as error:
        raise ValueError(f"names a file that cannot be read: {path}: {error.strerror}") from None
    if len(raw) > _SECRET_BYTES_MAX:
        raise ValueError(f"names a file of more than {_SECRET_BYTES_MAX} bytes: {path}")
    try:
        return raw.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError(f"names a file that is not UTF-8: {path}") from None
