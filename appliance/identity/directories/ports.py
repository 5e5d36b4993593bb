"""What the product needs of a directory; the adapter for LDAP and Active Directory is one, tests bring another."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from appliance.identity.directories.records import (
    Change,
    DirectoryGroup,
    DirectoryUser,
    HostStatus,
    ProbeResult,
    ProbeSection,
)


class Directory(Protocol):
    """One directory with all its hosts.

    Every method raises DirectoryUnavailableError if no host answers in time, if our own account is refused, or if
    all conversations that are allowed at once are taken; nothing here takes longer than its settings say.
    """

    @property
    def name(self) -> str:
        """What the configuration calls it, e.g. `corp` for `[directories.corp]`."""
        ...

    @property
    def is_resting(self) -> bool:
        """Whether it did not answer lately, and somebody is finding out whether it does again: nobody else need ask."""
        ...

    async def authenticate(self, user: str, password: str) -> DirectoryUser:
        """Let somebody prove who they are, with exactly one attempt on one host.

        Raises:
            DirectoryRefusedError: the directory said no, knows no or several such people, or name or password are
                nothing that could be sent.
        """
        ...

    async def find(self, user: str) -> DirectoryUser | None:
        """Look somebody up by what they type as their name; None if nobody, or nobody unambiguous, has it."""
        ...

    async def groups_of(self, user: DirectoryUser) -> tuple[DirectoryGroup, ...]:
        """All groups that somebody is in, those within groups too, without their members.

        Raises:
            DirectoryIncompleteError: not all of them could be read.
        """
        ...

    async def read_all(self) -> Change:
        """Everybody and every group.

        Raises:
            DirectoryIncompleteError: anything is missing; there is no partial result.
        """
        ...

    async def read_since(self, cursor: str) -> Change:
        """What is new since a cursor; everything (`is_complete`) if that cannot be told.

        So it is when another host answers, when somebody was renamed or moved (groups name people by where they are),
        and when the cursor is not the last one that this object has given out, as after a restart.

        Raises:
            DirectoryIncompleteError: anything is missing; there is no partial result.
        """
        ...

    async def probe(self, section: ProbeSection, user: str = "") -> ProbeResult:
        """Try one part of the connection and say what the server said; `user` is for find_user and groups."""
        ...

    def hosts(self) -> tuple[HostStatus, ...]:
        """Every host in the order of the configuration."""
        ...

    async def close(self) -> None:
        """Let go of connections and threads."""
        ...


class SyncAlarm(Protocol):
    """Tells people that a directory needs them."""

    async def held(self, directory: str, run_id: UUID, now: datetime) -> None:
        """A run stopped at the brake; called inside the transaction that holds it."""

    async def failing(self, directory: str, now: datetime) -> None:
        """A run failed; called after that was written down, with each failed run."""


class NoSyncAlarm:
    """For tests and tools: ledger, log and the page of directories are all there is."""

    async def held(self, directory: str, run_id: UUID, now: datetime) -> None:
        """Nothing."""

    async def failing(self, directory: str, now: datetime) -> None:
        """Nothing."""
