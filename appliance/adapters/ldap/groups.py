"""Groups: those that somebody is in, and those that they contain."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from appliance.adapters.ldap import names
from appliance.adapters.ldap.session import Entry, Query, Session
from appliance.adapters.ldap.shapes import Shape
from appliance.identity.directories.errors import DirectoryIncompleteError
from appliance.identity.directories.records import DirectoryGroup, DirectoryUser

_CHUNK: Final = 50
_RANGE: Final = re.compile(r";range=(\d+)-(\d+|\*)\Z")


def of(session: Session, shape: Shape, user: DirectoryUser) -> tuple[DirectoryGroup, ...]:
    """All groups that somebody is in, directly or by groups in groups, to the depth of the configuration.

    The same steps as in a sync, and not Active Directory's own rule for chains (1.2.840.113556.1.4.1941), which
    follows groups outside of group_base too: a sign-in and a sync must agree.

    Raises:
        DirectoryIncompleteError: not all could be read.
    """
    found: dict[str, DirectoryGroup] = {}
    layer, filters = [user.dn], _by_uid(session, shape, user)
    for _ in range(shape.settings.group_depth):
        filters += [_by_member(shape, layer[at : at + _CHUNK]) for at in range(0, len(layer), _CHUNK)]
        layer = []
        for group in _matching(session, shape, filters):
            if group.key not in found:
                found[group.key] = group
                layer.append(group.dn)
        filters = []
        if not layer:
            break
    return tuple(found.values())


def _matching(session: Session, shape: Shape, filters: Sequence[str]) -> Iterator[DirectoryGroup]:
    settings = shape.settings
    for filter_ in filters:
        query = Query(
            base=settings.group_base,
            filter=f"(&{settings.group_filter}{filter_})",
            attributes=shape.group_attributes,
        )
        yield from [shape.group(entry) for entry in session.search(query)]


def _by_member(shape: Shape, dns: Sequence[str]) -> str:
    return f"(|{''.join([names.any_of(shape.member_attributes, dn) for dn in dns])})"


def _by_uid(session: Session, shape: Shape, user: DirectoryUser) -> list[str]:
    """POSIX groups name their members by uid."""
    if shape.is_active_directory:
        return []
    entries = list(session.search(Query(base=user.dn, attributes=("uid",), is_base=True, may_lack=True)))
    return [f"(memberUid={names.in_filter(uid)})" for entry in entries for uid in entry.texts("uid")]


class NormalNames(dict[bytes, str]):
    """Names of members in their normal form: each is made once, though it stands in many groups."""

    def __missing__(self, value: bytes) -> str:
        normal = self[value] = names.normal(value.decode(errors="replace"))
        return normal


def members(session: Session, shape: Shape, entry: Entry, known: NormalNames) -> frozenset[str]:
    """Distinguished names of all members in their normal form, however many pieces the server makes of the list.

    Raises:
        DirectoryIncompleteError: a piece is missing.
    """
    values: list[bytes] = []
    is_ranged = any(";" in name for name in entry.attributes)
    for attribute in shape.member_attributes:
        name = attribute.lower()
        values += _values(session, entry, name) if is_ranged else entry.attributes.get(name, ())
    return frozenset([known[value] for value in values])


def _values(session: Session, entry: Entry, attribute: str) -> list[bytes]:
    """All values of an attribute that may come in ranges (MS-ADTS 3.1.1.3.1.3.3)."""
    values, piece = list(entry.attributes.get(attribute, [])), _piece(entry, attribute)
    while piece is not None:
        first, last, more = piece
        if first != len(values):
            raise DirectoryIncompleteError(f"Members of {entry.dn} are missing: {len(values)} were followed by {first}")
        values += more
        if last == "*":
            break
        query = Query(base=entry.dn, attributes=(f"{attribute};range={len(values)}-*",), is_base=True)
        pieces = [_piece(each, attribute) for each in session.search(query)]
        piece = pieces[0] if pieces else None
        if piece is None or not more:
            raise DirectoryIncompleteError(f"Members of {entry.dn} are missing after {len(values)}")
    return values


def _piece(entry: Entry, attribute: str) -> tuple[int, str, list[bytes]] | None:
    for name, values in entry.attributes.items():
        if name.startswith(f"{attribute};") and (found := _RANGE.search(name)):
            return int(found[1]), found[2], values
    return None
