"""What a file and an environment say, before anybody judges the values."""

import difflib
import stat
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from appliance.config.errors import ConfigFileUnreadableError, ConfigInvalidError, Problem
from appliance.config.settings import FILE_SUFFIX, PREFIX, SECTIONS, SETTINGS, Setting

_SECRET_BYTES_MAX: Final = 65_536
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
    names = [setting.name for setting in SETTINGS.values() if setting.section == section]
    names += [s.name + FILE_SUFFIX for s in SETTINGS.values() if s.section == section and s.is_secret]
    return f"is unknown{nearest(name, names)}"


def _unknown_section(name: str) -> str:
    homes = [f"[{setting.section}]" for setting in SETTINGS.values() if setting.name == name]
    if homes:
        return f"stands outside a section; it belongs under {' or '.join(homes)}"
    return f"is an unknown section{nearest(name, SECTIONS)}"


def _setting_of(section: str, name: str) -> tuple[Setting | None, bool]:
    setting = SETTINGS.get(f"{section}.{name}")
    if setting is None and name.endswith(FILE_SUFFIX):
        setting = SETTINGS.get(f"{section}.{name.removesuffix(FILE_SUFFIX)}")
        return (setting, True) if setting and setting.is_secret else (None, False)
    return setting, False


def from_table(table: Mapping[str, Any], path: Path, problems: list[Problem]) -> list[Written]:
    """What a file sets; unknown names are added to `problems`."""
    place, written = str(path), list[Written]()
    for section, members in table.items():
        if section not in SECTIONS:
            problems.append(Problem(key=section, place=place, message=_unknown_section(section)))
        elif not isinstance(members, dict):
            problems.append(Problem(key=section, place=place, message=f"must be a section, [{section}]"))
        else:
            for name, value in members.items():
                setting, is_file = _setting_of(section, name)
                if setting is None:
                    key = f"{section}.{name}"
                    problems.append(Problem(key=key, place=place, message=_unknown_key(section, name)))
                else:
                    written.append(Written(key=setting.key, value=value, place=place, is_file=is_file))
    _refuse_open_secrets(path, written, problems)
    return written


def _refuse_open_secrets(path: Path, written: list[Written], problems: list[Problem]) -> None:
    secrets = [w.key for w in written if SETTINGS[w.key].is_secret and not w.is_file]
    if secrets and path.stat().st_mode & _OTHERS:
        message = f"is a secret in a file that others may read; chmod 600 {path}"
        problems.extend(Problem(key=key, place=str(path), message=message) for key in secrets)


def from_environ(environ: Mapping[str, str], problems: list[Problem]) -> list[Written]:
    """What the environment sets; unknown `LEASH_` variables are added to `problems`."""
    plain = {setting.variable: setting for setting in SETTINGS.values()}
    files = {setting.variable + FILE_SUFFIX.upper(): setting for setting in plain.values() if setting.is_secret}
    written: list[Written] = []
    for variable, value in sorted(environ.items()):
        if not variable.upper().startswith(PREFIX):
            continue
        setting = plain.get(variable) or files.get(variable)
        if setting is None:
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
