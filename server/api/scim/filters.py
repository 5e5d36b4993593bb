"""Filters as text, read with the grammar of scim2-models, whose depth is bounded (RFC 7644 section 3.4.2.2)."""

from typing import Final, NamedTuple

from scim2_models import InvalidFilterException, ScimFilter
from scim2_models import path as library

from appliance.identity.provisioning.conditions import (
    Comparison,
    Condition,
    Either,
    Every,
    Not,
    Operator,
    Present,
    Some,
)
from appliance.identity.provisioning.errors import FilterRefusedError
from server.api.scim.attributes import GROUP_SCHEMA, USER_SCHEMA, canonical

LENGTH_MAX: Final = 4096
COMPARISONS_MAX: Final = 100


class Kind(NamedTuple):
    """A kind of resource: its schema, and which of its attributes have several values."""

    schema: str
    multiple: frozenset[str]


USER: Final = Kind(USER_SCHEMA, frozenset({"emails", "groups"}))
GROUP: Final = Kind(GROUP_SCHEMA, frozenset({"members"}))


def condition(text: str, kind: Kind) -> Condition:
    """What a filter asks for; whether its attributes exist is looked at when it becomes SQL.

    Raises:
        FilterRefusedError: too long, too many comparisons, nested too deeply, or not the grammar's.
    """
    if len(text) > LENGTH_MAX:
        raise FilterRefusedError(f"The filter has more than {LENGTH_MAX} characters")
    try:
        tree = ScimFilter(text).ast
    except InvalidFilterException as problem:
        raise FilterRefusedError(f"The filter cannot be read: {problem.detail[:200]}") from problem
    reader = _Reader(kind)
    return reader.read(tree)


class _Reader:
    """Makes our values of the library's tree, and counts its comparisons."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._left = COMPARISONS_MAX

    def read(self, node: library.FilterNode) -> Condition:
        match node:
            case library.LogicalExpr(op=op, terms=terms):
                parts = tuple(self.read(term) for term in terms)
                return Every(parts) if op is library.LogicalOperator.and_ else Either(parts)
            case library.Not(expr=inner):
                return Not(self.read(inner))
            case library.ValuePath(attr_path=path, val_filter=inner):
                return Some(self._name(path), self.read(inner))
            case library.Present(attr_path=path):
                return self._one(path, is_presence=True, node=node)
            case library.Comparison(attr_path=path):
                return self._one(path, is_presence=False, node=node)
        raise FilterRefusedError

    def _one(self, path: library.AttrPath, *, is_presence: bool, node: library.FilterNode) -> Condition:
        """One test; of an attribute with several values, one of them must pass."""
        self._left -= 1
        if self._left < 0:
            raise FilterRefusedError(f"The filter has more than {COMPARISONS_MAX} comparisons")
        name = self._name(path)
        first, _, rest = name.partition(".")
        if first in self._kind.multiple and not (is_presence and not rest):
            return Some(first, _test(rest or "value", node))
        return _test(name, node)

    def _name(self, path: library.AttrPath) -> str:
        return canonical(str(path), self._kind.schema)


def _test(name: str, node: library.FilterNode) -> Condition:
    if isinstance(node, library.Comparison):
        return Comparison(name, Operator(node.op.value), node.value)
    return Present(name)
