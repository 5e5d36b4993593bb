"""Hashing and checking passwords with argon2id, a bounded number at a time and never on the event loop."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from appliance.identity.errors import SignInBusyError


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """RFC 9106 section 4, second recommended option: argon2id, t=3, p=4, 64 MiB, 128-bit salt, 256-bit tag."""

    passes: int = 3
    memory_kib: int = 65536
    lanes: int = 4


@dataclass(slots=True)
class Passwords:
    """Each hash takes `cost.memory_kib`, so `at_once` bounds the memory and `waiting` the queue behind it."""

    cost: Cost = field(default_factory=Cost)
    at_once: int = 2
    waiting: int = 32
    verifications: int = 0
    _under_way: int = 0
    _hasher: PasswordHasher = field(init=False)
    _decoy: str = field(init=False)
    _threads: ThreadPoolExecutor = field(init=False)
    _slots: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        """Make the hash that an unknown person's password is checked against."""
        cost = self.cost
        self._hasher = PasswordHasher(cost.passes, cost.memory_kib, cost.lanes, 32, 16, type=Type.ID)
        self._decoy = self._hasher.hash("nobody's password")
        self._threads = ThreadPoolExecutor(self.at_once, thread_name_prefix="argon2")
        self._slots = asyncio.Semaphore(self.at_once)

    async def hash(self, password: str) -> str:
        """The password's hash in PHC string format.

        Raises:
            SignInBusyError: too many wait already.
        """
        async with _Turn(self):
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, password)

    async def is_match(self, stored: str | None, password: str | None) -> bool:
        """Whether the password fits the hash; without either the same work is done and the answer is no.

        Raises:
            SignInBusyError: too many wait already.
        """
        async with _Turn(self):
            self.verifications += 1
            loop = asyncio.get_running_loop()
            is_same = await loop.run_in_executor(self._threads, self._verify, stored or self._decoy, password or "")
        return is_same and stored is not None and password is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made with another cost."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


class _Turn:
    """One place in the bounded queue, then one of the slots."""

    def __init__(self, passwords: Passwords) -> None:
        self._passwords = passwords

    async def __aenter__(self) -> None:
        ours = self._passwords
        if ours._under_way >= ours.at_once + ours.waiting:  # noqa: SLF001 - one mechanism in two classes
            raise SignInBusyError
        ours._under_way += 1  # noqa: SLF001 - see above
        try:
            await ours._slots.acquire()  # noqa: SLF001 - see above
        except BaseException:
            ours._under_way -= 1  # noqa: SLF001 - see above
            raise

    async def __aexit__(self, *_: object) -> None:
        self._passwords._slots.release()  # noqa: SLF001 - see above
        self._passwords._under_way -= 1  # noqa: SLF001 - see above
