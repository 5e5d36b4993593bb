"""The SQL of an append, in pieces that the decision writer can join with its own inserts."""

from collections.abc import Iterable
from typing import Any

from appliance.ledger.records import PreparedEntry

PARAMETER_COUNT = 11


def append_ctes(first_parameter: int) -> str:
    """Common table expressions, without the leading WITH, that write entries, their parts and their place in the queue.

    They take PARAMETER_COUNT array parameters from `$first_parameter` on (see `append_arguments`). An entry that
    is there already is left alone, and so are its parts; `ledger_new` holds (id, recorded_at) of what is new.
    """
    types = ("uuid", "timestamptz", "text", "text", "text", "text", "text", "uuid", "text", "bytea", "text")
    holes = [f"${first_parameter + at}::{name}[]" for at, name in enumerate(types)]
    return f"""
ledger_new AS (
  INSERT INTO ledger_entry (id, recorded_at, event, actor_kind, actor_id, subject, body)
  SELECT * FROM unnest({", ".join(holes[:7])})
  ON CONFLICT DO NOTHING RETURNING id, recorded_at
), ledger_new_payload AS (
  INSERT INTO ledger_payload (entry_id, recorded_at, part, salt, content)
  SELECT n.id, n.recorded_at, p.part, p.salt, p.content
  FROM unnest({", ".join(holes[7:])}) AS p(entry_id, part, salt, content) JOIN ledger_new n ON n.id = p.entry_id
), ledger_queued AS (
  INSERT INTO ledger_unsealed (entry_id, recorded_at) SELECT id, recorded_at FROM ledger_new
)"""  # noqa: S608 - only numbers that we made are put in


def append_arguments(prepared: Iterable[PreparedEntry]) -> tuple[list[Any], ...]:
    """The PARAMETER_COUNT arrays for `append_ctes`."""
    arrays: tuple[list[Any], ...] = tuple([] for _ in range(PARAMETER_COUNT))
    ids, times, events, kinds, actors, subjects, bodies, owners, parts, salts, contents = arrays
    for entry in prepared:
        ids.append(entry.id)
        times.append(entry.recorded_at)
        events.append(entry.event)
        kinds.append(entry.actor_kind)
        actors.append(entry.actor_id)
        subjects.append(entry.subject)
        bodies.append(entry.body)
        for part in entry.parts:
            owners.append(entry.id)
            parts.append(part.part)
            salts.append(part.salt)
            contents.append(part.content)
    return arrays


APPEND = f"WITH {append_ctes(1)} SELECT count(*) FROM ledger_new"  # noqa: S608 - see append_ctes
