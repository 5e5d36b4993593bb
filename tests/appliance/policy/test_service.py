"""Versions: published once, never changed, conflicts told."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from appliance.database.connection import current_connection, open_connection
from appliance.database.transaction import transaction
from appliance.ledger.records import Actor, ActorKind
from appliance.policy import queries
from appliance.policy.compilation import STARTER_TEXT
from appliance.policy.errors import (
    PolicyConflictError,
    PolicyDraftRefusedError,
    PolicyDraftUnknownError,
    PolicyInvalidError,
    PolicyNoteRefusedError,
    PolicyVersionUnknownError,
)
from appliance.policy.service import (
    POLICY_CHANNEL,
    delete_draft,
    diff,
    install_starter_pack,
    publish,
    rollback,
    save_draft,
    validate_draft,
)
from tests.support.postgres import TestDatabase

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADA = Actor(kind=ActorKind.PERSON, id="ada", name="Ada")
ONE = '@id("base") permit (principal, action, resource);\n'
TWO = ONE + '@id("no-dd") forbid (principal, action, resource) when { context.program == "dd" };\n'


async def ledger_events() -> list[str]:
    rows: list[Any] = await current_connection().fetch("SELECT event FROM ledger_entry ORDER BY id")
    return [row["event"] for row in rows]


@pytest.mark.usefixtures("rolled_back_database")
async def test_the_first_start_publishes_the_starter_pack_once() -> None:
    """Version 1 is the starter pack; a second start changes nothing."""
    first = await install_starter_pack(NOW)
    assert (first.version, first.text, first.author) == (1, STARTER_TEXT, "installation")
    assert await install_starter_pack(NOW) == first
    assert await ledger_events() == ["policy.published"]


@pytest.mark.usefixtures("rolled_back_database")
async def test_a_publication_becomes_the_active_version_and_is_in_the_ledger() -> None:
    """The next number, the text as given, one ledger entry."""
    await publish(ADA, ONE, "first", NOW, expected_version=0)
    second = await publish(ADA, TWO, " no dd ", NOW, expected_version=1)
    assert await queries.active_version() == second
    assert (second.version, second.note, second.author, second.published_at) == (2, "no dd", "ada", NOW)
    assert await ledger_events() == ["policy.published", "policy.published"]


@pytest.mark.usefixtures("rolled_back_database")
async def test_a_publication_on_top_of_an_older_version_is_refused() -> None:
    """Nobody overwrites what somebody else published meanwhile."""
    await publish(ADA, ONE, "first", NOW, expected_version=0)
    with pytest.raises(PolicyConflictError) as raised:
        await publish(ADA, TWO, "second", NOW, expected_version=0)
    assert (raised.value.expected, raised.value.active) == (0, 1)


@pytest.mark.usefixtures("committed_database")
async def test_of_concurrent_publications_one_wins() -> None:
    """Twenty at once on the same version: one is published, nineteen are told of the conflict."""
    await publish(ADA, ONE, "first", NOW, expected_version=0)
    results = await asyncio.gather(
        *(publish(ADA, TWO, f"try {number}", NOW, expected_version=1) for number in range(20)),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["PolicyConflictError"] * 19 + ["PublishedPolicy"]
    assert [each.version for each in await queries.history()] == [2, 1]


async def test_a_publication_notifies_the_other_processes(committed_database: TestDatabase) -> None:
    """Whoever listens hears the new version's number once it is committed."""
    heard: asyncio.Queue[str] = asyncio.Queue()
    listener = await open_connection(committed_database.service_url)
    try:
        await listener.add_listener(POLICY_CHANNEL, lambda *message: heard.put_nowait(message[-1]))
        await publish(ADA, ONE, "first", NOW, expected_version=0)
        assert await asyncio.wait_for(heard.get(), 5) == "1"
    finally:
        await listener.close()


@pytest.mark.usefixtures("committed_database")
@pytest.mark.parametrize("statement", ["UPDATE policy_version SET text = ''", "DELETE FROM policy_version"])
async def test_the_service_cannot_change_a_version(statement: str) -> None:
    """The database itself refuses."""
    await publish(ADA, ONE, "first", NOW, expected_version=0)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction():
            await current_connection().execute(statement)


@pytest.mark.usefixtures("rolled_back_database")
async def test_a_roll_back_publishes_the_old_text_as_a_new_version() -> None:
    """History only grows."""
    await publish(ADA, ONE, "first", NOW, expected_version=0)
    await publish(ADA, TWO, "second", NOW, expected_version=1)
    third = await rollback(ADA, 1, NOW, expected_version=2)
    assert (third.version, third.text, third.note) == (3, ONE, "Back to version 1")
    assert [each.version for each in await queries.history(before=3, limit=1)] == [2]
    with pytest.raises(PolicyVersionUnknownError):
        await rollback(ADA, 9, NOW, expected_version=3)
    with pytest.raises(PolicyVersionUnknownError):
        await queries.version_of(2**40)


@pytest.mark.usefixtures("rolled_back_database")
async def test_two_versions_are_compared_line_by_line() -> None:
    """A unified diff, empty for equal texts."""
    await publish(ADA, ONE, "first", NOW, expected_version=0)
    await publish(ADA, TWO, "second", NOW, expected_version=1)
    compared = await diff(1, 2)
    assert compared.startswith("--- version 1\n+++ version 2\n")
    assert '+@id("no-dd")' in compared
    assert await diff(1, 1) == ""


@pytest.mark.usefixtures("rolled_back_database")
async def test_a_text_with_errors_or_without_a_note_is_not_published() -> None:
    """Nothing is written and nothing recorded."""
    with pytest.raises(PolicyInvalidError):
        await publish(ADA, "nonsense;", "note", NOW, expected_version=0)
    for note in ("", "  ", "x" * 501, "a\x00b"):
        with pytest.raises(PolicyNoteRefusedError):
            await publish(ADA, ONE, note, NOW, expected_version=0)
    assert await queries.active_version() is None
    assert await ledger_events() == []


@pytest.mark.usefixtures("rolled_back_database")
async def test_drafts_belong_to_their_author_and_may_be_wrong() -> None:
    """One text per author and name; saving again replaces it."""
    await save_draft(ADA, "mine", "nonsense", NOW, based_on=1)
    saved = await save_draft(ADA, "mine", TWO, NOW, based_on=2)
    assert await queries.drafts_of("ada") == (saved,)
    assert await queries.draft_of("ada", "mine") == saved
    assert await queries.drafts_of("bob") == ()
    await delete_draft(ADA, "mine", NOW)
    with pytest.raises(PolicyDraftUnknownError):
        await queries.draft_of("ada", "mine")
    with pytest.raises(PolicyDraftUnknownError):
        await delete_draft(ADA, "mine", NOW)
    assert await ledger_events() == ["policy.draft_saved", "policy.draft_saved", "policy.draft_deleted"]


@pytest.mark.usefixtures("rolled_back_database")
@pytest.mark.parametrize(("name", "text"), [("", "x"), ("n" * 81, "x"), ("n", "x" * 1_048_577), ("n", "\x00")])
async def test_a_draft_beyond_what_is_kept_is_refused(name: str, text: str) -> None:
    """Names of 1 to 80 characters, texts of at most 1 MiB, no NUL."""
    with pytest.raises(PolicyDraftRefusedError):
        await save_draft(ADA, name, text, NOW, based_on=0)


def test_a_draft_can_be_validated_without_being_kept() -> None:
    """Validation needs no database."""
    assert validate_draft(ONE) == ()
    assert validate_draft("nonsense")[0].line == 1
