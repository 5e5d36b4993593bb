"""Who may come in, by what, and for how long: frozen values that cross the feature's boundary."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from appliance.ledger.records import Actor, ActorKind


class Role(StrEnum):
    """What a person is to the installation; docs/reference/permissions.md says what each may do."""

    OWNER = "owner"
    ADMINISTRATOR = "administrator"
    SECURITY = "security"
    APPROVER = "approver"
    AUDITOR = "auditor"
    MEMBER = "member"


class SessionKind(StrEnum):
    """What holds a session's token."""

    BROWSER = "browser"
    SCRIPT = "script"
    DEVICE = "device"
    BREAK_GLASS = "break_glass"


class LinkPurpose(StrEnum):
    """What a one-time link is for."""

    OWNER = "owner"
    INVITATION = "invitation"
    RESET = "reset"


class SourceKind(StrEnum):
    """What vouches for people from outside."""

    DIRECTORY = "directory"
    PROVIDER = "provider"
    SCIM = "scim"


class Source(msgspec.Struct, frozen=True):
    """One directory, provider or SCIM client by its name in the configuration; as text `directory:corp`."""

    kind: SourceKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.name}"

    @classmethod
    def of(cls, text: str) -> "Source":
        """The source that `str` made the text of; ValueError for any other text."""
        kind, _, name = text.partition(":")
        return cls(SourceKind(kind), name)

    @property
    def actor(self) -> Actor:
        """The source as every service verb wants it."""
        return Actor(kind=ActorKind.SYSTEM, id=str(self))


class ScopedRole(msgspec.Struct, frozen=True, order=True):
    """A role, or an approver group as `group:name`, that somebody has for some projects alone.

    Attributes:
        project: a pattern, see `scopes.is_within`; never empty.
    """

    role: str
    project: str


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request comes from; personal.

    Attributes:
        address: IP address of the caller, or empty.
        user_agent: the caller's own description of itself, or empty.
    """

    address: str = ""
    user_agent: str = ""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who has, or is invited to have, an account here.

    Attributes:
        email: empty if the person's source tells none.
        has_credential: false until the person has set a password and an authenticator by a one-time link.
        roles: those that hold everywhere, assigned to the person or granted to a group of theirs.
        direct_roles: those that somebody assigned to the person; nothing that a source says takes them away.
        scoped: what groups of theirs were granted for some projects alone.
        groups: names of approver groups, and of groups of sources as `directory:corp/Developers`.
        sources: where the person has an account that is not disabled there, e.g. `directory:corp`.
        disabled_by: the source that disabled the person; empty if an administrator did.
        is_sealed: waits behind glass, and comes in by no other way (identity/break_glass).
    """

    id: UUID
    display_name: str
    email: str
    is_disabled: bool
    has_credential: bool
    roles: frozenset[Role]
    created_at: datetime
    direct_roles: frozenset[Role] = frozenset()
    scoped: frozenset[ScopedRole] = frozenset()
    groups: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    disabled_by: str = ""
    is_sealed: bool = False

    @property
    def can_come_in(self) -> bool:
        """Whether any way in is open: an own credential, or an account of a source."""
        return not (self.is_disabled or self.is_sealed) and (self.has_credential or bool(self.sources))


class PeopleFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which people a list shows, by name; empty fields do not narrow.

    Attributes:
        text: part of name, address or a source's user name, whatever the case.
        role: one that holds everywhere, assigned or by a group.
        source: where the person has an account, such as `directory:corp`.
        after: the last id of the previous page.
    """

    text: str = ""
    role: Role | None = None
    source: str = ""
    is_disabled: bool | None = None
    after: UUID | None = None
    limit: int = 200


class GroupFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which groups a list shows, by source and name; empty fields do not narrow.

    Attributes:
        text: part of the name, whatever the case, or the whole key.
        is_granted: only groups that are granted something.
        after: the last id of the previous page.
    """

    text: str = ""
    source: str = ""
    is_granted: bool = False
    after: UUID | None = None
    limit: int = 200


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A live session and whose it is.

    Attributes:
        roles, scoped, groups: as a Person has them.
        stepped_up_at: when the person last proved the second factor in this session, its beginning included.
    """

    session_id: UUID
    kind: SessionKind
    person_id: UUID
    display_name: str
    email: str
    roles: frozenset[Role]
    created_at: datetime
    expires_at: datetime
    stepped_up_at: datetime | None = None
    scoped: frozenset[ScopedRole] = frozenset()
    groups: frozenset[str] = frozenset()

    @property
    def actor(self) -> Actor:
        """The person as every service verb wants it; the name is personal."""
        name = f"{self.display_name} <{self.email}>"
        marker = self.kind.value if self.kind is SessionKind.BREAK_GLASS else ""
        return Actor(kind=ActorKind.PERSON, id=str(self.person_id), name=name, marker=marker)


class MachineReader(msgspec.Struct, frozen=True):
    """A machine that reads a stream by its own token: it hears of its own asks and nothing else."""

    machine_id: UUID


Reader = SignedIn | MachineReader


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A session as its person sees it in a list."""

    id: UUID
    kind: SessionKind
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    user_agent: str
    address: str
    device_name: str = ""
    platform: str = ""


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """What a phone or desktop calls itself; empty where it is a browser.

    Attributes:
        name: its person's name for it, such as `Ada's phone`.
        platform: `ios`, `android`, `macos`, `windows`, `linux` or what the client says.
    """

    name: str = ""
    platform: str = ""


class NewSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session that has just begun; the token is told only now.

    Attributes:
        token: `ols_` and 43 characters of base64url (256 random bits).
    """

    token: str
    session_id: UUID
    person_id: UUID
    expires_at: datetime


class NewLink(msgspec.Struct, frozen=True, kw_only=True):
    """A one-time link that has just been made; the token is told only now.

    Attributes:
        token: `oll_` and 43 characters of base64url; the address is `{public origin}/claim/{token}`.
        person_id: whose it is; None for an owner link, whose person does not exist yet.
    """

    token: str
    expires_at: datetime
    purpose: LinkPurpose
    link_id: UUID
    person_id: UUID | None = None


class LinkOffer(msgspec.Struct, frozen=True, kw_only=True):
    """What a valid link offers; name and address are empty for an owner link, whose visitor gives them."""

    purpose: LinkPurpose
    display_name: str
    email: str
    expires_at: datetime


class PendingClaim(msgspec.Struct, frozen=True, kw_only=True):
    """A claim that waits for the authenticator's first code.

    Attributes:
        token: `olc_` and 43 characters of base64url, for the claim cookie.
        secret: the TOTP secret, 32 characters of base32 (160 bits).
        uri: the `otpauth://totp/` address of the secret.
        qr_svg: the same as an inline SVG element without styles or scripts.
    """

    token: str
    secret: str
    uri: str
    qr_svg: str
    email: str
    expires_at: datetime


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """A finished claim: the person is signed in, and sees ten recovery codes this once."""

    session: NewSession
    recovery_codes: tuple[str, ...]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How long things live.

    Attributes:
        session_absolute_minutes: a browser session ends after this, whatever happens.
        session_idle_minutes: a browser session ends when nothing was sent for this long.
        claim_minutes: time to type the authenticator's first code.
        invitation_minutes: life of an invitation's link.
        reset_minutes: life of the link for a new password and authenticator.
        script_max_minutes: longest life of a script's session.
        device_days: a device's session ends after this, whatever happens.
        device_idle_days: a device's session ends when nothing was sent for this long.
        step_up_minutes: how long a proof of the second factor suffices for dangerous acts.
        break_glass_minutes: life of the session of the owner behind glass.
        cache_seconds: how long a process may answer for a session without asking the database; a change of
            people empties the cache of every process at once (queries.CHANNEL), this bounds a lost message.
    """

    session_absolute_minutes: int = 720
    session_idle_minutes: int = 60
    claim_minutes: int = 15
    invitation_minutes: int = 4320
    reset_minutes: int = 1440
    script_max_minutes: int = 43200
    device_days: int = 90
    device_idle_days: int = 30
    step_up_minutes: int = 10
    break_glass_minutes: int = 60
    cache_seconds: float = 2.0
