"""The verbs of the policy feature: draft, validate, publish, compare, roll back."""

from datetime import datetime
from difflib import unified_diff
from hashlib import sha256
from typing import Final

from appliance.database.connection import current_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.ledger.records import Actor, ActorKind, LedgerEntry
from appliance.ledger.service import append
from appliance.policy.compilation import STARTER_TEXT
from appliance.policy.errors import (
    PolicyConflictError,
    PolicyDraftRefusedError,
    PolicyDraftUnknownError,
    PolicyNoteRefusedError,
)
from appliance.policy.events import POLICY_DRAFT_DELETED, POLICY_DRAFT_SAVED, POLICY_PUBLISHED
from appliance.policy.queries import active_version, version_of
from appliance.policy.records import Draft, Problem, PublishedPolicy
from appliance.policy.store import PolicyStore as PolicyStore  # noqa: PLC0414 - a service that others are handed
from appliance.policy.tables import PolicyDraftTable, PolicyVersionTable
from appliance.policy.validation import LARGEST_TEXT_BYTES, compile_policies, validate_policies

POLICY_CHANNEL: Final = "leash_policy"

# Any constant will do, as long as every release uses the same one: publications take turns at it.
_PUBLISH_LOCK: Final = 0x6C65617368504F4C
_LONGEST_NOTE: Final = 500
_LONGEST_NAME: Final = 80
_STARTER_NOTE: Final = "The starter pack"


def validate_draft(text: str) -> tuple[Problem, ...]:
    """Tell what is wrong with a text; with no problem of severity `error` it can be published."""
    return validate_policies(text)


async def publish(actor: Actor, text: str, note: str, now: datetime, *, expected_version: int) -> PublishedPolicy:
    """Make a text the active version, for every process, as soon as this commits.

    Args:
        actor: who publishes.
        text: Cedar source.
        note: why, 1 to 500 characters.
        now: aware.
        expected_version: the version that the author saw as active (0 if none).

    Raises:
        PolicyInvalidError: the text has errors.
        PolicyNoteRefusedError: no note, or one that is too long.
        PolicyConflictError: another version is active by now.
    """
    note = note.strip()
    if not 0 < len(note) <= _LONGEST_NOTE or "\x00" in note:
        raise PolicyNoteRefusedError
    compile_policies(text, expected_version + 1)
    async with transaction():
        return await _publish(actor, text, note, now, expected_version=expected_version)


async def rollback(actor: Actor, version: int, now: datetime, *, expected_version: int) -> PublishedPolicy:
    """Publish the text of an earlier version again, as a new version.

    Raises:
        PolicyVersionUnknownError: no such version.
        PolicyInvalidError, PolicyConflictError: as for `publish`.
    """
    async with transaction():
        old = await version_of(version)
        note = f"Back to version {version}"
        return await publish(actor, old.text, note, now, expected_version=expected_version)


async def install_starter_pack(now: datetime) -> PublishedPolicy:
    """Publish the starter pack as version 1 if nothing was ever published; give the active version."""
    async with transaction():
        await _take_turn()
        active = await active_version()
        if active is not None:
            return active
        actor = Actor(kind=ActorKind.SYSTEM, id="installation")
        return await _publish(actor, STARTER_TEXT, _STARTER_NOTE, now, expected_version=0)


async def diff(older: int, newer: int) -> str:
    """Compare two versions as a unified diff, empty if their texts are equal.

    Raises:
        PolicyVersionUnknownError: one of them was never published.
    """
    one, other = await version_of(older), await version_of(newer)
    return compare(one.text, other.text, f"version {older}", f"version {newer}")


def compare(old: str, new: str, old_name: str, new_name: str) -> str:
    """Compare two texts as a unified diff."""
    lines = unified_diff(old.splitlines(), new.splitlines(), old_name, new_name, lineterm="")
    return "\n".join(lines)


async def save_draft(actor: Actor, name: str, text: str, now: datetime, *, based_on: int) -> Draft:
    """Keep a text under a name of its author's, right or wrong, in place of what was there.

    Raises:
        PolicyDraftRefusedError: no usable name, or a text of more than 1 MiB.
    """
    name = name.strip()
    is_too_large = len(text.encode("utf-8", "replace")) > LARGEST_TEXT_BYTES
    if not 0 < len(name) <= _LONGEST_NAME or is_too_large or "\x00" in name + text:
        raise PolicyDraftRefusedError
    draft = Draft(name=name, author=actor.id, text=text, based_on=based_on, changed_at=now)
    async with transaction():
        row = PolicyDraftTable(id=uuid7(), author=actor.id, name=name, text=text, based_on=based_on, changed_at=now)
        await PolicyDraftTable.insert(row).on_conflict(
            target=(PolicyDraftTable.author, PolicyDraftTable.name),
            action="DO UPDATE",
            values=(PolicyDraftTable.text, PolicyDraftTable.based_on, PolicyDraftTable.changed_at),
        )
        await _record(actor, POLICY_DRAFT_SAVED, "policy:draft", {"digest": digest_of(text)}, now)
    return draft


async def delete_draft(actor: Actor, name: str, now: datetime) -> None:
    """Remove one of the actor's drafts.

    Raises:
        PolicyDraftUnknownError: there is none of that name.
    """
    async with transaction():
        removed = (
            await PolicyDraftTable.delete()
            .where((PolicyDraftTable.author == actor.id) & (PolicyDraftTable.name == name))
            .returning(PolicyDraftTable.id)
        )
        if not removed:
            raise PolicyDraftUnknownError
        await _record(actor, POLICY_DRAFT_DELETED, "policy:draft", {}, now)


def digest_of(text: str) -> str:
    """Give the SHA-256 of a text in UTF-8 as 64 hex digits."""
    return sha256(text.encode()).hexdigest()


async def _publish(actor: Actor, text: str, note: str, now: datetime, *, expected_version: int) -> PublishedPolicy:
    await _take_turn()
    active = await active_version()
    version = active.version if active else 0
    if version != expected_version:
        raise PolicyConflictError(expected_version, version)
    published = PublishedPolicy(
        version=version + 1, text=text, note=note, author=actor.id, published_at=now, digest=digest_of(text)
    )
    await PolicyVersionTable.insert(
        PolicyVersionTable(
            version=published.version,
            text=text,
            note=note,
            author=actor.id,
            published_at=now,
            digest=published.digest,
        )
    )
    facts: dict[str, object] = {"version": published.version, "digest": published.digest}
    await _record(actor, POLICY_PUBLISHED, f"policy:{published.version}", facts, now, note=note)
    await current_connection().execute("SELECT pg_notify($1, $2)", POLICY_CHANNEL, str(published.version))
    return published


async def _take_turn() -> None:
    await current_connection().execute("SELECT pg_advisory_xact_lock($1)", _PUBLISH_LOCK)


async def _record(
    actor: Actor, event: str, subject: str, facts: dict[str, object], now: datetime, *, note: str = ""
) -> None:
    payload = {"note": note} if note else {}
    await append(LedgerEntry(event=event, actor=actor, subject=subject, facts=facts, payload=payload, occurred_at=now))
