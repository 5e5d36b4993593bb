"""Who is in which group, with groups in groups followed to a depth; cycles do no harm."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from hashlib import blake2b

from appliance.identity.directories.plans import Entry

TOKEN_BYTES = 16


def key_token(key: str) -> bytes:
    """Stands for an entry by its key, wherever it moves to."""
    return blake2b(key.encode(), digest_size=TOKEN_BYTES, person=b"key").digest()


def dn_token(dn: str) -> bytes:
    """Stands for whatever has this distinguished name: names of people are not kept."""
    return blake2b(dn.encode("utf-8", "surrogatepass"), digest_size=TOKEN_BYTES, person=b"dn").digest()


def resolved(entries: Mapping[str, Entry], changed: Collection[str]) -> dict[str, Entry]:
    """Groups whose members are now known by key instead of name, and those that `changed`; by key.

    A member that is known by key is not lost when it moves, also where its groups are not reported as changed.
    """
    key_of = {entry.dn: key_token(entry.key) for entry in entries.values()}
    found = {}
    for entry in entries.values():
        if entry.is_group:
            members = frozenset([key_of.get(member, member) for member in entry.members])
            if members != entry.members or entry.key in changed:
                found[entry.key] = Entry(
                    key=entry.key, is_group=True, dn=entry.dn, name=entry.name, members=members, profile=entry.profile
                )
    return found


def groups_of_people(entries: Iterable[Entry], depth: int) -> dict[str, frozenset[str]]:
    """Key of each person in any group -> keys of all groups; direct ones are at depth 1."""
    key_of = {key_token(entry.key): entry for entry in entries}
    direct, parents = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    for group in key_of.values():
        for member in group.members:
            entry = key_of.get(member)
            if entry is not None:
                (parents if entry.is_group else direct)[entry.key].append(group.key)
    above: dict[str, frozenset[str]] = {}
    alike: dict[tuple[str, ...], frozenset[str]] = {}
    people = {}
    for person, groups in direct.items():
        same = tuple(sorted(groups))
        if same not in alike:
            alike[same] = frozenset().union(*(_above(group, parents, depth, above) for group in same))
        people[person] = alike[same]
    return people


def _above(
    group: str, parents: Mapping[str, list[str]], depth: int, known: dict[str, frozenset[str]]
) -> frozenset[str]:
    """The group and those that it is in, level by level."""
    if group not in known:
        found, level = {group}, [group]
        for _ in range(depth - 1):
            level = [parent for child in level for parent in parents.get(child, ()) if parent not in found]
            if not level:
                break
            found.update(level)
        known[group] = frozenset(found)
    return known[group]
