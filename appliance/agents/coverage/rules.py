"""How well an agent on a machine is covered, and what to say about it: pure decisions."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final

from appliance.agents.coverage.records import CoverageState, Covered, Runtime

LIVE_FOR: Final = timedelta(minutes=15)
# What works asks at its next prompt or tool; longer than this nobody thinks between two of them.
SILENT_AFTER: Final = timedelta(minutes=10)
CONFIG_CHANGED: Final = "config_changed"
HOOKS_REMOVED: Final = "hooks_removed"
SHIM_CHANGED: Final = "shim_changed"
SHIM_PREFIX: Final = "shim-"
_NAMED: Final = 3
_CAUSES: Final = {
    CONFIG_CHANGED: "Somebody changed the agent's settings. Compare them with the managed ones, then accept it.",
    HOOKS_REMOVED: "The agent's hooks were taken away. Install its managed settings again.",
    SHIM_CHANGED: "The shim on the machine is not the one that this service hands out. Install it again.",
}
_STEPS: Final = {
    CoverageState.SILENT: "It works without asking. Install its managed settings, and look for a second installation.",
    CoverageState.NEVER: "Connect the agent: no hook of it has ever arrived.",
}


def state_of(runtime: Runtime, now: datetime, *, shims: Collection[str] = ()) -> CoverageState:
    """The state of an agent at `now`; `shims` are the names of our own shims of this release."""
    if cause_of(runtime, shims=shims):
        return CoverageState.TAMPERED
    last, active = runtime.last_hook_at, runtime.last_activity_at
    if active is not None and (last is None or active - last > SILENT_AFTER):
        return CoverageState.SILENT
    if last is None:
        return CoverageState.NEVER
    return CoverageState.LIVE if now - last <= LIVE_FOR else CoverageState.QUIET


def cause_of(runtime: Runtime, *, shims: Collection[str] = ()) -> str:
    """Why an agent counts as tampered with; empty if it does not."""
    changed, accepted = runtime.config_changed_at, runtime.accepted_at
    if changed is not None and (accepted is None or accepted < changed):
        return CONFIG_CHANGED
    if is_another_shim(runtime.client_version, shims):
        return SHIM_CHANGED
    since, last = runtime.unprotected_since, runtime.last_hook_at
    # A hook that arrives all the same is worth more than a client's word that there is none.
    return HOOKS_REMOVED if since is not None and (last is None or last <= since) else ""


def is_another_shim(client_version: str, ours: Collection[str]) -> bool:
    """Whether a hook was sent by a shim that calls itself our release but has another checksum.

    Both are `shim-RELEASE-CHECKSUM`; one of another release is old or new, which is no sign of tampering, and a
    machine without a program for checksums sends none. `ours` holds the marks of all shims of our release.
    """
    if not client_version.startswith(SHIM_PREFIX) or client_version.endswith("-") or client_version in ours:
        return False
    return client_version.rpartition("-")[0] in {mark.rpartition("-")[0] for mark in ours}


def covered(runtime: Runtime, now: datetime, *, shims: Collection[str] = ()) -> Covered:
    """The agent with its state, and what to do next."""
    state, cause = state_of(runtime, now, shims=shims), cause_of(runtime, shims=shims)
    return Covered(runtime=runtime, state=state, cause=cause, next_step=_CAUSES.get(cause) or _STEPS.get(state, ""))


def statements(found: Iterable[Covered]) -> tuple[str, ...]:
    """What an operator must know: at most a sentence each for tampered and silent agents."""
    listed = list(found)
    tampered = [one for one in listed if one.state is CoverageState.TAMPERED]
    silent = [one for one in listed if one.state is CoverageState.SILENT]
    said = []
    if tampered:
        said.append(f"Hooks were changed or taken away: {_named(tampered)}")
    if silent:
        said.append(f"Agents work without asking: {_named(silent)}")
    return tuple(said)


def _named(found: list[Covered]) -> str:
    shown = [f"{one.runtime.display_name} on {one.runtime.hostname}" for one in found[:_NAMED]]
    return ", ".join(shown) + (f" and {len(found) - _NAMED} more" if len(found) > _NAMED else "")
