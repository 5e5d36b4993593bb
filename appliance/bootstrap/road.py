"""The decision road of one process, and what it hears of others."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from appliance.agents.coverage.sightings import Sightings
from appliance.agents.tokens import CHANNEL as AGENTS_CHANNEL
from appliance.agents.tokens import MachineTokens
from appliance.approvals.news import AskNews
from appliance.approvals.service import CHANNEL as ASKS_CHANNEL
from appliance.approvals.waiters import Waiters
from appliance.bootstrap.appliance import Appliance
from appliance.database.listener import Listener
from appliance.decisions.refusals import Refusals
from appliance.decisions.service import Decisions
from appliance.decisions.writer import DecisionWriter
from appliance.feed import Feed
from appliance.identity.directories.runs import CHANNEL as RUNS_CHANNEL
from appliance.identity.queries import CHANNEL as IDENTITY_CHANNEL
from appliance.identity.records import MachineReader, Reader
from appliance.identity.rules import Permission
from appliance.identity.streams import Streams, holding
from appliance.policy.service import POLICY_CHANNEL
from appliance.policy.store import PolicyStore
from appliance.wakening import Wakening

MACHINES = "machines"
_RELOAD_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Road:
    """The decision road of one process: what hears, decides, holds and releases."""

    decisions: Decisions
    writer: DecisionWriter
    waiters: Waiters
    tokens: MachineTokens
    listener: Listener
    refusals: Refusals
    sightings: Sightings
    feed: Feed[Reader]
    streams: Streams

    def release_held_calls(self) -> None:
        """Answer every held call and end every open page's stream, because the process is about to stop."""
        self.waiters.close()
        self.feed.close()


@asynccontextmanager
async def open_road(appliance: Appliance) -> AsyncIterator[Road]:
    """Open the decision road: its writer's own connection, and the one that hears what other processes commit."""
    config, clock = appliance.config, appliance.clock
    waiters, feed, tokens = Waiters(), Feed[Reader](), MachineTokens(clock)
    news, streams = AskNews(feed), Streams(feed, appliance.identity.sessions, clock)
    writer = DecisionWriter(appliance.service_url, timeout_seconds=config.database.commit_timeout_seconds, clock=clock)
    decisions = Decisions(
        config,
        key=appliance.keys.derive("attach"),
        protection=appliance.protection,
        policies=appliance.policies,
        writer=writer,
        approvals=appliance.approvals,
        waiters=waiters,
        clock=clock,
    )
    wakening = Wakening(_until_loaded(appliance.policies))
    listener = Listener(
        appliance.service_url,
        {
            ASKS_CHANNEL: _all(waiters.wake, news.heard),
            POLICY_CHANNEL: _all(wakening.wake, _published(feed, "policies", Permission.POLICIES_READ)),
            RUNS_CHANNEL: _published(feed, "directories", Permission.SETTINGS_READ),
            AGENTS_CHANNEL: _all(
                tokens.forget, _published(feed, "agents", Permission.AGENTS_READ), _machine_changed(feed)
            ),
            # The machines of somebody who was disabled are refused at once.
            IDENTITY_CHANNEL: _all(
                appliance.identity.sessions.forget, tokens.forget, streams.people_changed, _machine_changed(feed)
            ),
        },
    )
    await writer.start()
    try:
        for each in (wakening, news, streams, listener):
            await each.start()
        yield Road(decisions, writer, waiters, tokens, listener, Refusals(clock), Sightings(clock), feed, streams)
    finally:
        waiters.close()
        feed.close()
        for each in (listener, streams, news, wakening):
            await each.stop()
        await tokens.close()
        await writer.stop()


def _until_loaded(policies: PolicyStore) -> Callable[[], Awaitable[None]]:
    """Reloads until it has worked: while it has not, everything is denied, and nobody may notify us again for days."""

    async def reload() -> None:
        await policies.reload()
        while policies.problem:
            await asyncio.sleep(_RELOAD_SECONDS)
            await policies.reload()

    return reload


def _published(feed: Feed[Reader], topic: str, permission: Permission) -> Callable[[str], None]:
    """Tells the topic to everybody who may read what it is about."""
    return lambda _payload: feed.publish(topic, holding(permission))


def _machine_changed(feed: Feed[Reader]) -> Callable[[str], None]:
    """Lets the streams of machines look whether their token is still good; there are few, so each one does."""
    return lambda _payload: feed.publish(MACHINES, lambda reader: isinstance(reader, MachineReader))


def _all(*handlers: Callable[[str], None]) -> Callable[[str], None]:
    def handle(payload: str) -> None:
        for handler in handlers:
            handler(payload)

    return handle
