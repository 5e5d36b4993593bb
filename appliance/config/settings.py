"""Every setting by its dotted key, for loading, help texts and the reference."""

import types
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from appliance.config.secret import Secret
from appliance.config.sections import Config

PREFIX: Final = "LEASH_"
FILE_SUFFIX: Final = "_file"
SECTIONS: Final[Mapping[str, type[msgspec.Struct]]] = get_type_hints(Config)


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting.

    Attributes:
        section, name: the two parts of its dotted key.
        default: what holds if nobody sets it; None for a secret.
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


def variable_of(section: str, name: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{section}__{name}".upper()


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
        unit=(meta.extra or {}).get("unit", ""),
        expected=_expected(plain, meta),
        variable=variable_of(section, field.name),
        description=meta.description or "",
        is_secret=is_union and Secret in get_args(plain),
        type=annotated,
    )


def _settings() -> dict[str, Setting]:
    settings: dict[str, Setting] = {}
    for section, struct in SECTIONS.items():
        hints = get_type_hints(struct, include_extras=True)
        for field in msgspec.structs.fields(struct):
            settings[f"{section}.{field.name}"] = _setting(section, field, hints[field.name])
    return settings


SETTINGS: Final[Mapping[str, Setting]] = _settings()
