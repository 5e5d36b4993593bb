"""Start the server and its scheduler, and wait until they work."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from appliance.config import Config
from installer.context import CommandLine
from installer.errors import ServiceFailedError
from installer.steps.health import is_ready
from installer.supervision.logs import RotatingLog
from installer.supervision.service import Service

SERVER: Final = "server"
SCHEDULER: Final = "server.scheduler"
LOG_NAMES: Final[Mapping[str, str]] = {SERVER: "server", SCHEDULER: "scheduler"}
READY_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.05
# Beyond the time that running requests get to finish.
_STOP_SECONDS: Final = 5.0


def make_services(
    line: CommandLine, *, tell: Callable[[str], None], started: Callable[[str, int], None]
) -> tuple[Service, ...]:
    """The threads that keep both modules running; nothing is started yet. The server first, as it is stopped first."""
    logs = line.config.state.directory / "logs"
    return tuple(
        Service(module, line.words, environ=line.environ, log=RotatingLog(logs, name), tell=tell, started=started)
        for module, name in LOG_NAMES.items()
    )


def wait_ready(config: Config, services: Sequence[Service], seconds: float = READY_SECONDS) -> None:
    """Wait until the server decides and nothing has failed.

    Raises:
        ServiceFailedError: a module ended by itself, or it took too long.
    """
    end = time.monotonic() + seconds
    while True:
        ready = is_ready(config)
        for service in services:
            if service.failed_with:
                raise ServiceFailedError(_failure(service, f"ended with exit code {service.failed_with}"))
        if ready:
            return
        if time.monotonic() > end:
            raise ServiceFailedError(_failure(services[0], f"was not ready after {seconds:.0f} s"))
        time.sleep(_LOOK_SECONDS)


def stop_services(config: Config, services: Sequence[Service], at_once: Callable[[], bool]) -> list[str]:
    """End them one after the other, in order; those that had to be killed."""
    seconds = config.server.shutdown_grace_seconds + _STOP_SECONDS
    return [service.module for service in services if not service.end(seconds, at_once=at_once)]


def _failure(service: Service, what: str) -> str:
    lines = "\n".join(f"  {line}" for line in service.log.tail())
    return f"{service.module} {what}; its log {service.log.path} ends:\n{lines}"
