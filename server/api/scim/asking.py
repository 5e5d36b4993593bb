"""What a request asks for: by its query, or by the body of a search (RFC 7644 sections 3.4.2 and 3.4.3)."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from appliance.identity.provisioning.errors import FilterRefusedError, PathRefusedError, ValueRefusedError
from appliance.identity.provisioning.records import Query
from server.api.scim.attributes import GROUP_SCHEMA, USER_SCHEMA, Projection, canonical, projection
from server.api.scim.loading import protocol
from server.dashboard.dependencies import AnyRequest

COUNT: Final = 100
_DIGITS_MAX: Final = 9
_ORDERS: Final = {"ascending": False, "descending": True}


class Asked(NamedTuple):
    """Which resources, and how much of each."""

    query: Query
    projection: Projection


def projection_of(request: AnyRequest, *, is_user: bool) -> Projection:
    """Which attributes the query of a request asks for.

    Raises:
        ValueRefusedError: attributes and excludedAttributes at once.
    """
    given = request.query_params
    schema = USER_SCHEMA if is_user else GROUP_SCHEMA
    return projection(given.getall("attributes", []), given.getall("excludedAttributes", []), schema)


async def asked_by_query(request: AnyRequest, *, is_user: bool, most: int) -> Asked:
    """What a GET of a list asks for, at most `most` resources.

    Raises:
        FilterRefusedError, PathRefusedError, ValueRefusedError: it cannot be answered.
    """
    given = {name: value for name, value in request.query_params.items() if name not in _LISTS}
    return await _asked(given, projection_of(request, is_user=is_user), is_user=is_user, most=most)


async def asked_by_body(raw: Mapping[str, Any], *, is_user: bool, most: int) -> Asked:
    """What a POST to .search asks for.

    Raises:
        FilterRefusedError, PathRefusedError, ValueRefusedError: it cannot be answered.
    """
    schema = USER_SCHEMA if is_user else GROUP_SCHEMA
    wanted = projection(_texts(raw, "attributes"), _texts(raw, "excludedAttributes"), schema)
    return await _asked(raw, wanted, is_user=is_user, most=most)


_LISTS: Final = frozenset({"attributes", "excludedAttributes"})


async def _asked(given: Mapping[str, Any], wanted: Projection, *, is_user: bool, most: int) -> Asked:
    text, sort_by, order = given.get("filter"), given.get("sortBy"), given.get("sortOrder")
    if not isinstance(text, str | None):
        raise FilterRefusedError
    if not isinstance(sort_by, str | None):
        raise PathRefusedError
    if not isinstance(order, str | None) or (order or "ascending").lower() not in _ORDERS:
        raise ValueRefusedError("sortOrder is ascending or descending")
    scim = await protocol()
    query = Query(
        condition=scim.condition(text, is_user=is_user) if text else None,
        sort_by=canonical(sort_by or "", USER_SCHEMA if is_user else GROUP_SCHEMA),
        is_descending=_ORDERS[(order or "ascending").lower()],
        start=max(1, _number(given, "startIndex", 1)),
        count=max(0, min(most, _number(given, "count", COUNT))),
        has_related=wanted.wants("groups" if is_user else "members"),
    )
    return Asked(query, wanted)


def _number(given: Mapping[str, Any], name: str, default: int) -> int:
    """A whole number; one with very many digits is a very large one."""
    value = given.get(name)
    if value is None:
        return default
    text = str(value).strip()
    digits = text.removeprefix("-")
    if isinstance(value, bool | float) or not (digits.isascii() and digits.isdecimal()):
        raise ValueRefusedError(f"{name} is a whole number")
    return int(text) if len(digits) <= _DIGITS_MAX else (-1 if text.startswith("-") else 10**_DIGITS_MAX)


def _texts(raw: Mapping[str, Any], name: str) -> Iterable[str]:
    value = raw.get(name) or []
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
        raise ValueRefusedError(f"{name} is a list of attributes")
    return texts
