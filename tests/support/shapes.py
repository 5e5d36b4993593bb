"""The types that clients read of an answer; a member of another one breaks their screen."""

from collections.abc import Mapping
from typing import Any, Final

ANYTHING: Final = object()
Shape = Any  # a type, a value, a set of values, a list of one shape, or members; `name?` may be absent or null


def wrong(value: object, shape: Shape, place: str = "$") -> list[str]:
    """What of the value has not the shape: one place each, empty if everything has it."""
    if shape is ANYTHING:
        return []
    if isinstance(shape, Mapping):
        return _wrong_members(value, shape, place) if isinstance(value, Mapping) else [f"{place}: no object"]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{place}: no array"]
        return [each for at, item in enumerate(value) for each in wrong(item, shape[0], f"{place}[{at}]")]
    return [] if _is(value, shape) else [f"{place}: {value!r} is none of {shape}"]


def _wrong_members(value: Mapping[str, object], shape: Mapping[str, Shape], place: str) -> list[str]:
    found = list[str]()
    for name, inner in shape.items():
        member = name.removesuffix("?")
        if name != member and value.get(member) is None:
            continue
        if member not in value:
            found.append(f"{place}.{member}: missing")
        else:
            found += wrong(value[member], inner, f"{place}.{member}")
    return found


def _is(value: object, shape: Shape) -> bool:
    """Numbers are no booleans, as in the clients' languages."""
    if isinstance(shape, frozenset):
        return any(_is(value, each) for each in shape)
    if shape in {int, float}:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(shape, type):
        return isinstance(value, shape)
    return (value, type(value)) == (shape, type(shape))
