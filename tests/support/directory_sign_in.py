"""Sign-in by a pretended directory that counts what it is asked, and takes its time."""

import asyncio
import random
from typing import Any

from appliance.config.sign_in import Directory as Settings
from appliance.identity.bind_allowance import BindAllowance
from appliance.identity.directories.ports import Directory
from appliance.identity.directories.records import DirectoryUser
from appliance.identity.external import ExternalSignIns
from appliance.identity.pace import Pace
from appliance.identity.sealing import KeyedHash
from appliance.identity.service import Identity
from appliance.identity.throttle import Throttle
from tests.support.fake_directory import FakeDirectory

RIGHT = "Sommer-Regen 7"


class CountingDirectory(FakeDirectory):
    """Counts passwords that it was asked about by name, and takes as long for them as it is told."""

    def __init__(self, name: str = "corp") -> None:
        """At once, until told otherwise."""
        super().__init__(name)
        self.binds: list[str] = []
        self.finds = 0
        self.find_seconds = (0.0, 0.0)
        self.bind_seconds = (0.0, 0.0)
        self._random = random.Random(7)  # noqa: S311 - delays

    async def authenticate(self, user: str, password: str) -> DirectoryUser:
        """One password; an unknown name costs no bind here, which is the worst case for whoever hides it."""
        if await FakeDirectory.find(self, user) is not None:
            self.binds.append(user)
            await self._take(self.bind_seconds)
        return await super().authenticate(user, password)

    async def find(self, user: str) -> DirectoryUser | None:
        """One look-up."""
        self.finds += 1
        await self._take(self.find_seconds)
        return await super().find(user)

    async def _take(self, seconds: tuple[float, float]) -> None:
        if seconds[1]:
            await asyncio.sleep(self._random.uniform(*seconds))


class StillTime:
    """A clock that moves by waiting alone."""

    def __init__(self) -> None:
        """At zero."""
        self.now = 0.0
        self.waited: list[float] = []

    def monotonic(self) -> float:
        """This moment."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Be there already."""
        self.waited.append(seconds)
        self.now += seconds

    def pace(self) -> Pace:
        """A pace by this clock."""
        return Pace(monotonic=self.monotonic, sleep=self.sleep)


def settings(**fields: Any) -> Settings:  # noqa: ANN401 - fields of the section
    """A directory's section with what it must have."""
    known = {"kind": "ldap", "urls": ("ldaps://dc1.example.org",), "user_base": "dc=example", "label": "Corp"}
    return Settings(**{**known, "bind_dn": "cn=leash,dc=example", **fields})


def sign_ins(
    identity: Identity,
    directory: Directory,
    *,
    pace: Pace | None = None,
    attempts: int = 1000,
    **fields: Any,  # noqa: ANN401 - of the section
) -> ExternalSignIns:
    """As bootstrap builds it; nobody waits for anything unless a pace is given."""
    return ExternalSignIns(
        {directory.name: directory},
        {directory.name: settings(**fields)},
        sessions=identity.sessions,
        throttle=Throttle(attempts, KeyedHash(b"t" * 32)),
        binds=BindAllowance(KeyedHash(b"b" * 32)),
        pace=pace or StillTime().pace(),
    )
