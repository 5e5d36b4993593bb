"""Which host to ask: the first one that works; one that failed is left alone for a while."""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from appliance.clock import Clock, utc_now
from appliance.identity.directories.records import HostState, HostStatus

# A conversation that tries a host and takes longer than a sign-in may does not keep the others from it.
_TRIAL_SECONDS: Final = 10.0


class Host:
    """One host and what happened with it; only `Hosts` writes it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.last_error = ""
        self.last_ok_at: datetime | None = None
        self.cooling_until: datetime | None = None
        self.warm_at = 0.0  # when its cool-down ends or has ended; zero if nothing failed since it last worked
        self.tried_until = 0.0


class Hosts:
    """The hosts of one directory in this process; several threads ask at once."""

    def __init__(
        self,
        urls: tuple[str, ...],
        cool_down_seconds: float,
        *,
        has_start_tls: bool = True,
        clock: Clock = utc_now,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hosts = tuple([Host(url) for url in urls])
        self._cool_down_seconds = cool_down_seconds
        self._has_start_tls = has_start_tls
        self._clock = clock
        self._ticks = ticks
        self._lock = threading.Lock()

    def in_order(self) -> tuple[Host, ...]:
        """Those that are not cooling; behind them, for the case that none works, the others, oldest failure first."""
        with self._lock:
            now = self._ticks()
            return tuple(sorted(self._hosts, key=lambda host: host.warm_at if host.warm_at > now else 0.0))

    def enter(self, host: Host) -> bool:
        """Whether this conversation may try the host: until one that failed works again, one at a time tries it."""
        with self._lock:
            if not host.warm_at:
                return True
            now = self._ticks()
            is_first = host.tried_until <= now
            if is_first:
                host.tried_until = now + _TRIAL_SECONDS
            return is_first

    @property
    def are_resting(self) -> bool:
        """Whether each of them has failed and is being tried just now, so that nobody else may try any."""
        with self._lock:
            now = self._ticks()
            return all(host.warm_at and host.tried_until > now for host in self._hosts)

    def succeeded(self, host: Host) -> None:
        """It did what it was asked."""
        with self._lock:
            host.tried_until, host.warm_at, host.cooling_until = 0.0, 0.0, None
            host.last_ok_at = self._clock()

    def failed(self, host: Host, said: str) -> None:
        """It did not; leave it alone for a while."""
        with self._lock:
            host.tried_until, host.last_error = 0.0, said
            host.warm_at = self._ticks() + self._cool_down_seconds
            host.cooling_until = self._clock() + timedelta(seconds=self._cool_down_seconds)

    def status(self) -> tuple[HostStatus, ...]:
        """Every host in the order of the configuration."""
        with self._lock:
            return tuple([self._status(host) for host in self._hosts])

    def _status(self, host: Host) -> HostStatus:
        is_cooling = host.warm_at > self._ticks()
        known = HostState.UP if host.last_ok_at and not host.warm_at else HostState.UNKNOWN
        return HostStatus(
            url=host.url,
            state=HostState.COOLING if is_cooling else known,
            is_encrypted=self._has_start_tls or host.url.startswith("ldaps://"),
            last_error=host.last_error,
            last_ok_at=host.last_ok_at,
            cooling_until=host.cooling_until if is_cooling else None,
        )
