"""People and the ways they sign in; their adapters are imported where the configuration names one."""

import os
from collections.abc import Callable

from appliance.clock import Clock
from appliance.config import Config
from appliance.config.sign_in import Directory as DirectorySettings
from appliance.config.sign_in import Provider
from appliance.identity.directories.ports import Directory
from appliance.identity.providers.ports import Fetcher, TokenReader
from appliance.identity.providers.service import Providers, build_providers
from appliance.identity.records import Limits
from appliance.identity.service import Identity, build_identity
from appliance.keys import KeyRing


def identity_of(config: Config, keys: KeyRing) -> Identity:
    """People, sessions and local sign-in."""
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
        issuer=config.issuer,
    )


def directory_of(clock: Clock) -> Callable[[str, DirectorySettings], Directory]:
    """Makes the adapter of one directory."""

    def adapter(name: str, settings: DirectorySettings) -> Directory:
        # Imported where a directory is configured, like the adapters below.
        from appliance.adapters.ldap.directory import LdapDirectory  # noqa: PLC0415

        return LdapDirectory(name, settings, clock=clock)

    return adapter


def providers_of(config: Config, keys: KeyRing, identity: Identity) -> Providers:
    """OpenID Connect providers."""
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
