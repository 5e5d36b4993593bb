"""What somebody with the rights of the database's owner might do to a sealed ledger of twelve leaves."""

# ruff: noqa: S608, ISC004 - statements of our own, put together from pieces of our own
from collections.abc import Sequence
from typing import NamedTuple


class Tampering(NamedTuple):
    """Statements of the owner, and the kinds of problems that they must show as."""

    name: str
    statements: Sequence[str]
    kinds: set[str]


TABLES = ("ledger_entry", "ledger_payload", "ledger_leaf", "ledger_checkpoint", "ledger_unsealed")
SOME = "(SELECT entry_id FROM ledger_leaf WHERE leaf_index = 7)"
# The stored hash is made to fit, as somebody would who knows how leaves are hashed.
REHASH = (
    "UPDATE ledger_leaf l SET leaf_hash = sha256('\\x00'::bytea || convert_to(e.body, 'UTF8'))"
    " FROM ledger_entry e WHERE e.id = l.entry_id"
)
SWAP_ENTRIES = """
UPDATE ledger_entry a SET body = b.body, event = b.event, subject = b.subject FROM ledger_entry b
WHERE (a.subject, b.subject) IN (('thing:7', 'thing:8'), ('thing:8', 'thing:7'))
"""
# The key of the table does not allow two leaves at one place, not even for a moment.
SWAP_PLACES = (
    "UPDATE ledger_leaf SET leaf_index = 1000 WHERE leaf_index = 7",
    "UPDATE ledger_leaf SET leaf_index = 7 WHERE leaf_index = 8",
    "UPDATE ledger_leaf SET leaf_index = 8 WHERE leaf_index = 1000",
)
INSERT_ENTRY = """
INSERT INTO ledger_entry
SELECT '018f0000-0000-7000-8000-000000000000', recorded_at, event, actor_kind, actor_id, subject, body
FROM ledger_entry WHERE subject = 'thing:7'
"""
INSERT_LEAF = "INSERT INTO ledger_leaf SELECT 12, gen_random_uuid(), now(), sha256('x')"
DELETE_LAST = (
    "DELETE FROM ledger_leaf WHERE leaf_index >= 6",
    "DELETE FROM ledger_checkpoint WHERE tree_size > 6",
)
_ALL: list[tuple[str, Sequence[str], set[str]]] = [
    ("edit body", [f"UPDATE ledger_entry SET body = replace(body, '7', '8') WHERE id = {SOME}"], {"entry_edited"}),
    (
        "edit body and its hash",
        [f"UPDATE ledger_entry SET body = replace(body, '\"number\":7', '\"number\":8') WHERE id = {SOME}", REHASH],
        {"root_mismatch", "forked"},
    ),
    (
        "make the body something else than JSON",
        [f"UPDATE ledger_entry SET body = '[' WHERE id = {SOME}"],
        {"entry_edited"},
    ),
    *(
        (
            f"edit column {column}",
            [f"UPDATE ledger_entry SET {column} = 'x' WHERE id = {SOME}"],
            {"entry_column_edited"},
        )
        for column in ("event", "actor_kind", "actor_id", "subject")
    ),
    (
        "edit the time in entry and leaf",
        [
            f"UPDATE ledger_entry SET recorded_at = recorded_at - interval '1 hour' WHERE id = {SOME}",
            "UPDATE ledger_leaf SET recorded_at = recorded_at - interval '1 hour' WHERE leaf_index = 7",
            f"UPDATE ledger_payload SET recorded_at = recorded_at - interval '1 hour' WHERE entry_id = {SOME}",
        ],
        {"entry_column_edited"},
    ),
    (
        "edit the time of the entry only",
        [f"UPDATE ledger_entry SET recorded_at = recorded_at - interval '1 hour' WHERE id = {SOME}"],
        {"entry_missing", "entry_unaccounted"},
    ),
    (
        "edit content",
        [f"UPDATE ledger_payload SET content = '{{}}' WHERE part = 'payload' AND entry_id = {SOME}"],
        {"part_edited"},
    ),
    (
        "edit a salt",
        [f"UPDATE ledger_payload SET salt = sha256('x') WHERE part = 'personal' AND entry_id = {SOME}"],
        {"part_edited"},
    ),
    (
        "swap content between parts",
        [
            "UPDATE ledger_payload a SET salt = b.salt, content = b.content FROM ledger_payload b"
            f" WHERE a.entry_id = b.entry_id AND a.part <> b.part AND a.entry_id = {SOME}",
        ],
        {"part_edited"},
    ),
    ("delete an entry", [f"DELETE FROM ledger_entry WHERE id = {SOME}"], {"entry_missing"}),
    (
        "delete an entry and its leaf",
        [f"DELETE FROM ledger_entry WHERE id = {SOME}", "DELETE FROM ledger_leaf WHERE leaf_index = 7"],
        {"leaf_missing", "root_mismatch", "forked"},
    ),
    (
        "delete an entry and its leaf, and close the gap",
        [
            f"DELETE FROM ledger_entry WHERE id = {SOME}",
            "DELETE FROM ledger_leaf WHERE leaf_index = 7",
            "UPDATE ledger_leaf SET leaf_index = leaf_index - 1 WHERE leaf_index > 7",
        ],
        {"leaf_missing", "root_mismatch", "forked"},
    ),
    (
        "delete a leaf",
        ["DELETE FROM ledger_leaf WHERE leaf_index = 7"],
        {"leaf_missing", "root_mismatch", "forked", "entry_unaccounted"},
    ),
    (
        "delete the last leaf",
        ["DELETE FROM ledger_leaf WHERE leaf_index = 11"],
        {"leaf_missing", "root_mismatch", "forked", "entry_unaccounted"},
    ),
    (
        "delete every leaf",
        ["DELETE FROM ledger_leaf"],
        {"leaf_missing", "root_mismatch", "forked", "entry_unaccounted"},
    ),
    (
        "delete a checkpoint in the middle",
        ["DELETE FROM ledger_checkpoint WHERE tree_size = 6"],
        {"checkpoint_missing"},
    ),
    ("delete the newest checkpoint", ["DELETE FROM ledger_checkpoint WHERE tree_size = 12"], {"leaf_uncovered"}),
    ("insert an entry", [INSERT_ENTRY], {"entry_unaccounted"}),
    ("insert a leaf", [INSERT_LEAF], {"leaf_uncovered", "entry_missing"}),
    (
        "insert an entry with a leaf in the middle",
        [
            "UPDATE ledger_leaf SET leaf_index = leaf_index + 1000 WHERE leaf_index >= 7",
            "UPDATE ledger_leaf SET leaf_index = leaf_index - 999 WHERE leaf_index >= 1000",
            INSERT_ENTRY,
            "INSERT INTO ledger_leaf SELECT 7, id, recorded_at, sha256('\\x00'::bytea || convert_to(body, 'UTF8'))"
            " FROM ledger_entry WHERE id = '018f0000-0000-7000-8000-000000000000'",
        ],
        {"entry_column_edited", "leaf_uncovered", "root_mismatch", "forked"},
    ),
    ("swap entries", [SWAP_ENTRIES], {"entry_edited"}),
    ("swap places", SWAP_PLACES, {"root_mismatch", "forked"}),
    (
        "swap the entries of two leaves",
        [
            "ALTER TABLE ledger_leaf DROP CONSTRAINT ledger_leaf_entry_id_key",
            "UPDATE ledger_leaf a SET entry_id = b.entry_id, recorded_at = b.recorded_at FROM ledger_leaf b"
            " WHERE (a.leaf_index, b.leaf_index) IN ((7, 8), (8, 7))",
        ],
        {"entry_edited"},
    ),
    ("truncate", [*DELETE_LAST], {"truncated", "entry_unaccounted"}),
    (
        "go back to yesterday",
        [*DELETE_LAST, "DELETE FROM ledger_entry WHERE id NOT IN (SELECT entry_id FROM ledger_leaf)"],
        {"truncated"},
    ),
    ("empty everything", [f"TRUNCATE {', '.join(TABLES)}"], {"truncated"}),
    (
        "edit a root",
        ["UPDATE ledger_checkpoint SET root_hash = sha256('x') WHERE tree_size = 6"],
        {"checkpoint_edited", "root_mismatch"},
    ),
    (
        "edit a frontier",
        ["UPDATE ledger_checkpoint SET frontier = sha256('x') || sha256('y') WHERE tree_size = 6"],
        {"checkpoint_edited"},
    ),
    (
        "edit the time of a checkpoint",
        ["UPDATE ledger_checkpoint SET sealed_at = sealed_at - interval '1 year' WHERE tree_size = 6"],
        {"checkpoint_edited"},
    ),
    (
        "edit a signed text",
        ["UPDATE ledger_checkpoint SET note = replace(note, 'sealed 2026', 'sealed 2025') WHERE tree_size = 12"],
        {"checkpoint_invalid"},
    ),
    (
        "make a signed text something else",
        ["UPDATE ledger_checkpoint SET note = note || 'more' || chr(10) WHERE tree_size = 12"],
        {"checkpoint_invalid"},
    ),
    (
        "put one checkpoint's text into another",
        [
            "UPDATE ledger_checkpoint SET note = (SELECT note FROM ledger_checkpoint WHERE tree_size = 6)"
            " WHERE tree_size = 12",
        ],
        {"checkpoint_edited", "checkpoint_missing"},
    ),
    (
        "take a place twice",
        [
            "ALTER TABLE ledger_leaf DROP CONSTRAINT ledger_leaf_pkey",
            "ALTER TABLE ledger_leaf DROP CONSTRAINT ledger_leaf_entry_id_key",
            "INSERT INTO ledger_leaf SELECT * FROM ledger_leaf WHERE leaf_index = 7",
        ],
        {"leaf_repeated", "root_mismatch", "forked"},
    ),
]
TAMPERINGS = [Tampering(*each) for each in _ALL]
