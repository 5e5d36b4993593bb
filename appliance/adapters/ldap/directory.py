"""The port's one implementation: blocking LDAP in a few threads, behind awaitable methods."""

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from appliance.adapters.ldap import groups, names, people, reading
from appliance.adapters.ldap.hosts import Hosts
from appliance.adapters.ldap.probing import Prober
from appliance.adapters.ldap.reach import Reach
from appliance.adapters.ldap.reading import Memory, Reading
from appliance.adapters.ldap.session import Session
from appliance.adapters.ldap.shapes import Shape
from appliance.adapters.ldap.talks import Talk, Talks
from appliance.clock import Clock, utc_now
from appliance.config.sign_in import Directory as Settings
from appliance.identity.directories.errors import (
    DirectoryIncompleteError,
    DirectoryMisconfiguredError,
    DirectoryRefusedError,
    DirectoryUnavailableError,
)
from appliance.identity.directories.records import (
    Change,
    DirectoryGroup,
    DirectoryUser,
    HostStatus,
    ProbeResult,
    ProbeSection,
)

_T = TypeVar("_T")
_READ_SECONDS: Final = 1800.0


class LdapDirectory:
    """One directory, LDAP or Active Directory."""

    def __init__(self, name: str, settings: Settings, *, clock: Clock = utc_now) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        self._hosts = Hosts(settings.urls, settings.cool_down_seconds, has_start_tls=settings.start_tls, clock=clock)
        self._reach = Reach(settings, self._hosts)
        self._shape = Shape(settings, clock)
        self._talks = Talks(settings.threads)
        self._memory: Memory | None = None

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self._name

    @property
    def is_resting(self) -> bool:
        """Whether whoever asks now is told at once that no host can be used."""
        return self._hosts.are_resting

    async def authenticate(self, user: str, password: str) -> DirectoryUser:
        """Let somebody prove who they are, with exactly one attempt on one host."""
        name, word = names.login(user), names.password(password)
        return await self._talk(lambda talk: people.sign_in(self._reach, self._shape, talk, name, word))

    async def find(self, user: str) -> DirectoryUser | None:
        """Look somebody up by what they type as their name."""
        people.require_service(self._shape)
        try:
            name = names.login(user)
        except DirectoryRefusedError:
            return None
        return await self._talk(lambda talk: people.find(self._reach, self._shape, talk, name))

    async def groups_of(self, user: DirectoryUser) -> tuple[DirectoryGroup, ...]:
        """All groups that somebody is in, those within groups too, without their members."""
        if user.groups is not None:
            return user.groups
        people.require_service(self._shape)
        return await self._talks.run(
            lambda talk: self._as_service(talk, lambda session: groups.of(session, self._shape, user)),
            self._settings.login_seconds,
        )

    async def read_all(self) -> Change:
        """Everybody and every group."""
        return await self._read(lambda session: reading.everything(session, self._shape, self._clock()))

    async def read_since(self, cursor: str) -> Change:
        """What is new since the last reading of this process; otherwise everything."""
        memory = self._memory
        if memory is None or memory.cursor != cursor:
            return await self.read_all()
        return await self._read(lambda session: reading.since(session, self._shape, memory, self._clock()))

    async def probe(self, section: ProbeSection, user: str = "") -> ProbeResult:
        """Try one part of the connection."""
        prober = Prober(self._reach, self._shape)
        try:
            name = names.login(user) if section in {ProbeSection.FIND_USER, ProbeSection.GROUPS} else ""
            return await self._talks.run(
                lambda talk: prober.probe(talk, ProbeSection(section), name),
                self._settings.login_seconds * len(self._settings.urls),
            )
        except DirectoryRefusedError:
            step = "Give the name of somebody who is in the directory."
            return ProbeResult(section=section, is_ok=False, said="there is no name to look for", next_step=step)
        except DirectoryUnavailableError as problem:
            return ProbeResult(section=section, is_ok=False, said=problem.detail, next_step=problem.next_step)

    def hosts(self) -> tuple[HostStatus, ...]:
        """Every host in the order of the configuration."""
        return self._hosts.status()

    async def close(self) -> None:
        """Cut what is under way."""
        self._talks.end()

    async def _talk(self, work: Callable[[Talk], _T]) -> _T:
        """A sign-in or a look-up; half an answer, or a referral, means that the directory is of no use for it."""
        try:
            return await self._talks.run(work, self._settings.login_seconds)
        except DirectoryIncompleteError as problem:
            raise DirectoryMisconfiguredError(problem.detail) from problem

    async def _read(self, read: Callable[[Session], Reading]) -> Change:
        people.require_service(self._shape)
        change, self._memory = await self._talks.run(
            lambda talk: self._as_service(talk, read),
            _READ_SECONDS,
        )
        return change

    def _as_service(self, talk: Talk, work: Callable[[Session], _T]) -> _T:
        """In the thread: do something that another host may repeat if this one fails."""

        def prepare(session: Session) -> _T:
            self._reach.bind_service(session)
            return work(session)

        _, _, result = self._reach.first(talk, prepare)
        return result


def build_directories(settings: Mapping[str, Settings], clock: Clock = utc_now) -> dict[str, LdapDirectory]:
    """All configured directories by name; nothing is contacted yet."""
    return {name: LdapDirectory(name, each, clock=clock) for name, each in settings.items()}
