"""What a sync knows, finds and intends: frozen values between reading a directory and changing people."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from appliance.identity.directories.records import DirectoryUser


class RunKind(StrEnum):
    """How much a run reads."""

    FULL = "full"
    INCREMENTAL = "incremental"


class RunState(StrEnum):
    """Where a run stands; `held` waits for a person and has changed nobody."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    HELD = "held"
    REJECTED = "rejected"
    UNDONE = "undone"


class What(StrEnum):
    """What a run does, or would do, with one person."""

    CREATED = "created"
    REFRESHED = "refreshed"
    DISABLED = "disabled"
    ENABLED = "enabled"
    GROUPS = "groups"
    SKIPPED = "skipped"


class Cause(StrEnum):
    """Why the directory's people lose access."""

    DISABLED = "disabled"  # the entry says so
    GONE = "gone"  # there is no such entry any more


class Known(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An account of this directory as it stands here.

    Attributes:
        seen_at: when sign-in or sync last met it; one newer than the reading cannot be missing from it.
        is_spared: the directory wanted it out, but it is that of the last owner.
    """

    id: UUID
    key: str
    person_id: UUID
    is_disabled: bool
    seen_at: datetime
    is_spared: bool = False


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is remembered of one entry of the directory; nothing in it is personal. Stored as it stands: append only.

    Attributes:
        dn: token of its distinguished name (rules.dn_token).
        members: of a group, tokens of its direct members: of their key where that is known, else of their name.
        profile: of a person, digest of what the directory said of them.
    """

    key: str
    is_group: bool
    dn: bytes
    name: str = ""
    members: frozenset[bytes] = frozenset()
    profile: bytes = b""


class Disabling(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Somebody who is to lose access, and why."""

    account: Known
    cause: Cause


class Regrouping(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The groups of one account before and after, nested ones resolved; keys."""

    key: str
    before: frozenset[str]
    after: frozenset[str]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The difference between a reading and what stands here.

    Attributes:
        create: enabled people without an account.
        refresh: people with one of whom the directory now says something else.
        groups: key -> name of every group there is after the change.
        are_groups_changed: a group is new, has another name or is gone.
        remember, forget: entries to write and keys to delete of what is remembered of the directory.
    """

    create: tuple[DirectoryUser, ...] = ()
    refresh: tuple[DirectoryUser, ...] = ()
    disable: tuple[Disabling, ...] = ()
    enable: tuple[Known, ...] = ()
    regroup: tuple[Regrouping, ...] = ()
    groups: Mapping[str, str] = {}
    are_groups_changed: bool = False
    remember: tuple[Entry, ...] = ()
    forget: tuple[str, ...] = ()

    @property
    def changes_people(self) -> bool:
        """Whether anybody or any group would become something else."""
        return bool(
            self.create or self.refresh or self.disable or self.enable or self.regroup or self.are_groups_changed
        )


class Brake(msgspec.Struct, frozen=True, kw_only=True):
    """How many people a run may disable without being asked: both limits hold, and reaching one is still free.

    Attributes:
        percent: of the directory's enabled accounts.
    """

    percent: int
    people: int


class SyncChange(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One line of a run's difference; nothing in it is personal. Stored as it stands: append only.

    Attributes:
        key: the entry's key in the directory.
        account: None for somebody without an account here.
        cause: of a disabling, or why somebody was skipped (an error's code).
        before, after: keys of the groups that were lost and gained.
    """

    what: What
    key: str
    account: UUID | None = None
    cause: str = ""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a directory's sync.

    Attributes:
        counts: What -> number of people, and `groups_known`, `people_read` and the like.
        problem: why it failed, is held or was rejected, in words.
        seconds_to_effect: at most this long somebody kept access after the directory had disabled them: from the
            beginning of the last reading that still showed them to the end of access; None if nobody was disabled.
        started_by: identifier of the actor.
        resolved_at, resolved_by: when and by whom it was confirmed, rejected or undone.
    """

    id: UUID
    directory: str
    kind: RunKind
    state: RunState
    started_at: datetime
    ended_at: datetime | None
    counts: Mapping[str, int]
    cursor: str
    basis: str
    problem: str
    seconds_to_effect: float | None
    started_by: str
    resolved_at: datetime | None = None
    resolved_by: str = ""


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What a run would do now; nothing of it is written down.

    Attributes:
        held: why the run would stop and wait for a person; empty if it would not.
    """

    directory: str
    kind: RunKind
    plan: Plan
    held: str
    enabled: int

    @property
    def counts(self) -> Mapping[str, int]:
        """What -> number of people."""
        return counts_of(self.plan)


def counts_of(plan: Plan) -> dict[str, int]:
    """How many people a plan is about, by what would be done with them; nothing that is zero."""
    new = {user.key for user in plan.create}
    sizes = {
        What.CREATED.value: len(plan.create),
        What.REFRESHED.value: len(plan.refresh),
        What.DISABLED.value: len(plan.disable),
        What.ENABLED.value: len(plan.enable),
        What.GROUPS.value: sum(each.key not in new for each in plan.regroup),
    }
    return {name: size for name, size in sizes.items() if size}
