"""What a directory says about people, groups and itself: frozen values that cross the port."""

from datetime import datetime
from enum import StrEnum

import msgspec


class RefusalCause(StrEnum):
    """Why a directory let nobody in; for the ledger and for administrators, never for whoever tries."""

    WRONG = "wrong"
    UNKNOWN = "unknown"
    AMBIGUOUS = "ambiguous"
    DISABLED = "disabled"
    EXPIRED = "expired"
    MUST_CHANGE = "must_change"
    LOCKED = "locked"


class HostState(StrEnum):
    """What is known of one host."""

    UNKNOWN = "unknown"
    UP = "up"
    COOLING = "cooling"


class ProbeSection(StrEnum):
    """The parts of a connection that can be tried alone, in the order in which they depend on each other."""

    REACH = "reach"
    TLS = "tls"
    BIND = "bind"
    FIND_USER = "find_user"
    GROUPS = "groups"


class DirectoryGroup(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A group of the directory.

    Attributes:
        key, dn: as of a user.
        member_dns: direct members, people and groups alike, complete, in the form of `dn`.
            Empty in what `groups_of` returns: who else is in them was not asked.
    """

    key: str
    dn: str
    name: str
    member_dns: frozenset[str] = frozenset()


class DirectoryUser(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Somebody in the directory.

    Attributes:
        key: objectGUID or entryUUID as lower-case UUID text; survives renaming and moving.
        dn: distinguished name in one normal form (lower case, no optional spaces), equal to what groups name.
        user_name: value of the first login attribute that the entry has.
        email: empty if the entry has none.
        is_disabled: disabled or expired in the directory (AD: userAccountControl, accountExpires; LDAP: locked).
        groups: theirs, where only they themselves could read them (bind = direct); else None, and `groups_of` asks.
    """

    key: str
    dn: str
    user_name: str
    display_name: str
    email: str
    is_disabled: bool
    groups: tuple[DirectoryGroup, ...] | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a reading of the directory brought; never partial: a reading that misses anything raises.

    Attributes:
        cursor: give it to the next `read_since`; opaque.
        users, groups: with is_complete all there are, else those that were added or changed.
        gone: keys that were there at the cursor and are no more; empty with is_complete.
        present: keys of all people and groups that are there now, also of those that did not change. Whoever is
            known here and missing there is gone (deleted, moved out, or no longer matched by the filter); a key
            that nobody knows yet came in without a change of its own: read everything.
        is_complete: `users` and `groups` are everything, so nothing earlier counts any more.
    """

    cursor: str
    users: tuple[DirectoryUser, ...]
    groups: tuple[DirectoryGroup, ...]
    gone: tuple[str, ...]
    present: frozenset[str]
    is_complete: bool


class HostStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What happened with one host so far, in this process.

    Attributes:
        is_encrypted: false where allow_unencrypted lets passwords cross the network in the clear; health shows it.
        last_error: what was said at the last failure, kept after it came back; empty if it never failed.
        cooling_until: until when it is left alone, if it is.
    """

    url: str
    state: HostState
    is_encrypted: bool = True
    last_error: str = ""
    last_ok_at: datetime | None = None
    cooling_until: datetime | None = None


class ProbeResult(msgspec.Struct, frozen=True, kw_only=True):
    """How one section went.

    Attributes:
        said: what the server answered, or what was seen, in words; without secrets.
        next_step: what to do about it, a full sentence; empty if nothing is to be done.
    """

    section: ProbeSection
    is_ok: bool
    said: str
    next_step: str = ""
    host: str = ""
    seconds: float = 0.0
