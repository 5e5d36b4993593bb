"""Many entries at once are the entries that would have been written one by one."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.database.connection import current_connection
from appliance.database.identifiers import uuid7
from appliance.ledger.batches import append_alike
from appliance.ledger.errors import EntryRefusedError
from appliance.ledger.records import Actor, ActorKind, LedgerEntry
from appliance.ledger.rules import SALT_BYTES, Alike, commitment, commitments_of, decoded, prepare
from tests.support.people import NOW

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
ACTORS = st.builds(Actor, kind=st.sampled_from(ActorKind), id=TEXT, name=TEXT, marker=TEXT)
FACTS = st.dictionaries(TEXT, TEXT | st.integers(-10, 10) | st.floats(0, 1), max_size=3)
PERSONAL = st.dictionaries(TEXT, TEXT, min_size=1, max_size=3)
SYSTEM = Actor(kind=ActorKind.SYSTEM, id="directory:corp", name="Corp")


@given(actor=ACTORS, facts=FACTS, subject=TEXT, personal=PERSONAL)
def test_an_entry_is_the_same_text_as_alone(
    actor: Actor, facts: Mapping[str, object], subject: str, personal: Mapping[str, str]
) -> None:
    """Proofs, verifiers and readers see no difference."""
    chosen, salt = uuid7(), bytes(range(SALT_BYTES))
    entry = LedgerEntry(event="person.provisioned", actor=actor, subject=subject, facts=facts, personal=personal)
    alone = prepare(entry, id=chosen, now=NOW, salt_source=lambda: salt)
    assert Alike("person.provisioned", actor, facts, NOW).entry(subject, personal, id=chosen, salt=salt) == alone


def test_a_subject_that_cannot_be_kept_is_refused() -> None:
    """As it is for a single entry."""
    with pytest.raises(EntryRefusedError):
        Alike("a.b", SYSTEM, {}, NOW).entry("person:\0", {"name": "Ida"}, id=uuid7(), salt=b"")


@pytest.mark.usefixtures("rolled_back_database")
async def test_each_entry_has_its_own_content_and_waits_for_the_sealer() -> None:
    """So that what is personal about one can be deleted alone."""
    about = [(f"person:{number}", {"name": f"Person {number}"}) for number in range(3)]
    await append_alike("person.provisioned", SYSTEM, {"source": "directory:corp"}, about, now=NOW)
    rows = await current_connection().fetch(
        "SELECT e.subject, e.body, p.part, p.salt, p.content FROM ledger_entry e JOIN ledger_unsealed u "
        "ON u.entry_id = e.id JOIN ledger_payload p ON p.entry_id = e.id ORDER BY e.id"
    )
    assert [row["subject"] for row in rows] == ["person:0", "person:1", "person:2"]
    assert len({row["salt"] for row in rows}) == len(rows)
    for row in rows:
        assert commitments_of(decoded(row["body"])) == {row["part"]: commitment(row["salt"], row["content"])}
