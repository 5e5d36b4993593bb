"""Giving memory back that start-up needed and nobody needs any more."""

import ctypes
import gc
from contextlib import suppress
from typing import Final

_LIBC: Final = ctypes.CDLL(None)


def give_back() -> None:
    """Collect what is garbage, and let the C library return free pages to the system (malloc_trim(3), glibc alone)."""
    gc.collect()
    with suppress(AttributeError):  # another C library
        _LIBC.malloc_trim(0)
