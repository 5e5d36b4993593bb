"""Every setting by its dotted key, for loading, help texts and the reference."""

import re
import types
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from appliance.config.secret import Secret
from appliance.config.sections import Config

PREFIX: Final = "LEASH_"
FILE_SUFFIX: Final = "_file"
NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
NAME_PLACE: Final = "NAME"
_HINTS: Final = get_type_hints(Config)
SECTIONS: Final[Mapping[str, type[msgspec.Struct]]] = {
    name: hint for name, hint in _HINTS.items() if get_origin(hint) is None
}
# Sections of which a file has as many as it likes, each with a name of its own: `[directories.corp]`.
NAMED_SECTIONS: Final[Mapping[str, type[msgspec.Struct]]] = {
    name: get_args(hint)[1] for name, hint in _HINTS.items() if get_origin(hint) is Mapping
}


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting.

    Attributes:
        section, name: the two parts of its dotted key; a named section is `directories.corp`.
        default: what holds if nobody sets it; None for a secret, msgspec.NODEFAULT if it must be set.
        example: what a person could write, for a setting that must be set.
        unit: of a number, e.g. `seconds`; empty if it has none.
        expected: what a value looks like, e.g. `a whole number from 1 to 65535`.
        variable: the environment variable; a secret's file is named by `<variable>_FILE`.
        description: what it does, one or two sentences.
        is_secret: whether its value must never be shown.
        type: the annotated type, for `msgspec.convert`.
    """

    section: str
    name: str
    default: Any
    example: Any
    unit: str
    expected: str
    variable: str
    description: str
    is_secret: bool
    type: Any

    @property
    def key(self) -> str:
        """`section.name`."""
        return f"{self.section}.{self.name}"

    @property
    def rule(self) -> str:
        """The dotted key without the name of a named section, which checks do not look at."""
        return f"{self.section.partition('.')[0]}.{self.name}"

    @property
    def is_required(self) -> bool:
        """Whether somebody must set it, in a named section that is there."""
        return self.default is msgspec.NODEFAULT

    @property
    def is_list(self) -> bool:
        """Whether it has several values, which commas separate in the environment."""
        return get_origin(get_args(self.type)[0]) is tuple

    @property
    def is_path(self) -> bool:
        """Whether it names a file or a directory."""
        plain = get_args(self.type)[0]
        return plain is Path or Path in get_args(plain)


def variable_of(section: str, name: str) -> str:
    """The environment variable of a setting; a hyphen in a section's name is an underscore there."""
    return f"{PREFIX}{section}__{name}".replace(".", "__").replace("-", "_").upper()


def _range(meta: msgspec.Meta) -> str:
    return f"from {meta.ge} to {meta.le}" if meta.ge is not None else f"above {meta.gt}, at most {meta.le}"


def _expected(plain: Any, meta: msgspec.Meta) -> str:  # noqa: ANN401 - any annotation of a section's field
    given = (meta.extra or {}).get("expected", "")
    if given:
        return str(given)
    if get_origin(plain) is Literal:
        return "one of " + ", ".join(f'"{choice}"' for choice in get_args(plain))
    return f"a {'whole ' if plain is int else ''}number {_range(meta)}"


def _setting(section: str, field: msgspec.structs.FieldInfo, annotated: Any) -> Setting:  # noqa: ANN401 - as above
    if get_origin(annotated) is not Annotated:
        raise TypeError(f"{section}.{field.name} is not described")
    plain, meta = get_args(annotated)
    is_union = get_origin(plain) in (Union, types.UnionType)
    return Setting(
        section=section,
        name=field.name,
        default=field.default,
        example=(meta.extra or {}).get("example", field.default),
        unit=(meta.extra or {}).get("unit", ""),
        expected=_expected(plain, meta),
        variable=variable_of(section, field.name),
        description=meta.description or "",
        is_secret=is_union and Secret in get_args(plain),
        type=annotated,
    )


def _settings(section: str, struct: type[msgspec.Struct]) -> dict[str, Setting]:
    hints = get_type_hints(struct, include_extras=True)
    return {
        f"{section}.{field.name}": _setting(section, field, hints[field.name])
        for field in msgspec.structs.fields(struct)
    }


SETTINGS: Final[Mapping[str, Setting]] = {
    key: setting for section, struct in SECTIONS.items() for key, setting in _settings(section, struct).items()
}
# The settings of each named section, as `directories.NAME.urls`.
TEMPLATES: Final[Mapping[str, Setting]] = {
    key: setting
    for section, struct in NAMED_SECTIONS.items()
    for key, setting in _settings(f"{section}.{NAME_PLACE}", struct).items()
}


def settings_with(sections: Iterable[tuple[str, str]]) -> dict[str, Setting]:
    """Every setting of a configuration that has these named sections, each its kind and its name."""
    settings = dict(SETTINGS)
    for kind, name in sections:
        settings |= _settings(f"{kind}.{name}", NAMED_SECTIONS[kind])
    return settings


def value_of(config: Config, key: str) -> Any:  # noqa: ANN401 - the value of any setting
    """What holds for a dotted key, `server.port` or `directories.corp.urls`."""
    section, *name, field = key.split(".")
    found = getattr(config, section)
    return getattr(found[name[0]] if name else found, field)
