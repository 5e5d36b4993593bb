"""Our protections in the words of apps, which call them plug-ins: always on, and set by policy alone."""

from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from litestar import get, post
from litestar.params import FromPath

from appliance.bootstrap import Appliance
from appliance.clients.errors import ProtectionManagedError, ProtectionUnknownError
from server.api.clients.callers import viewer_of
from server.api.openapi import VERSION
from server.authorization import requires_client
from server.contract import speaks
from server.dashboard.dependencies import AnyRequest, appliance_of, now_of

_READ: Final = speaks("tenantPluginsRead")
_WRITE: Final = speaks("adminPluginsWrite")


class Protection(NamedTuple):
    """A protection; `id` and `slug` are those under which apps know what comes nearest to it."""

    id: str
    slug: str
    name: str
    description: str
    category: str


COMMANDS: Final = Protection(
    "openleash.blast-radius", "blast-radius", "Commands", "Knows what a command would do before it runs.", "security"
)
SECRETS: Final = Protection(
    "openleash.dlp", "data-leakage-prevention", "Secrets", "Finds and masks secrets in what agents send.", "security"
)
POLICIES: Final = Protection(
    "openleash.rules-enforcer", "rules-enforcer", "Policies", "Decides, denies or asks by the policies.", "security"
)
PROTECTIONS: Final = (COMMANDS, SECRETS, POLICIES)
_IDS: Final = frozenset({each.id for each in PROTECTIONS} | {each.slug for each in PROTECTIONS})


class PluginSettings(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How it is set."""

    enabled: bool
    config: dict[str, Any]
    installed_version: str


class OrganizationPolicy(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What people may change of it: nothing."""

    mandatory: bool = True
    default_enabled: bool = True
    user_install_allowed: bool = False
    config_locked: bool = True


class Plugin(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A protection as apps list it."""

    id: str
    slug: str
    name: str
    display_name: str
    description: str
    version: str
    publisher: str
    category: str
    installed: bool
    settings: PluginSettings
    organization_policy: OrganizationPolicy


class PluginPage(msgspec.Struct, frozen=True):
    """Every protection."""

    plugins: list[Plugin]


class VerifiedPlugin(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A protection that runs."""

    plugin_id: str
    protocol_verified: bool


class Verified(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """That the protections run."""

    ok: bool
    plugins: list[VerifiedPlugin]
    verified_at: datetime


@get("/v1/plugins", guards=[_READ, requires_client], tags=["Apps"], sync_to_thread=False)
def list_plugins(request: AnyRequest) -> PluginPage:
    """What protects the caller's agents."""
    return PluginPage(plugins_of(appliance_of(request)))


@post("/v1/plugins/{plugin_id:str}/install", guards=[_WRITE, requires_client], tags=["Apps"], sync_to_thread=False)
def install_plugin(request: AnyRequest, plugin_id: FromPath[str]) -> None:
    """Refused: protections are part of the service."""
    _refuse(request, plugin_id)


@post("/v1/plugins/{plugin_id:str}/uninstall", guards=[_WRITE, requires_client], tags=["Apps"], sync_to_thread=False)
def uninstall_plugin(request: AnyRequest, plugin_id: FromPath[str]) -> None:
    """Refused: protections are part of the service."""
    _refuse(request, plugin_id)


@post("/v1/plugins/{plugin_id:str}/settings", guards=[_WRITE, requires_client], tags=["Apps"], sync_to_thread=False)
def set_plugin(request: AnyRequest, plugin_id: FromPath[str]) -> None:
    """Refused: whoever may publish policies changes those."""
    _refuse(request, plugin_id)


@post("/v1/plugin-runtime/verify", guards=[requires_client], status_code=200, tags=["Apps"], sync_to_thread=False)
def verify_plugins(request: AnyRequest) -> Verified:
    """Whether the protections run: they are part of the process that answers; not ready while policies are missing."""
    is_ok = not appliance_of(request).policies.problem
    return Verified(
        ok=is_ok,
        plugins=[VerifiedPlugin(plugin_id=each.id, protocol_verified=is_ok) for each in PROTECTIONS],
        verified_at=now_of(request),
    )


def plugins_of(appliance: Appliance) -> list[Plugin]:
    """Every protection, with the numbers by which it is set."""
    config: dict[Protection, dict[str, Any]] = {
        COMMANDS: {},
        SECRETS: {"action": "mask", "decodeDepth": appliance.config.protection.decode_depth},
        POLICIES: {"version": appliance.policies.version},
    }
    return [
        Plugin(
            id=each.id,
            slug=each.slug,
            name=each.name,
            display_name=each.name,
            description=each.description,
            version=VERSION,
            publisher="openleash",
            category=each.category,
            installed=True,
            settings=PluginSettings(enabled=True, config=config[each], installed_version=VERSION),
            organization_policy=OrganizationPolicy(),
        )
        for each in PROTECTIONS
    ]


def _refuse(request: AnyRequest, plugin_id: str) -> None:
    viewer_of(request)
    if plugin_id not in _IDS:
        raise ProtectionUnknownError
    raise ProtectionManagedError


handlers = [list_plugins, install_plugin, uninstall_plugin, set_plugin, verify_plugins]
