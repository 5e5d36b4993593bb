"""What is written for an entry, and what is refused."""

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.database.connection import current_connection
from appliance.database.transaction import transaction
from appliance.ledger import rules
from appliance.ledger.canonical import LEVELS_MAX, canonical_text
from appliance.ledger.errors import CanonicalError, EntryRefusedError
from appliance.ledger.queries import entry_detail
from appliance.ledger.records import Actor, ActorKind, LedgerEntry
from appliance.ledger.service import append, prepare
from appliance.ledger.statements import APPEND, append_arguments
from tests.support.ledger import ADA, NOON, entry


def test_the_body_holds_what_is_public_and_commits_to_the_rest() -> None:
    """Canonical JSON; neither the name of the actor nor the payload is in it."""
    prepared = prepare(entry(7), now=NOON)
    body = json.loads(prepared.body)
    assert canonical_text(body) == prepared.body
    commitments = body.pop("commitments")
    assert body == {
        "actor": {"id": "ada", "kind": "person"},
        "event": "policy.published",
        "facts": {"number": 7},
        "id": str(prepared.id),
        "recorded_at": "2026-11-23T12:00:00.000000Z",
        "subject": "thing:7",
        "v": 1,
    }
    assert "Lovelace" not in prepared.body
    for part in prepared.parts:
        assert commitments[part.part] == hashlib.sha256(part.salt + part.content.encode()).hexdigest()
    assert {part.part: part.content for part in prepared.parts} == {
        "personal": '{"actor_name":"Ada Lovelace"}',
        "payload": '{"text":"content 7"}',
    }


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@given(
    actor=texts, name=texts, subject=texts, facts=st.dictionaries(texts, st.integers(-9, 9) | texts | st.floats(0, 1))
)
def test_every_body_is_canonical(actor: str, name: str, subject: str, facts: dict[str, Any]) -> None:
    """RFC 8785, whatever the names and facts are: the text that is put together is the one of its whole value."""
    who = Actor(kind=ActorKind.PERSON, id=actor, name=name)
    made = LedgerEntry(event="a.b", actor=who, subject=subject, facts=facts, payload=facts, occurred_at=NOON)
    prepared = prepare(made, now=NOON + timedelta(microseconds=7))
    body = json.loads(prepared.body)
    assert canonical_text(body) == prepared.body
    assert (body["actor"]["id"], body["subject"], body["facts"]) == (actor, subject, facts)
    assert body["recorded_at"] == "2026-11-23T12:00:00.000007Z"


def test_equal_content_is_committed_to_differently_each_time() -> None:
    """Salts are random: a commitment cannot be guessed by trying contents, nor compared with another."""
    salts = {part.salt for _ in range(50) for part in prepare(entry(1), now=NOON).parts}
    assert len(salts) == 100
    assert {len(salt) for salt in salts} == {rules.SALT_BYTES}


def test_an_entry_without_personal_fields_and_payload_has_no_parts() -> None:
    """Nothing is stored that nobody wrote."""
    plain = LedgerEntry(event="a.b", actor=Actor(kind=ActorKind.SYSTEM, id="x"), subject="y:z")
    prepared = prepare(plain, now=NOON)
    assert (prepared.parts, json.loads(prepared.body)["commitments"]) == ((), {})


def test_identifiers_sort_by_the_time_of_recording() -> None:
    """Paging goes by them."""
    identifiers = [prepare(entry(1), now=NOON + timedelta(milliseconds=step)).id for step in range(20)]
    assert identifiers == sorted(identifiers)
    assert {identifier.version for identifier in identifiers} == {7}


def test_times_are_written_in_utc_whatever_their_zone() -> None:
    """Recorded and occurred; a time without zone names no moment and is refused."""
    local = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    prepared = prepare(entry(1, occurred_at=local), now=local)
    body = json.loads(prepared.body)
    assert body["recorded_at"] == body["occurred_at"] == "2026-11-23T12:00:00.000000Z"
    naive = datetime(2026, 11, 23, 12)  # noqa: DTZ001 - what is to be refused
    with pytest.raises(EntryRefusedError, match="zone"):
        prepare(entry(1, occurred_at=naive), now=NOON)
    with pytest.raises(EntryRefusedError, match="zone"):
        prepare(entry(1), now=naive)


@pytest.mark.parametrize("name", ["event", "subject", "actor"])
def test_nul_in_a_name_is_refused(name: str) -> None:
    """PostgreSQL cannot keep it, and a writer would fail later with others in its batch."""
    fields: dict[str, Any] = {"event": "a.b", "subject": "c:d", "actor": ADA}
    fields[name] = Actor(kind=ActorKind.PERSON, id="a\0b") if name == "actor" else "a\0b"
    with pytest.raises(EntryRefusedError, match="NUL"):
        prepare(LedgerEntry(**fields), now=NOON)


@pytest.mark.parametrize("value", [float("nan"), 2**60, "\ud800", object()], ids=repr)
@pytest.mark.parametrize("field", ["facts", "personal", "payload"])
def test_what_has_no_canonical_form_is_refused(field: str, value: object) -> None:
    """Before anything is written."""
    fields: dict[str, Any] = {field: {"a": value}}
    with pytest.raises(CanonicalError):
        prepare(LedgerEntry(event="a.b", actor=ADA, subject="c:d", **fields), now=NOON)


@pytest.mark.parametrize("name", ["event", "subject", "actor"])
def test_a_lone_surrogate_in_a_name_is_refused(name: str) -> None:
    """No text can be that."""
    fields: dict[str, Any] = {"event": "a.b", "subject": "c:d", "actor": ADA}
    fields[name] = Actor(kind=ActorKind.PERSON, id="a\ud800") if name == "actor" else "a\ud800"
    with pytest.raises(CanonicalError):
        prepare(LedgerEntry(**fields), now=NOON)


def test_facts_are_as_deep_as_the_whole_body_may_be() -> None:
    """The body around them is a level of its own."""
    facts: dict[str, Any] = {}
    for _ in range(LEVELS_MAX - 2):
        facts = {"a": facts}
    made = LedgerEntry(event="a.b", actor=ADA, subject="c:d", facts=facts)
    prepared = prepare(made, now=NOON)
    assert canonical_text(json.loads(prepared.body)) == prepared.body
    with pytest.raises(CanonicalError):
        prepare(LedgerEntry(event="a.b", actor=ADA, subject="c:d", facts={"a": facts}), now=NOON)


@given(st.text())
def test_commitments_of_strange_bodies_are_left_out(text: str) -> None:
    """Whatever somebody made of a body, reading it fails softly and says nothing false."""
    assert rules.commitments_of(rules.decoded(text)) == {}
    assert rules.commitments_of({"commitments": text}) == {}
    assert rules.commitments_of({"commitments": {"payload": text, "other": "a" * 64, "personal": "b" * 64}}) == {
        "personal": "b" * 64
    }


@pytest.mark.usefixtures("rolled_back_database")
async def test_text_survives_the_database_to_the_byte() -> None:
    """NUL inside content, astral characters, bidi marks and a megabyte come back as they were hashed."""
    payload = {"nul": "a\0b", "text": "\U0001f600\u202e\u200b\ufeff", "long": "x" * 1_000_000, "number": 1.5}
    identifier = await append(LedgerEntry(event="a.b", actor=ADA, subject="c:d", payload=payload), now=NOON)
    detail = await entry_detail(identifier)
    part = next(part for part in detail.parts if part.part == "payload")
    assert json.loads(part.content) == payload
    stated = rules.commitments_of(rules.decoded(detail.entry.body))
    assert stated["payload"] == rules.commitment(part.salt, part.content)


async def test_nothing_is_appended_outside_a_transaction() -> None:
    """An entry that does not commit with what it describes would be worth nothing."""
    with pytest.raises(RuntimeError, match="no transaction"):
        await append(entry(1))


@pytest.mark.usefixtures("rolled_back_database")
async def test_without_a_time_the_machines_is_taken() -> None:
    """Aware, and now."""
    async with transaction():
        detail = await entry_detail(await append(entry(1)))
    assert abs(detail.entry.recorded_at - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.usefixtures("rolled_back_database")
async def test_many_entries_go_in_one_statement() -> None:
    """The hot path's arrays: new entries are counted, those that are there already are not."""
    prepared = [prepare(entry(number), now=NOON) for number in range(100)]
    connection = current_connection()
    assert await connection.fetchval(APPEND, *append_arguments(prepared)) == 100
    more = [*prepared, prepare(entry(100), now=NOON)]
    assert await connection.fetchval(APPEND, *append_arguments(more)) == 1
    for table, count in (("ledger_entry", 101), ("ledger_payload", 202), ("ledger_unsealed", 101)):
        assert await connection.fetchval(f"SELECT count(*) FROM {table}") == count  # noqa: S608 - our own names
