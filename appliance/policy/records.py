"""Plain values of the policy feature: who is judged, what is wrong with a text, what was published."""

from datetime import datetime
from enum import StrEnum

import msgspec


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """On whose behalf an agent acts.

    Attributes:
        machine: identifier of the enrolled computer, empty if unknown.
        person: identifier of the person whose computer it is, empty if unknown.
        groups: names of the person's approver groups, and of groups of sources as `directory:corp/Developers`.
    """

    machine: str = ""
    person: str = ""
    groups: tuple[str, ...] = ()


class Severity(StrEnum):
    """Whether a problem keeps a text from being published."""

    ERROR = "error"
    WARNING = "warning"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something wrong with a policy text.

    Attributes:
        line: 1-based line in the text; 0 if it concerns the text as a whole.
        message: what is wrong, and what to write instead where that is known.
        policy: the `@id` of the policy concerned, or empty.
        severity: errors keep the text from being published, warnings do not.
    """

    line: int
    message: str
    policy: str = ""
    severity: Severity = Severity.ERROR


class PublishedPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """One immutable version of the whole policy text.

    Attributes:
        version: counts from 1 without gaps.
        text: the Cedar source as it was published.
        note: why it was published, in the author's words.
        author: pseudonymous identifier of who published it.
        published_at: aware UTC.
        digest: SHA-256 of the text in UTF-8, 64 hex digits.
    """

    version: int
    text: str
    note: str
    author: str
    published_at: datetime
    digest: str


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A text that somebody is still writing; it decides nothing.

    Attributes:
        name: what its author calls it, unique per author.
        author: pseudonymous identifier.
        text: the Cedar source, which may be wrong.
        based_on: the version that was active when the draft was begun; the expected version when it is published.
        changed_at: aware UTC.
    """

    name: str
    author: str
    text: str
    based_on: int
    changed_at: datetime


class PolicySummary(msgspec.Struct, frozen=True, kw_only=True):
    """One policy of a version, as a list shows it.

    Attributes:
        id: its `@id`.
        title: its `@title`, or the id.
        effect: `permit`, `forbid` or `ask`.
        why: its `@why` sentence, or empty.
        line: 1-based line of its first token in the version's text.
    """

    id: str
    title: str
    effect: str
    why: str
    line: int
