"""Filters (RFC 7644 section 3.4.2.2) as plain values; attributes have canonical names, lower case with dots."""

from enum import StrEnum
from typing import Union

import msgspec

Value = str | bool | int | float | None


class Operator(StrEnum):
    """How a value is compared."""

    EQ = "eq"
    NE = "ne"
    CO = "co"
    SW = "sw"
    EW = "ew"
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"


class Comparison(msgspec.Struct, frozen=True):
    """`attribute` compared with a value of JSON."""

    attribute: str
    operator: Operator
    value: Value


class Present(msgspec.Struct, frozen=True):
    """`attribute` has a value that is not empty."""

    attribute: str


class Not(msgspec.Struct, frozen=True):
    """The opposite."""

    inner: "Condition"


class Every(msgspec.Struct, frozen=True):
    """Every part holds."""

    parts: tuple["Condition", ...]


class Either(msgspec.Struct, frozen=True):
    """At least one part holds."""

    parts: tuple["Condition", ...]


class Some(msgspec.Struct, frozen=True):
    """One of the values of a multi-valued attribute holds; inside, attributes are those of the value."""

    attribute: str
    inner: "Condition"


Condition = Union[Comparison, Present, Not, Every, Either, Some]  # noqa: UP007 - the classes name it before it is there
