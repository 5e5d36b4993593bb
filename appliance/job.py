"""Work that the scheduler repeats; safe to run twice at the same time and after a crash."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Job:
    """A named function with its schedule beside it.

    Attributes:
        name: `feature.verb`, as it appears in logs.
        run: takes nothing, returns nothing, raises on failure (the scheduler logs and goes on).
        every_seconds: time between two starts; of no meaning with `cron`.
        cron: five fields (crontab(5), days of the week by name) that say when instead; it does not run at once.
        zone: time zone of `cron`.
        wakes_on: channel of NOTIFY that lets it run at once as well; a word that is lost costs `every_seconds`.
    """

    name: str
    run: Callable[[], Awaitable[None]]
    every_seconds: float
    cron: str = ""
    zone: str = "UTC"
    wakes_on: str = ""
