"""Identifiers that sort by the time they were made."""

import os
import threading
import time
from uuid import UUID

from asyncpg.pgproto import pgproto

_TAIL_BITS = 73
_STEP_BYTES = 4
# A verb keeps the moment at which it began, while others make identifiers of later ones.
_STAMPS_MAX = 1024


class _Tails:
    """What follows the milliseconds: 74 random bits; each of one millisecond is above the one before it.

    RFC 9562 section 6.2, method 2: random to begin with, then raised by random steps. The first bit begins as zero,
    so that there is room for steps.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._last: dict[int, int] = {}

    def next(self, stamp: int) -> int:
        with self._turn:
            last = self._last.get(stamp)
            tail = self._first() if last is None else last + 1 + int.from_bytes(os.urandom(_STEP_BYTES), "big")
            self._last[stamp] = tail
            return tail

    def many(self, stamp: int, count: int) -> list[int]:
        """As many in a row; to ask for random bytes once makes each of them several times faster."""
        steps, tails = memoryview(os.urandom(_STEP_BYTES * count)).cast("I"), list[int]()
        with self._turn:
            last = self._last.get(stamp)
            tail = self._first() if last is None else last
            for step in steps:
                tail += 1 + step
                tails.append(tail)
            self._last[stamp] = tail
        return tails

    def _first(self) -> int:
        """The beginning of a millisecond of which none was made yet."""
        if len(self._last) >= _STAMPS_MAX:
            del self._last[next(iter(self._last))]
        return int.from_bytes(os.urandom(10), "big") >> (80 - _TAIL_BITS)


_TAILS = _Tails()


def uuid7(milliseconds: int | None = None) -> UUID:
    """A version 7 UUID (RFC 9562 section 5.7): 48 bits of Unix milliseconds, then random bits.

    Those that a process makes one after the other for one millisecond ascend: entries of one commit keep their order.
    """
    stamp = time.time_ns() // 1_000_000 if milliseconds is None else milliseconds
    return _made(stamp, _TAILS.next(stamp))


def uuid7s(count: int, milliseconds: int | None = None) -> list[UUID]:
    """As many of one moment, ascending like those that `uuid7` makes one after the other."""
    stamp = time.time_ns() // 1_000_000 if milliseconds is None else milliseconds
    return [_made(stamp, tail) for tail in _TAILS.many(stamp, count)]


def _made(stamp: int, tail: int) -> UUID:
    value = (stamp & 0xFFFFFFFFFFFF) << 80
    value |= 0x7 << 76 | (tail >> 62 & 0xFFF) << 64
    value |= 0b10 << 62 | (tail & 0x3FFFFFFFFFFFFFFF)
    # The driver's own, which is one of the standard library's too: it is made, written and hashed many times faster.
    made: UUID = pgproto.UUID(value.to_bytes(16))
    return made
