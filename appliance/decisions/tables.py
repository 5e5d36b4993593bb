"""Decisions, as the Decisions page searches them; what was asked for lies in the ledger's payload."""

from piccolo.columns import UUID, Integer, Text, Timestamptz
from piccolo.table import Table


class Decision(Table, tablename="decision"):
    """One decision; its id is its ledger entry's id. Partitioned by month of created_at."""

    id = UUID(primary_key=True, default=None)
    created_at = Timestamptz(default=None)
    machine_id = UUID(default=None)
    person_id = UUID(default=None, null=True)
    agent = Text(default="")
    event = Text(default="")
    kind = Text(default="")
    tool = Text(default="")
    project = Text(default="")
    session = Text(default="")
    outcome = Text(default="")
    policy_version = Integer(default=0)
    policies = Text(default="")
    secrets = Integer(default=0)
    reason = Text(default="")
    summary = Text(default="")
    ask_id = UUID(default=None, null=True)
