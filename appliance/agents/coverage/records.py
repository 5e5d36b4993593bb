"""An agent on a machine, what was reported of it, and how well it is covered."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec


class CoverageState(StrEnum):
    """How well an agent on a machine is covered; from what arrived, not from what was configured."""

    TAMPERED = "tampered"  # its hooks were taken away or changed
    SILENT = "silent"  # it works, but asks nothing
    LIVE = "live"  # its hooks arrive
    QUIET = "quiet"  # its hooks have arrived, but not lately; nothing says that it works meanwhile
    NEVER = "never"  # no hook has ever arrived


class AgentReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a client says of one agent on its machine; its own claim, every text as sent.

    Attributes:
        kind: the agent's name in hook paths, e.g. `claude`; `claude-code` is taken for that too.
        is_installed, is_protected: None where the client does not say.
        detail: the client's words about the agent's state.
    """

    kind: str
    display_name: str = ""
    executable: str = ""
    platform: str = ""
    client_version: str = ""
    is_installed: bool | None = None
    is_protected: bool | None = None
    detail: str = ""


class LastHook(msgspec.Struct, frozen=True, kw_only=True):
    """The newest hook call of one agent on one machine that was decided in some stretch of time.

    Attributes:
        decision_id: the proof that it arrived; None where only the worker saw it.
        config_changed_at: when the agent last told that its settings were changed; None if it did not.
    """

    machine_id: UUID
    agent: str
    at: datetime
    decision_id: UUID | None
    config_changed_at: datetime | None = None


class Runtime(msgspec.Struct, frozen=True, kw_only=True):
    """An agent on a machine, and all that is known of its hooks.

    Attributes:
        machine_id: None while the machine has not enrolled and only a signed-in client reports it.
        person_id: whose the machine is.
        client_version: as the newest hook or report says; of our own shim, `shim-` with release and checksum.
        unprotected_since: since when the client reports that its hooks are gone, which were there before.
        last_activity_at: when it last worked according to something other than a hook.
        noted_state: the state when it was last looked at; `tampered` and `silent` are what people were told.
    """

    id: UUID
    machine_id: UUID | None
    person_id: UUID | None
    hostname: str
    agent: str
    display_name: str
    executable: str
    platform: str
    client_version: str
    is_installed: bool | None
    is_protected: bool | None
    detail: str
    first_seen_at: datetime
    reported_at: datetime | None
    unprotected_since: datetime | None
    last_hook_at: datetime | None
    last_decision_id: UUID | None
    last_activity_at: datetime | None
    config_changed_at: datetime | None
    accepted_at: datetime | None
    noted_state: str


class Covered(msgspec.Struct, frozen=True, kw_only=True):
    """An agent on a machine with its state of this moment.

    Attributes:
        cause: why it is tampered: `config_changed`, `hooks_removed` or `shim_changed`; empty otherwise.
        next_step: what its people can do about it, a full sentence, or empty.
    """

    runtime: Runtime
    state: CoverageState
    cause: str
    next_step: str


class CoverageFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which agents on which machines are wanted; empty fields do not narrow."""

    state: str = ""
    agent: str = ""
    hostname: str = ""
    machine_id: UUID | None = None
