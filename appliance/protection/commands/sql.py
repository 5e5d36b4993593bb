"""Read SQL just far enough to see whether it drops or alters data in bulk."""

import re
from typing import Final

LONGEST_SQL: Final = 262_144
# Without any of these words no statement is one of those that are told of.
_TELLING: Final = re.compile("TRUNCATE|DROP|DELETE|UPDATE|FLUSHALL|FLUSHDB")
_QUOTES: Final = "'\"`"
_BULK: Final = frozenset(["TRUNCATE", "DROP"])
_HARMLESS_DROPS: Final = frozenset(["TEMP", "TEMPORARY"])


def bulk_write(sql: str) -> str | None:
    """Give a sentence about the first statement that drops or alters data in bulk; None if there is none."""
    if _TELLING.search(sql.upper()) is None:
        return None
    for words in _statements(sql[:LONGEST_SQL]):
        found = _judge(words)
        if found is not None:
            return found
    return None


def _judge(words: list[str]) -> str | None:
    for place, word in enumerate(words):
        following = words[place + 1] if place + 1 < len(words) else ""
        if (word in _BULK and place == 0) or (word == "DROP" and following in _DROPPED):
            return (
                None
                if following in _HARMLESS_DROPS
                else f"The statement {word} {following}".rstrip() + " would remove data or structure."
            )
        if word == "DELETE" and following == "FROM" and "WHERE" not in words[place:]:
            return "DELETE without WHERE would remove every row."
        if word == "UPDATE" and "SET" in words[place:] and "WHERE" not in words[place:] and place == 0:
            return "UPDATE without WHERE would change every row."
        if word in {"FLUSHALL", "FLUSHDB"}:
            return f"{word} would remove every key."
    return None


_DROPPED: Final = frozenset([
    "TABLE", "DATABASE", "SCHEMA", "INDEX", "VIEW", "COLUMN", "USER", "ROLE", "SEQUENCE", "TYPE", "FUNCTION",
    "PROCEDURE",
    "TRIGGER", "MATERIALIZED", "EXTENSION", "KEYSPACE", "COLLECTION", "OWNED", "TABLESPACE", "CONSTRAINT", "PARTITION",
])  # fmt: skip


def _statements(sql: str) -> list[list[str]]:
    """Split into statements of upper-case words, without comments and the content of strings."""
    statements: list[list[str]] = []
    words: list[str] = []
    position, end = 0, len(sql)
    while position < end:
        character = sql[position]
        if sql.startswith("--", position):
            position = _after(sql, "\n", position)
        elif sql.startswith("/*", position):
            # MySQL runs what stands in `/*! ... */`.
            position = position + 3 if sql.startswith("/*!", position) else _after(sql, "*/", position + 2)
        elif character in _QUOTES:
            position = _after(sql, character, position + 1)
            words.append("''")
        elif character.isalpha() or character == "_":
            stop = position
            while stop < end and (sql[stop].isalnum() or sql[stop] in "_.$"):
                stop += 1
            words.append(sql[position:stop].upper())
            position = stop
        else:
            if character in ";\\" or (character == "\n" and words[:1] == ["GO"]):
                statements.append(words)
                words = []
            position += 1
    statements.append(words)
    return statements


def _after(text: str, ending: str, start: int) -> int:
    found = text.find(ending, start)
    return len(text) if found < 0 else found + len(ending)
