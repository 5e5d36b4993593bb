"""Everything that the product does, on open database connections."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.agents.coverage.jobs import jobs as coverage_jobs
from appliance.approvals.jobs import jobs as approvals_jobs
from appliance.approvals.service import Approvals
from appliance.bootstrap.backups import LazyBackups
from appliance.bootstrap.notifications import notifications_of
from appliance.bootstrap.scanning import scanner_of
from appliance.bootstrap.service_role import service_url_of
from appliance.bootstrap.sign_in import directory_of, identity_of, providers_of
from appliance.clients.queries import session_spans, tallies
from appliance.clients.records import SessionSpans, Tally
from appliance.clients.remembered import SPANS_KEPT, TALLIES_KEPT, Remembered
from appliance.clock import Clock, utc_now
from appliance.config import Config
from appliance.database import roles
from appliance.database.connection import connect, disconnect, read_connection, session_settings
from appliance.database.jobs import jobs as database_jobs
from appliance.database.migrations import check_schema
from appliance.decisions.queries import last_hooks
from appliance.endpoint.profile import ProfileSigner
from appliance.identity.break_glass.jobs import jobs as break_glass_jobs
from appliance.identity.break_glass.service import BreakGlass
from appliance.identity.directories.jobs import jobs as directories_jobs
from appliance.identity.directories.service import Directories, build_directories
from appliance.identity.directories.trials import SignInTrials, build_trials
from appliance.identity.external import ExternalSignIns, build_external
from appliance.identity.flows.jobs import jobs as flows_jobs
from appliance.identity.flows.service import AppSignIns
from appliance.identity.jobs import jobs as identity_jobs
from appliance.identity.passkeys.jobs import jobs as passkeys_jobs
from appliance.identity.passkeys.service import Passkeys, build_passkeys
from appliance.identity.providers.jobs import jobs as providers_jobs
from appliance.identity.providers.service import Providers
from appliance.identity.service import Identity
from appliance.job import Job
from appliance.keys import KeyRing, load_or_create_keys
from appliance.ledger.jobs import jobs as ledger_jobs
from appliance.ledger.keys import load_or_create
from appliance.ledger.ledger import Ledger
from appliance.ledger.witness import CheckpointFile
from appliance.notifications.jobs import jobs as notifications_jobs
from appliance.notifications.notices import AskNotices, CoverageAlarm, DirectoryAlarm, GlassAlarm
from appliance.notifications.service import Notifications
from appliance.policy.service import install_starter_pack
from appliance.policy.store import PolicyStore
from appliance.protection.service import Protection
from appliance.updates.releases import Releases


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
    endpoint: ProfileSigner
    notifications: Notifications
    session_spans: Remembered[SessionSpans]
    tallies: Remembered[list[Tally]]
    releases: Releases
    backups: LazyBackups

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
            *coverage_jobs(last_hooks, CoverageAlarm(self.clock), self.clock),
            *notifications_jobs(self.notifications, self.clock),
            *database_jobs(self.clock),
            *self.backups.jobs(),
        )


@asynccontextmanager
async def open_appliance(
    config: Config, clock: Clock = utc_now, *, config_file: Path | None = None
) -> AsyncIterator[Appliance]:
    """Connect as the service, check schema and rights, and build everything.

    `config_file` goes into backups, with the keys.

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
        appliance = await build_appliance(config, url, clock, config_file)
        try:
            yield appliance
        finally:
            await appliance.directories.close()
            appliance.backups.close()
            appliance.identity.close()
    finally:
        await disconnect()


async def build_appliance(config: Config, service_url: str, clock: Clock, config_file: Path | None = None) -> Appliance:
    """The appliance on a pool that is connected to `service_url`."""
    state = config.state.directory
    keys = load_or_create_keys(state)
    await install_starter_pack(clock())
    policies = PolicyStore()
    await policies.reload()
    origin = config.ledger.origin or config.public_origin.partition("://")[2]
    identity = identity_of(config, keys)
    directories = build_directories(config.directories, directory_of(clock), clock, DirectoryAlarm())
    protection = Protection(scanner_of(config, keys))
    return Appliance(
        config=config,
        clock=clock,
        service_url=service_url,
        keys=keys,
        identity=identity,
        providers=providers_of(config, keys, identity),
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
            name=config.issuer,
            is_open=config.sign_in.local_accounts,
            random_bytes=os.urandom,
        ),
        break_glass=BreakGlass(
            identity, people=config.sign_in.break_glass_people, alarm=GlassAlarm(), random_bytes=os.urandom
        ),
        ledger=Ledger(
            load_or_create(state / "secrets" / "ledger.key", origin),
            CheckpointFile(state / "ledger.checkpoint"),
            clock,
        ),
        policies=policies,
        endpoint=ProfileSigner(config, keys),
        protection=protection,
        approvals=Approvals(keys.derive("approvals"), AskNotices(), mask=protection.mask_text),
        notifications=notifications_of(config, keys, clock),
        session_spans=Remembered(session_spans, SPANS_KEPT),
        tallies=Remembered(tallies, TALLIES_KEPT),
        releases=Releases(config.updates),
        backups=LazyBackups(config, clock, config_file),
    )
