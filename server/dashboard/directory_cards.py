"""What the page of directories shows of each source of people, in the form that its template reads."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from appliance.bootstrap import Appliance
from appliance.config.sign_in import Directory as DirectorySettings
from appliance.config.sign_in import Provider
from appliance.identity.directories import queries
from appliance.identity.directories.plans import Run
from appliance.identity.directories.queries import DirectoryStatus
from appliance.identity.directories.records import HostStatus
from appliance.identity.directories.showing import Numbers, numbers_of
from appliance.identity.provisioning.records import ProvisioningToken
from appliance.identity.provisioning.tokens import tokens
from appliance.identity.records import Source, SourceKind

_TOKENS_MAX = 500
CHART_HEIGHT = 20.0
_BARS_MIN = 25  # a few runs are a few narrow bars


class DirectoryCard(NamedTuple):
    """A directory; `next_run_at` is None if it is not synchronised."""

    name: str
    label: str
    settings: DirectorySettings
    hosts: tuple[HostStatus, ...]
    status: DirectoryStatus
    numbers: Numbers
    is_on: bool
    next_run_at: datetime | None


class ProviderCard(NamedTuple):
    """A provider of OpenID Connect."""

    name: str
    label: str
    settings: Provider
    numbers: Numbers


class WriterCard(NamedTuple):
    """An identity provider that writes people and groups by SCIM."""

    name: str
    live: int
    last_used_at: datetime | None
    numbers: Numbers


class RunBar(NamedTuple):
    """One run in the chart: place and heights of its two bars, which stand on a line in the middle."""

    x: float
    width: float
    up: float
    down: float


async def directory_cards(appliance: Appliance) -> list[DirectoryCard]:
    """Every directory, in the order of the configuration."""
    directories = appliance.directories
    sources = {name: Source(SourceKind.DIRECTORY, name) for name in directories.names}
    numbers, cards = await numbers_of(sources.values()), []
    for name, source in sources.items():
        settings, is_on = directories.settings(name), directories.syncs[name].is_on
        cards.append(
            DirectoryCard(
                name=name,
                label=directories.label(name),
                settings=settings,
                hosts=directories.port(name).hosts(),
                status=await queries.status_of(name),
                numbers=numbers[source],
                is_on=is_on,
                next_run_at=await _next_run_at(name, settings, appliance.clock()) if is_on else None,
            )
        )
    return cards


async def _next_run_at(name: str, settings: DirectorySettings, now: datetime) -> datetime:
    """By the interval from the beginning of the last one; it is due now if there was none."""
    last = await queries.runs(directory=name, limit=1)
    return max(now, last[0].started_at + timedelta(seconds=settings.sync_seconds)) if last else now


async def provider_cards(appliance: Appliance) -> list[ProviderCard]:
    """Every provider, in the order of the configuration."""
    sources = {name: Source(SourceKind.PROVIDER, name) for name, _ in appliance.providers.choices()}
    numbers = await numbers_of(sources.values())
    return [
        ProviderCard(name, label, appliance.config.providers[name], numbers[sources[name]])
        for name, label in appliance.providers.choices()
    ]


async def writer_cards(now: datetime) -> list[WriterCard]:
    """Every SCIM client that has, or had, a token."""
    by_name = defaultdict[str, list[ProvisioningToken]](list)
    for token in await tokens(limit=_TOKENS_MAX):
        by_name[token.provider].append(token)
    sources = {name: Source(SourceKind.SCIM, name) for name in sorted(by_name)}
    numbers = await numbers_of(sources.values())
    return [
        WriterCard(
            name=name,
            live=sum(token.revoked_at is None and token.expires_at > now for token in by_name[name]),
            last_used_at=max((each.last_used_at for each in by_name[name] if each.last_used_at), default=None),
            numbers=numbers[source],
        )
        for name, source in sources.items()
    ]


def bars_of(runs: Sequence[Run]) -> tuple[RunBar, ...]:
    """Runs from left to right in time: who got an account stands above the line, who lost access hangs below."""
    told = [(run.counts.get("created", 0), run.counts.get("disabled", 0)) for run in reversed(runs)]
    most = max((max(pair) for pair in told), default=0)
    if not most:
        return ()
    step, half = 100 / max(len(told), _BARS_MIN), CHART_HEIGHT / 2
    return tuple(
        RunBar(x=number * step + step * 0.1, width=step * 0.8, up=half * created / most, down=half * disabled / most)
        for number, (created, disabled) in enumerate(told)
    )
