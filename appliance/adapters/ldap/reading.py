"""Reading a whole directory, or what has changed in it."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, Generic, TypeVar
from uuid import uuid4

import msgspec

from appliance.adapters.ldap import groups, names
from appliance.adapters.ldap.session import Entry, Query, Session
from appliance.adapters.ldap.shapes import Shape
from appliance.identity.directories.errors import DirectoryIncompleteError
from appliance.identity.directories.records import Change, DirectoryGroup, DirectoryUser

_T = TypeVar("_T")
_CHUNK: Final = 100
# From this share on, reading everything is less work than asking for entries by key.
_CHANGED_SHARE_MAX: Final = 0.2
_CHANGED_MIN: Final = 200
# Clocks of modifyTimestamp tick once a second, and entries of one reading are some seconds apart.
_UNSETTLED: Final = timedelta(seconds=60)


class Stamp(msgspec.Struct, gc=False, frozen=True):
    """By what a change of an entry is noticed; moving the unit above it changes only the name.

    Attributes:
        version: uSNChanged, entryCSN or modifyTimestamp; empty if the server's clock is too coarse to tell yet.
    """

    dn: str
    version: str


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What the last reading saw, as far as the next one needs it.

    Attributes:
        origin: which server's version numbers these are.
        ends: when accounts will end by themselves.
    """

    cursor: str
    origin: str
    users: Mapping[str, Stamp]
    groups: Mapping[str, Stamp]
    ends: Mapping[str, datetime]


Reading = tuple[Change, Memory]


def everything(session: Session, shape: Shape, now: datetime) -> Reading:
    """All people and groups.

    Raises:
        DirectoryIncompleteError: something is missing or contradicts itself.
    """
    origin = _origin(session, shape)
    people = _by_key(shape, session.search(_people(shape, "", shape.user_attributes)), _person_of(shape))
    teams = _by_key(shape, session.search(_teams(shape, "", shape.full_group_attributes)), _itself)
    memory = Memory(
        cursor=f"{origin}/{uuid4().hex}",
        origin=origin,
        users=_stamps(people),
        groups=_stamps(teams),
        ends=_ends(people, now),
    )
    change = Change(
        cursor=memory.cursor,
        users=_users(people),
        groups=_groups(session, shape, teams, _uids(people)),
        gone=(),
        present=frozenset(people) | frozenset(teams),
        is_complete=True,
    )
    return change, memory


def since(session: Session, shape: Shape, memory: Memory, now: datetime) -> Reading:
    """What has changed since the memory; everything, if the memory is of another server or too much has changed.

    Keys and versions of all entries are listed each time: that also shows who was deleted, moved away, or is no longer
    matched by a filter on groups, which changes no entry.

    Raises:
        DirectoryIncompleteError: something is missing or contradicts itself.
    """
    if _origin(session, shape) != memory.origin:
        return everything(session, shape, now)
    wanted = (shape.key_attribute, *shape.stamp_attributes)
    users = _stamps(_by_key(shape, session.search(_people(shape, "", wanted)), _nothing))
    teams = _stamps(_by_key(shape, session.search(_teams(shape, "", wanted)), _nothing))
    changed_users = _changed(memory.users, users) | {
        key for key, end in memory.ends.items() if end <= now and key in users
    }
    changed_teams = _changed(memory.groups, teams)
    if memory.users.keys() - users.keys() and not shape.is_active_directory:
        changed_teams = set(teams)  # OpenLDAP takes who was deleted out of groups without a new version of theirs
    before, after = {**memory.users, **memory.groups}, {**users, **teams}
    if _has_moved(before, after) or len(changed_users) + len(changed_teams) > max(
        _CHANGED_MIN, _CHANGED_SHARE_MAX * len(after)
    ):
        return everything(session, shape, now)  # groups name people by distinguished names: all of them may be new
    people = _fetch(
        session, shape, changed_users, partial(_people, attributes=shape.user_attributes), _person_of(shape)
    )
    found = _fetch(session, shape, changed_teams, partial(_teams, attributes=shape.full_group_attributes), _itself)
    kept = Memory(
        cursor=f"{memory.origin}/{uuid4().hex}",
        origin=memory.origin,
        users=_kept(users, changed_users, people),
        groups=_kept(teams, changed_teams, found),
        ends={
            **{key: end for key, end in memory.ends.items() if key in users and end > now},
            **_ends(people, now),
        },
    )
    change = Change(
        cursor=kept.cursor,
        users=_users(people),
        groups=_groups(session, shape, found, _looked_up(session, shape, found)),
        gone=tuple(sorted(before.keys() - after.keys())),
        present=frozenset(after),
        is_complete=False,
    )
    return change, kept


def _origin(session: Session, shape: Shape) -> str:
    """Whose version numbers these are: a domain controller's database (another one after a restore), or the host."""
    if not shape.is_active_directory:
        return session.url
    service = _root(session, "dsServiceName")
    query = Query(base=service, attributes=("invocationId",), is_base=True, may_lack=True)
    found = [value.hex() for entry in session.search(query) for value in entry.attributes.get("invocationid", [])]
    return found[0] if found else f"{session.url} {service}"


def _root(session: Session, attribute: str) -> str:
    query = Query(base="", attributes=(attribute,), is_base=True)
    found = next((entry.text(attribute.lower()) for entry in list(session.search(query))), "")
    if not found:
        raise DirectoryIncompleteError(f"The directory does not tell its {attribute}")
    return found


def _people(shape: Shape, filter_: str, attributes: tuple[str, ...]) -> Query:
    settings = shape.settings
    return Query(base=settings.user_base, filter=f"(&{settings.user_filter}{filter_})", attributes=attributes)


def _teams(shape: Shape, filter_: str, attributes: tuple[str, ...]) -> Query:
    settings = shape.settings
    return Query(base=settings.group_base, filter=f"(&{settings.group_filter}{filter_})", attributes=attributes)


class _Person(msgspec.Struct, frozen=True, gc=False):
    """Somebody, and what else their entry says; the entry itself is not kept: there are many."""

    user: DirectoryUser
    uids: tuple[str, ...]
    ends_at: datetime | None


class _Found(msgspec.Struct, Generic[_T], frozen=True, gc=False):
    """What was made of an entry."""

    made: _T
    stamp: Stamp


def _by_key(shape: Shape, entries: Iterable[Entry], make: Callable[[Entry, str], _T]) -> dict[str, _Found[_T]]:
    found: dict[str, _Found[_T]] = {}
    first, last = shape.stamp_attributes[0].lower(), shape.stamp_attributes[-1].lower()
    for entry in entries:
        key = shape.key(entry)
        if key in found:
            raise DirectoryIncompleteError(f"The directory names {entry.dn} twice; it changed while it was read")
        version = entry.text(first) or entry.text(last)
        found[key] = _Found(make(entry, key), Stamp(names.normal(entry.dn), version))
    return found


def _person_of(shape: Shape) -> Callable[[Entry, str], _Person]:
    return lambda entry, key: _Person(shape.user(entry, key), entry.texts("uid"), shape.ends_at(entry))


def _itself(entry: Entry, _key: str) -> Entry:
    """Groups are made later: their members may have to be asked for."""
    return entry


def _nothing(_entry: Entry, _key: str) -> None:
    return None


def _stamps(found: Mapping[str, _Found[Any]]) -> dict[str, Stamp]:
    """With coarse versions of the last minute blanked: another change may still get the same."""
    newest = max((each.stamp.version for each in found.values() if _is_time(each.stamp.version)), default="")
    limit = ""
    if newest:
        limit = f"{datetime.strptime(newest[:14], '%Y%m%d%H%M%S').replace(tzinfo=UTC) - _UNSETTLED:%Y%m%d%H%M%S}"
    return {
        key: Stamp(each.stamp.dn, "") if limit and _is_time(version) and version[:14] >= limit else each.stamp
        for key, each in found.items()
        for version in (each.stamp.version,)
    }


def _is_time(version: str) -> bool:
    """A GeneralizedTime, which a uSNChanged (a number) and an entryCSN (with #) are not."""
    return version.endswith("Z") and "#" not in version


def _changed(before: Mapping[str, Stamp], after: Mapping[str, Stamp]) -> set[str]:
    return {key for key, stamp in after.items() if not stamp.version or before.get(key) != stamp}


def _has_moved(before: Mapping[str, Stamp], after: Mapping[str, Stamp]) -> bool:
    return any(stamp.dn != before[key].dn for key, stamp in after.items() if key in before)


def _kept(stamps: Mapping[str, Stamp], changed: set[str], fetched: Mapping[str, _Found[Any]]) -> dict[str, Stamp]:
    """Stamps as of what was really read: an entry that changed again in between is read again next time."""
    read = _stamps(fetched)
    return {key: read.get(key, Stamp("", "")) if key in changed else stamp for key, stamp in stamps.items()}


def _fetch(
    session: Session,
    shape: Shape,
    keys: set[str],
    query: Callable[[Shape, str], Query],
    make: Callable[[Entry, str], _T],
) -> dict[str, _Found[_T]]:
    ordered, found = sorted(keys), dict[str, _Found[_T]]()
    for at in range(0, len(ordered), _CHUNK):
        filter_ = shape.key_filter(ordered[at : at + _CHUNK])
        found.update(_by_key(shape, session.search(query(shape, filter_)), make))
    return found


def _users(people: Mapping[str, _Found[_Person]]) -> tuple[DirectoryUser, ...]:
    return tuple([found.made.user for found in people.values()])


def _ends(people: Mapping[str, _Found[_Person]], now: datetime) -> dict[str, datetime]:
    ends = {key: found.made.ends_at for key, found in people.items()}
    return {key: end for key, end in ends.items() if end is not None and end > now}


def _groups(
    session: Session, shape: Shape, teams: Mapping[str, _Found[Entry]], uids: Mapping[str, str]
) -> tuple[DirectoryGroup, ...]:
    made, known = [], groups.NormalNames()
    for found in teams.values():
        members = groups.members(session, shape, found.made, known)
        if named := [uids[uid] for uid in found.made.texts("memberuid") if uid in uids]:
            members = members.union(named)
        made.append(shape.group(found.made, members))
    return tuple(made)


def _uids(people: Mapping[str, _Found[_Person]]) -> dict[str, str]:
    return {uid: found.stamp.dn for found in people.values() for uid in found.made.uids}


def _looked_up(session: Session, shape: Shape, teams: Mapping[str, _Found[Entry]]) -> dict[str, str]:
    """Distinguished names of the people whom changed POSIX groups name by uid."""
    uids = sorted({uid for found in teams.values() for uid in found.made.texts("memberuid")})
    known: dict[str, str] = {}
    for at in range(0, len(uids), _CHUNK):
        filter_ = f"(|{''.join([f'(uid={names.in_filter(uid)})' for uid in uids[at : at + _CHUNK]])})"
        for entry in session.search(_people(shape, filter_, ("uid",))):
            known.update(dict.fromkeys(entry.texts("uid"), names.normal(entry.dn)))
    return known
