"""A child process that ends with its parent, however that ends."""

import ctypes
import os
import signal
from collections.abc import Callable
from typing import Final

_SET_PARENT_DEATH_SIGNAL: Final = 1  # PR_SET_PDEATHSIG, prctl(2)
# Loaded before any fork: between fork and exec nothing may be imported.
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def dies_with_parent(parent: int) -> Callable[[], None]:
    """What a child runs before all else: it gets SIGTERM when the thread that forked it ends, however it ends.

    `parent` is the process id of that thread's process.
    """

    def prepare() -> None:
        _LIBC.prctl(_SET_PARENT_DEATH_SIGNAL, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != parent:  # it ended before the call above
            os._exit(0)

    return prepare
