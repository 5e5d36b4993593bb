"""A directory that keeps the port's contract, in memory, and fails in the ways in which real ones do."""

import asyncio
from collections.abc import Iterable
from enum import StrEnum
from uuid import UUID, uuid5

import msgspec

from appliance.identity.directories.errors import (
    DirectoryIncompleteError,
    DirectoryRefusedError,
    DirectoryUnavailableError,
)
from appliance.identity.directories.records import (
    Change,
    DirectoryGroup,
    DirectoryUser,
    HostState,
    HostStatus,
    ProbeResult,
    ProbeSection,
    RefusalCause,
)

_SPACE = UUID("6f1c9b52-0d6e-4d57-9f0b-0d6a1c4f7c11")
URL = "ldaps://dc1.example.org"


class Fault(StrEnum):
    """What goes wrong at the next readings."""

    NONE = "none"
    ERROR = "error"  # it answers with an error
    TIME_OUT = "time_out"  # it never answers
    HANG = "hang"  # nothing comes, and nobody ends the waiting
    BREAK = "break"  # the connection is lost in the middle
    PARTIAL = "partial"  # a limit was hit, and the adapter has seen it
    EMPTY = "empty"  # a filter, a base or a right is wrong: success, and nobody in it
    STRANGE = "strange"  # what no adapter should ever raise


class FakeDirectory:
    """People and groups by key; each change has a number, and a cursor is the number of the last one."""

    def __init__(self, name: str = "corp") -> None:
        """Nobody is in it."""
        self.name = name
        self.fault = Fault.NONE
        self.users: dict[str, DirectoryUser] = {}
        self.groups: dict[str, DirectoryGroup] = {}
        self.passwords: dict[str, str] = {}
        self.reads: list[str] = []
        self.was_read = asyncio.Event()
        self.is_closed = False
        self.is_resting = False
        self._changed: dict[str, int] = {}
        self._gone: dict[str, int] = {}
        self._number = 0

    def add(self, *names: str, email: str | None = None) -> list[str]:
        """People by name, each with an address of its own; their keys."""
        return [self._user(name, f"{name}@example.org" if email is None else email) for name in names]

    def _user(self, name: str, email: str) -> str:
        key = str(uuid5(_SPACE, f"{self.name}/{name}"))
        self.put(
            DirectoryUser(
                key=key,
                dn=f"uid={name},ou=people,dc=example",
                user_name=name,
                display_name=name.title(),
                email=email,
                is_disabled=False,
            )
        )
        return key

    def put(self, entry: DirectoryUser | DirectoryGroup) -> None:
        """Add an entry or put it in the place of the one with its key."""
        self._number += 1
        self._changed[entry.key] = self._number
        self._gone.pop(entry.key, None)
        if isinstance(entry, DirectoryUser):
            self.users[entry.key] = entry
        else:
            self.groups[entry.key] = entry

    def change(self, key: str, **fields: object) -> None:
        """Change attributes of somebody: disable, rename, move."""
        self.put(msgspec.structs.replace(self.users[key], **fields))

    def remove(self, *keys: str) -> None:
        """Delete entries; whoever was a member of something is none any more, as a real server sees to."""
        for key in keys:
            entry: DirectoryUser | DirectoryGroup | None = self.users.pop(key, None) or self.groups.pop(key, None)
            self._changed.pop(key, None)
            self._number += 1
            self._gone[key] = self._number
            for group in list(self.groups.values()):
                if entry is not None and entry.dn in group.member_dns:
                    self.put(msgspec.structs.replace(group, member_dns=group.member_dns - {entry.dn}))

    def group(self, name: str, members: Iterable[str]) -> str:
        """A group of that name with the people and groups of these keys, new or changed; its key."""
        key = str(uuid5(_SPACE, f"{self.name}/group/{name}"))
        entries: dict[str, DirectoryUser | DirectoryGroup] = {**self.users, **self.groups}
        dns = frozenset(entries[member].dn if member in entries else member for member in members)
        self.put(DirectoryGroup(key=key, dn=f"cn={name},ou=groups,dc=example", name=name, member_dns=dns))
        return key

    async def authenticate(self, user: str, password: str) -> DirectoryUser:
        """Whoever has this name and password."""
        await self._fail()
        found = await self.find(user)
        if found is None:
            raise DirectoryRefusedError(RefusalCause.UNKNOWN)
        if not password or self.passwords.get(found.user_name) != password:
            raise DirectoryRefusedError(RefusalCause.WRONG, key=found.key)
        if found.is_disabled:
            raise DirectoryRefusedError(RefusalCause.DISABLED, key=found.key)
        return found

    async def find(self, user: str) -> DirectoryUser | None:
        """Whoever has this name or address."""
        await self._fail()
        found = [each for each in self.users.values() if user in {each.user_name, each.email}]
        return found[0] if len(found) == 1 else None

    async def groups_of(self, user: DirectoryUser) -> tuple[DirectoryGroup, ...]:
        """All groups that somebody is in, level by level."""
        await self._fail()
        found: dict[str, DirectoryGroup] = {}
        level = {user.dn}
        while level:
            above = [g for g in self.groups.values() if g.member_dns & level and g.key not in found]
            found |= {group.key: msgspec.structs.replace(group, member_dns=frozenset()) for group in above}
            level = {group.dn for group in above}
        return tuple(found.values())

    async def read_all(self) -> Change:
        """Everybody and every group."""
        self.reads.append("all")
        self.was_read.set()
        await self._fail()
        return self._change(since=-1, is_complete=True)

    async def read_since(self, cursor: str) -> Change:
        """What has a number above the cursor."""
        self.reads.append("since")
        await self._fail()
        return self._change(since=int(cursor), is_complete=False)

    async def probe(self, section: ProbeSection, user: str = "") -> ProbeResult:
        """What the fault says."""
        is_ok = self.fault is Fault.NONE
        return ProbeResult(section=section, is_ok=is_ok, said=user if is_ok else self.fault.value, host=URL)

    def hosts(self) -> tuple[HostStatus, ...]:
        """One host."""
        if self.fault in {Fault.NONE, Fault.EMPTY, Fault.PARTIAL}:
            return (HostStatus(url=URL, state=HostState.UP),)
        return (HostStatus(url=URL, state=HostState.COOLING, last_error=self.fault.value, last_ok_at=None),)

    async def close(self) -> None:
        """Nothing is held."""
        self.is_closed = True

    def _change(self, *, since: int, is_complete: bool) -> Change:
        if self.fault is Fault.EMPTY:
            return Change(
                cursor=str(self._number), users=(), groups=(), gone=(), present=frozenset(), is_complete=is_complete
            )
        return Change(
            cursor=str(self._number),
            users=tuple(user for key, user in self.users.items() if self._changed[key] > since),
            groups=tuple(group for key, group in self.groups.items() if self._changed[key] > since),
            gone=() if is_complete else tuple(key for key, number in self._gone.items() if number > since),
            present=frozenset(self.users) | frozenset(self.groups),
            is_complete=is_complete,
        )

    async def _fail(self) -> None:
        match self.fault:
            case Fault.ERROR:
                raise DirectoryUnavailableError("dc1 said: 51 busy")
            case Fault.TIME_OUT:
                raise TimeoutError("no answer within 5 s")
            case Fault.HANG:
                await asyncio.Event().wait()
            case Fault.BREAK:
                raise ConnectionResetError("reset by peer")
            case Fault.PARTIAL:
                raise DirectoryIncompleteError("4 sizeLimitExceeded after 500 entries")
            case Fault.STRANGE:
                raise KeyError("cookie")
