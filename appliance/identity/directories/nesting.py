"""Who is in which group, with groups in groups followed to a depth; cycles do no harm."""

from collections.abc import Collection, Mapping
from hashlib import blake2b

from appliance.identity.directories.plans import Entry

TOKEN_BYTES = 16


def key_token(key: str) -> bytes:
    """Stands for an entry by its key, wherever it moves to."""
    return blake2b(key.encode(), digest_size=TOKEN_BYTES, person=b"key").digest()


def dn_token(dn: str) -> bytes:
    """Stands for whatever has this distinguished name: names of people are not kept."""
    return blake2b(dn.encode("utf-8", "surrogatepass"), digest_size=TOKEN_BYTES, person=b"dn").digest()


class KeyTokens(dict[str, bytes]):
    """Tokens of keys, each of which is hashed once."""

    def __missing__(self, key: str) -> bytes:
        token = self[key] = key_token(key)
        return token


class MemberTokens(dict[str, bytes]):
    """Tokens of members by distinguished name: of their key where it is known, else of the name, hashed once."""

    def __missing__(self, dn: str) -> bytes:
        token = self[dn] = dn_token(dn)
        return token


def resolved(entries: Mapping[str, Entry], changed: Collection[str], tokens: KeyTokens) -> dict[str, Entry]:
    """Groups whose members are now known by key instead of name, and those that `changed`; by key.

    A member that is known by key is not lost when it moves, also where its groups are not reported as changed.
    """
    key_of = {entry.dn: tokens[entry.key] for entry in entries.values()}
    found = {}
    for entry in entries.values():
        if entry.is_group:
            members = frozenset(map(key_of.get, entry.members, entry.members))
            if members != entry.members or entry.key in changed:
                found[entry.key] = Entry(entry.key, entry.is_group, entry.dn, entry.name, members, entry.profile)
    return found


def groups_of_people(entries: Collection[Entry], depth: int, tokens: KeyTokens) -> dict[str, frozenset[str]]:
    """Key of each person in any group -> keys of all groups; direct ones are at depth 1."""
    into: dict[bytes, list[str]] = {tokens[entry.key]: [] for entry in entries}
    for group in entries:
        for member in group.members:
            if member in into:
                into[member].append(group.key)
    parents = {entry.key: into[tokens[entry.key]] for entry in entries if entry.is_group}
    above = {key: _above(key, parents, depth) for key, direct in parents.items() if direct}
    alike: dict[frozenset[str], frozenset[str]] = {}
    people = {}
    for entry in entries:
        if not entry.is_group and (direct := into[tokens[entry.key]]):
            groups = frozenset(direct).union(*[above[group] for group in direct if group in above])
            people[entry.key] = alike.setdefault(groups, groups)
    return people


def _above(group: str, parents: Mapping[str, list[str]], depth: int) -> set[str]:
    """The groups that a group is in, level by level."""
    found, level = {group}, [group]
    for _ in range(depth - 1):
        level = [parent for child in level for parent in parents.get(child, ()) if parent not in found]
        if not level:
            break
        found.update(level)
    return found
