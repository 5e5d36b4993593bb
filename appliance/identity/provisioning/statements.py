"""SQL of filters and orders: attributes come from fixed lists, values only ever as parameters."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum, auto
from typing import Any, Final, NamedTuple, assert_never

from appliance.identity.provisioning.conditions import (
    Comparison,
    Condition,
    Either,
    Every,
    Not,
    Operator,
    Present,
    Some,
    Value,
)
from appliance.identity.provisioning.errors import FilterRefusedError, PathRefusedError

_ORDER: Final = {Operator.GT: ">", Operator.GE: ">=", Operator.LT: "<", Operator.LE: "<="}


class Kind(Enum):
    """How values of a column are compared; text without looking at case, as RFC 7643 section 2.2 has it."""

    TEXT = auto()
    EXACT = auto()
    BOOLEAN = auto()
    MOMENT = auto()


class Column(NamedTuple):
    """A single-valued attribute: an SQL expression, NULL or empty where there is no value."""

    sql: str
    kind: Kind = Kind.TEXT


class Elements(NamedTuple):
    """A multi-valued attribute: where its values come from, and the columns of one value."""

    source: str
    columns: Mapping[str, Column]


class Attributes(NamedTuple):
    """What can be asked of one kind of resource."""

    single: Mapping[str, Column]
    multiple: Mapping[str, Elements]


_META: Final = {
    "id": Column("r.id::text", Kind.EXACT),
    "externalid": Column("r.external_id", Kind.EXACT),
    "meta.created": Column("r.created_at", Kind.MOMENT),
    "meta.lastmodified": Column("r.modified_at", Kind.MOMENT),
    "meta.version": Column("'W/\"' || r.version || '\"'", Kind.EXACT),
}
_NAME: Final = ("formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix")
_EMAIL: Final = {
    "value": Column("e.item ->> 'value'"),
    "type": Column("e.item ->> 'type'"),
    "display": Column("e.item ->> 'display'"),
    "primary": Column("(e.item ->> 'primary')::boolean", Kind.BOOLEAN),
}
USER: Final = Attributes(
    single={
        **_META,
        "username": Column("r.document ->> 'userName'"),
        "displayname": Column("r.document ->> 'displayName'"),
        "title": Column("r.document ->> 'title'"),
        "active": Column("(r.document ->> 'active')::boolean", Kind.BOOLEAN),
        **{f"name.{part.lower()}": Column(f"r.document -> 'name' ->> '{part}'") for part in _NAME},
    },
    multiple={
        "emails": Elements("jsonb_array_elements(r.document -> 'emails') AS e(item)", _EMAIL),
        "groups": Elements(
            "scim_member e JOIN scim_group g ON g.id = e.holder WHERE e.user_member = r.id",
            {"value": Column("g.id::text", Kind.EXACT), "display": Column("g.display_name")},
        ),
    },
)
GROUP: Final = Attributes(
    single={**_META, "displayname": Column("r.display_name")},
    multiple={
        "members": Elements(
            "scim_member e WHERE e.holder = r.id",
            {
                "value": Column("coalesce(e.user_member, e.group_member)::text", Kind.EXACT),
                "type": Column("CASE WHEN e.user_member IS NULL THEN 'Group' ELSE 'User' END"),
            },
        )
    },
)


class Compiler:
    """Makes one WHERE clause; `parameters` are those of the whole statement, and grow."""

    def __init__(self, attributes: Attributes, parameters: list[Any]) -> None:
        """`parameters` may hold earlier ones."""
        self._attributes = attributes
        self._parameters = parameters

    def where(self, condition: Condition) -> str:
        """The clause.

        Raises:
            FilterRefusedError: an attribute, operator or value that does not go together.
        """
        return self._clause(condition, self._attributes.single, "")

    def _clause(self, condition: Condition, columns: Mapping[str, Column], inside: str) -> str:
        match condition:
            case Every(parts):
                return "(" + " AND ".join(self._clause(part, columns, inside) for part in parts) + ")"
            case Either(parts):
                return "(" + " OR ".join(self._clause(part, columns, inside) for part in parts) + ")"
            case Not(inner):
                return f"(NOT {self._clause(inner, columns, inside)})"
            case Some(attribute, inner):
                return self._some(attribute, inner, inside)
            case Present(attribute):
                return self._present(attribute, columns, inside)
            case Comparison():
                return self._compared(_column(condition.attribute, columns, inside), condition)
        assert_never(condition)

    def _some(self, attribute: str, inner: Condition, inside: str) -> str:
        elements = None if inside else self._attributes.multiple.get(attribute)
        if elements is None:
            raise FilterRefusedError(f"{attribute} is no attribute with several values")
        joint = " AND " if " WHERE " in elements.source else " WHERE "
        clause = self._clause(inner, elements.columns, f"{attribute}.")
        return f"EXISTS (SELECT FROM {elements.source}{joint}{clause})"

    def _present(self, attribute: str, columns: Mapping[str, Column], inside: str) -> str:
        elements = None if inside else self._attributes.multiple.get(attribute)
        if elements is not None:
            return f"EXISTS (SELECT FROM {elements.source})"
        prefix = f"{attribute}."
        parts = [column for name, column in columns.items() if name.startswith(prefix)]
        found = parts or [_column(attribute, columns, inside)]
        return "(" + " OR ".join(f"coalesce({column.sql}::text, '') <> ''" for column in found) + ")"

    def _compared(self, column: Column, comparison: Comparison) -> str:
        operator, value = comparison.operator, comparison.value
        if value is None:
            return self._with_null(column, comparison)
        match column.kind:
            case Kind.BOOLEAN:
                return self._boolean(column, comparison)
            case Kind.MOMENT:
                return self._moment(column, comparison)
            case Kind.TEXT | Kind.EXACT:
                if not isinstance(value, str):
                    raise FilterRefusedError(f"{comparison.attribute} is compared with text in quotes")
                return self._text(column, operator, value)
        assert_never(column.kind)

    def _with_null(self, column: Column, comparison: Comparison) -> str:
        absent = f"coalesce({column.sql}::text, '') = ''"
        if comparison.operator is Operator.EQ:
            return f"({absent})"
        if comparison.operator is Operator.NE:
            return f"(NOT {absent})"
        raise FilterRefusedError(f"{comparison.operator.value} cannot compare with null")

    def _boolean(self, column: Column, comparison: Comparison) -> str:
        is_same = comparison.operator is Operator.EQ
        value = _as_boolean(comparison.value)
        if value is None or not (is_same or comparison.operator is Operator.NE):
            raise FilterRefusedError(f"{comparison.attribute} is true or false, and compared by eq or ne")
        verb = "IS NOT DISTINCT FROM" if is_same else "IS DISTINCT FROM"
        return f"({column.sql} {verb} {self._parameter(value)}::boolean)"

    def _moment(self, column: Column, comparison: Comparison) -> str:
        signs = {**_ORDER, Operator.EQ: "=", Operator.NE: "<>"}
        sign = signs.get(comparison.operator)
        if sign is None:
            raise FilterRefusedError(f"{comparison.operator.value} cannot compare moments")
        moment = _as_moment(comparison.value)
        if moment is None:
            raise FilterRefusedError(f"{comparison.attribute} is compared with a moment such as 2026-01-31T12:00:00Z")
        return f"({column.sql} {sign} {self._parameter(moment)}::timestamptz)"

    def _text(self, column: Column, operator: Operator, value: str) -> str:
        mark = f"{self._parameter(value)}::text"
        left, right = (column.sql, mark) if column.kind is Kind.EXACT else (f"lower({column.sql})", f"lower({mark})")
        match operator:
            case Operator.EQ:
                return f"({left} = {right})"
            case Operator.NE:
                return f"({left} IS DISTINCT FROM {right})"
            case Operator.CO:
                return f"(position({right} in {left}) > 0)"
            case Operator.SW:
                return f"starts_with({left}, {right})"
            case Operator.EW:
                return f"(right({left}, length({right})) = {right})"
            case Operator.GT | Operator.GE | Operator.LT | Operator.LE:
                return f'({left} COLLATE "C" {_ORDER[operator]} {right})'
        assert_never(operator)

    def _parameter(self, value: str | bool | datetime) -> str:  # noqa: FBT001 - a value, not a switch
        self._parameters.append(value)
        return f"${len(self._parameters)}"


def order_by(attributes: Attributes, name: str, *, is_descending: bool) -> str:
    """The ORDER BY of a list; resources without a value come last when ascending (RFC 7644 section 3.4.2.3).

    Raises:
        PathRefusedError: no attribute that can be sorted by.
    """
    direction, ends = ("DESC", "FIRST") if is_descending else ("ASC", "LAST")
    if not name:
        return f"r.id {direction}"
    column = attributes.single.get(name)
    if column is None:
        raise PathRefusedError("sortBy names no attribute that can be sorted by")
    by = f"nullif(lower({column.sql}), '')" if column.kind is Kind.TEXT else column.sql
    return f"{by} {direction} NULLS {ends}, r.id {direction}"


def _column(attribute: str, columns: Mapping[str, Column], inside: str) -> Column:
    column = columns.get(attribute)
    if column is None:
        raise FilterRefusedError(
            f"The filter names {inside}{attribute[:100]}, which is no attribute that can be searched"
        )
    return column


def _as_boolean(value: Value) -> bool | None:
    """True or false, also as Entra writes them: in quotes, with a capital."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower())
    return value if isinstance(value, bool) else None


def _as_moment(value: Value) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
