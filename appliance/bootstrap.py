"""Builds the object graph once from the configuration; the only place where adapters are chosen."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.agents.tokens import CHANNEL as AGENTS_CHANNEL
from appliance.agents.tokens import MachineTokens
from appliance.approvals.jobs import jobs as approvals_jobs
from appliance.approvals.service import CHANNEL as ASKS_CHANNEL
from appliance.approvals.service import Approvals
from appliance.approvals.waiters import Waiters
from appliance.clock import Clock, utc_now
from appliance.config import Config
from appliance.config.sign_in import Directory as DirectorySettings
from appliance.config.sign_in import Provider
from appliance.database import roles
from appliance.database.connection import connect, disconnect, read_connection, session_settings
from appliance.database.embedded import EmbeddedPostgres, read_or_create_password
from appliance.database.jobs import jobs as database_jobs
from appliance.database.listener import Listener
from appliance.database.migrations import check_schema
from appliance.database.setup import role_url
from appliance.decisions.refusals import Refusals
from appliance.decisions.service import Decisions
from appliance.decisions.writer import DecisionWriter
from appliance.feed import Feed
from appliance.identity.break_glass.jobs import jobs as break_glass_jobs
from appliance.identity.break_glass.ports import NoAlarm
from appliance.identity.break_glass.service import BreakGlass
from appliance.identity.directories.jobs import jobs as directories_jobs
from appliance.identity.directories.ports import Directory
from appliance.identity.directories.service import Directories, build_directories
from appliance.identity.directories.trials import SignInTrials, build_trials
from appliance.identity.external import ExternalSignIns, build_external
from appliance.identity.flows.jobs import jobs as flows_jobs
from appliance.identity.flows.service import AppSignIns
from appliance.identity.jobs import jobs as identity_jobs
from appliance.identity.passkeys.jobs import jobs as passkeys_jobs
from appliance.identity.passkeys.service import Passkeys, build_passkeys
from appliance.identity.providers.jobs import jobs as providers_jobs
from appliance.identity.providers.ports import Fetcher, TokenReader
from appliance.identity.providers.service import Providers, build_providers
from appliance.identity.queries import CHANNEL as IDENTITY_CHANNEL
from appliance.identity.records import Limits
from appliance.identity.service import Identity, build_identity
from appliance.job import Job
from appliance.keys import KeyRing, load_or_create_keys
from appliance.ledger.jobs import jobs as ledger_jobs
from appliance.ledger.keys import load_or_create
from appliance.ledger.ledger import Ledger
from appliance.ledger.witness import CheckpointFile
from appliance.policy.service import POLICY_CHANNEL, install_starter_pack
from appliance.policy.store import PolicyStore
from appliance.protection.secrets.catalogue import load_rules
from appliance.protection.secrets.engine import Engine
from appliance.protection.secrets.scanner import Scanner
from appliance.protection.service import Protection
from appliance.wakening import Wakening

_ISSUER = "OpenLeash"
_RELOAD_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Appliance:
    """What the product does, on open database connections; the decision road is opened apart."""

    config: Config
    clock: Clock
    service_url: str
    keys: KeyRing
    identity: Identity
    providers: Providers
    directories: Directories
    trials: SignInTrials
    passkeys: Passkeys
    break_glass: BreakGlass
    external: ExternalSignIns
    app_sign_ins: AppSignIns
    ledger: Ledger
    policies: PolicyStore
    protection: Protection
    approvals: Approvals

    def jobs(self) -> tuple[Job, ...]:
        """Everything that one process of the installation repeats."""
        return (
            *ledger_jobs(self.ledger, self.config.ledger.seal_interval_seconds),
            *approvals_jobs(self.approvals, self.clock),
            *identity_jobs(self.identity, self.clock),
            *directories_jobs(self.directories, self.clock),
            *providers_jobs(self.clock),
            *passkeys_jobs(self.clock),
            *break_glass_jobs(self.break_glass, self.clock),
            *flows_jobs(self.clock),
            *database_jobs(self.clock),
        )


@dataclass(frozen=True, slots=True)
class Road:
    """The decision road of one process: what hears, decides, holds and releases."""

    decisions: Decisions
    writer: DecisionWriter
    waiters: Waiters
    tokens: MachineTokens
    listener: Listener
    refusals: Refusals
    feed: Feed

    def release_held_calls(self) -> None:
        """Answer every held call and end every open page's stream, because the process is about to stop."""
        self.waiters.close()
        self.feed.close()


@asynccontextmanager
async def open_appliance(config: Config, clock: Clock = utc_now) -> AsyncIterator[Appliance]:
    """Connect as the service, check schema and rights, and build everything.

    Raises:
        DatabaseUnreachableError, DatabaseVersionError, SchemaNewerError, SchemaOlderError, TooManyRightsError:
            the service must not start.
    """
    url = service_url_of(config)
    seconds = max(1, round(config.database.statement_timeout_seconds))
    settings = session_settings("leash", seconds)
    await connect(url, pool_size=config.database.pool_size, settings=settings, statement_timeout_seconds=seconds)
    try:
        async with read_connection() as connection:
            await check_schema(connection)
            await roles.refuse_excess_rights(connection)
        appliance = await _build(config, url, clock)
        try:
            yield appliance
        finally:
            await appliance.directories.close()
            appliance.identity.close()
    finally:
        await disconnect()


async def _build(config: Config, service_url: str, clock: Clock) -> Appliance:
    """The appliance on a pool that is connected to `service_url`."""
    state = config.state.directory
    keys = load_or_create_keys(state)
    await install_starter_pack(clock())
    policies = PolicyStore()
    await policies.reload()
    origin = config.ledger.origin or config.public_origin.partition("://")[2]
    identity = _identity(config, keys)
    directories = build_directories(config.directories, _directory_of(clock), clock)
    return Appliance(
        config=config,
        clock=clock,
        service_url=service_url,
        keys=keys,
        identity=identity,
        providers=_providers(config, keys, identity),
        directories=directories,
        trials=build_trials(
            directories,
            keys.derive("identity"),
            attempts_per_minute=config.api.sign_in_attempts_per_minute,
        ),
        external=build_external(
            {name: directories.port(name) for name in directories.names},
            config.directories,
            keys.derive("identity"),
            sessions=identity.sessions,
            attempts_per_minute=config.api.sign_in_attempts_per_minute,
        ),
        app_sign_ins=AppSignIns(identity.sessions),
        passkeys=build_passkeys(
            identity,
            public_origin=config.public_origin,
            name=_ISSUER,
            is_open=config.sign_in.local_accounts,
            random_bytes=os.urandom,
        ),
        # Nothing can notify anybody yet: whoever builds that passes its alarm here in place of none.
        break_glass=BreakGlass(
            identity, people=config.sign_in.break_glass_people, alarm=NoAlarm(), random_bytes=os.urandom
        ),
        ledger=Ledger(
            load_or_create(state / "secrets" / "ledger.key", origin),
            CheckpointFile(state / "ledger.checkpoint"),
            clock,
        ),
        policies=policies,
        protection=Protection(_scanner(config, keys)),
        approvals=Approvals(keys.derive("approvals")),
    )


def _identity(config: Config, keys: KeyRing) -> Identity:
    return build_identity(
        keys.derive("identity"),
        limits=Limits(
            session_absolute_minutes=60 * config.sessions.absolute_hours,
            session_idle_minutes=config.sessions.idle_minutes,
            device_days=config.sign_in.device_days,
            step_up_minutes=config.sign_in.step_up_minutes,
            break_glass_minutes=config.sign_in.break_glass_minutes,
        ),
        sign_in_attempts_per_minute=config.api.sign_in_attempts_per_minute,
        owner_link_minutes=config.sessions.owner_link_minutes,
        issuer=_ISSUER,
    )


def _directory_of(clock: Clock) -> Callable[[str, DirectorySettings], Directory]:
    def adapter(name: str, settings: DirectorySettings) -> Directory:
        # Imported where a directory is configured, like the adapters below.
        from appliance.adapters.ldap.directory import LdapDirectory  # noqa: PLC0415

        return LdapDirectory(name, settings, clock=clock)

    return adapter


def _providers(config: Config, keys: KeyRing, identity: Identity) -> Providers:
    return build_providers(
        config.providers,
        keys.derive("providers"),
        origin=config.public_origin,
        sessions=identity.sessions,
        random_bytes=os.urandom,
        fetcher_of=_fetcher_of,
        reader_of=_reader_of,
    )


def _fetcher_of(provider: Provider) -> Fetcher:
    # Imported where a provider is configured: httpx and python-jose take 6 MB and a sixth of a second.
    from appliance.adapters.outbound.fetcher import HttpFetcher  # noqa: PLC0415

    return HttpFetcher(ca_file=provider.ca_file, is_private_allowed=provider.allow_private_addresses)


def _reader_of(provider: Provider) -> TokenReader:
    from appliance.adapters.jose.tokens import JoseTokenReader  # noqa: PLC0415 - see above

    return JoseTokenReader(provider.algorithm)


@asynccontextmanager
async def open_road(appliance: Appliance) -> AsyncIterator[Road]:
    """Open the decision road: its writer's own connection, and the one that hears what other processes commit."""
    config, clock = appliance.config, appliance.clock
    waiters, feed, tokens = Waiters(), Feed(), MachineTokens(clock)
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
            ASKS_CHANNEL: _both(waiters.wake, feed, "approvals"),
            POLICY_CHANNEL: _both(wakening.wake, feed, "policies"),
            AGENTS_CHANNEL: _both(tokens.forget, feed, "agents"),
            IDENTITY_CHANNEL: _people_changed(appliance, tokens),
        },
    )
    await writer.start()
    try:
        await wakening.start()
        await listener.start()
        yield Road(decisions, writer, waiters, tokens, listener, Refusals(clock), feed)
    finally:
        waiters.close()
        feed.close()
        await listener.stop()
        await wakening.stop()
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


def _people_changed(appliance: Appliance, tokens: MachineTokens) -> Callable[[str], None]:
    def handle(payload: str) -> None:
        appliance.identity.sessions.forget(payload)
        tokens.forget(payload)  # the machines of somebody who was disabled are refused at once

    return handle


def _both(handler: Callable[[str], None], feed: Feed, topic: str) -> Callable[[str], None]:
    def handle(payload: str) -> None:
        handler(payload)
        feed.publish(topic)

    return handle


def service_url_of(config: Config) -> str:
    """The URL that the service connects with: the configured one, or that of the role which `leashctl up` made."""
    database, state = config.database, config.state.directory
    if database.service_url is not None:
        return database.service_url.reveal()
    if database.owner_url is not None:
        return role_url(database.owner_url.reveal(), roles.SERVICE, read_or_create_password(state, roles.SERVICE))
    return EmbeddedPostgres(state).url_of(roles.SERVICE)


def _scanner(config: Config, keys: KeyRing) -> Scanner:
    protection = config.protection
    return Scanner(keys.derive("fingerprints"), protection.decode_depth, protection.scan_bytes_max)


def compile_rules() -> None:
    """Compile the secret rules, which takes half a second, for this process and those that it forks."""
    Engine(load_rules())


def log_mask(config: Config) -> Callable[[str], str]:
    """Masks secrets in log lines; each thread gets a scanner of its own on its first line."""
    keys = load_or_create_keys(Path(config.state.directory))
    own = threading.local()

    def mask(line: str) -> str:
        if not hasattr(own, "scanner"):
            own.scanner = _scanner(config, keys)
        scanner: Scanner = own.scanner
        return scanner.mask_text(line)

    return mask
