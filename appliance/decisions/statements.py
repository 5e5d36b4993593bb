"""The one statement of the hot path: decisions and their ledger entries, many at a time, in one round trip."""

from collections.abc import Sequence
from typing import Any

from appliance.decisions.records import Recorded
from appliance.ledger.statements import PARAMETER_COUNT, append_arguments, append_ctes

_TYPES = (
    "uuid", "timestamptz", "uuid", "uuid", "text", "text", "text", "text", "text", "text", "text", "integer", "text",
    "integer", "text", "text", "uuid",
)  # fmt: skip
_COLUMNS = (
    "id", "created_at", "machine_id", "person_id", "agent", "event", "kind", "tool", "project", "session", "outcome",
    "policy_version", "policies", "secrets", "reason", "summary", "ask_id",
)  # fmt: skip
_ARRAYS = ", ".join(f"${PARAMETER_COUNT + 1 + place}::{kind}[]" for place, kind in enumerate(_TYPES))

RECORD = f"""
WITH {append_ctes(1)}, decided AS (
  INSERT INTO decision ({", ".join(_COLUMNS)}) SELECT * FROM unnest({_ARRAYS}) ON CONFLICT DO NOTHING
)
SELECT count(*) FROM ledger_new
"""  # noqa: S608 - column names and parameter numbers of this module


def record_arguments(batch: Sequence[Recorded]) -> list[Any]:
    """The parameters of RECORD for a batch: arrays, one element per decision."""
    rows = [item.row for item in batch]
    columns = [[getattr(row, name) for row in rows] for name in _COLUMNS]
    return [*append_arguments([item.entry for item in batch]), *columns]
