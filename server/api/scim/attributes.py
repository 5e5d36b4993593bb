"""Names of attributes, and which of them an answer holds (RFC 7644 sections 3.9 and 3.10)."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from appliance.identity.provisioning.errors import ValueRefusedError

USER_SCHEMA: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_SCHEMA: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
_NAMES_MAX: Final = 100
_ALWAYS: Final = frozenset({"schemas", "id"})


def canonical(name: str, schema: str) -> str:
    """An attribute's name in lower case, without the schema that may stand before it."""
    lower = name.strip().lower()
    prefix = f"{schema.lower()}:"
    return lower.removeprefix(prefix)


class Projection(NamedTuple):
    """Which attributes an answer holds; at most one of the two is not empty."""

    included: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()

    def wants(self, name: str) -> bool:
        """Whether any of an attribute is wanted, by its canonical name."""
        if self.included:
            return any(each == name or each.startswith(f"{name}.") for each in self.included)
        return name not in self.excluded

    def of(self, resource: dict[str, Any]) -> dict[str, Any]:
        """The part of a resource that is wanted; `schemas` and `id` always are."""
        if not (self.included or self.excluded):
            return resource
        kept = {}
        for name, value in resource.items():
            lower = name.lower()
            if lower in _ALWAYS:
                kept[name] = value
            elif self.wants(lower) and (part := self._part(lower, value)) not in ({}, []):
                kept[name] = part
        return kept

    def _part(self, lower: str, value: Any) -> Any:  # noqa: ANN401 - any JSON value
        if self.included and lower in self.included:
            return value
        if isinstance(value, list):
            return [part for each in value if (part := self._part(lower, each)) not in ({}, [])]
        if not isinstance(value, dict):
            return value
        if self.included:
            return {name: each for name, each in value.items() if f"{lower}.{name.lower()}" in self.included}
        return {name: each for name, each in value.items() if f"{lower}.{name.lower()}" not in self.excluded}


def projection(included: Iterable[str], excluded: Iterable[str], schema: str) -> Projection:
    """What is asked for by `attributes` and `excludedAttributes`, each with commas or repeated.

    Raises:
        ValueRefusedError: both, or more names than there could be.
    """
    wanted, unwanted = _names(included, schema), _names(excluded, schema)
    if wanted and unwanted:
        raise ValueRefusedError("attributes and excludedAttributes exclude each other")
    return Projection(wanted, unwanted)


def _names(given: Iterable[str], schema: str) -> frozenset[str]:
    names = [name for text in given for name in text.split(",", _NAMES_MAX + 1)]
    if len(names) > _NAMES_MAX:
        raise ValueRefusedError(f"More than {_NAMES_MAX} attributes are named")
    return frozenset(canonical(name, schema) for name in names if name.strip())
