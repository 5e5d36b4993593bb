"""Asks and the answers given to them."""

from piccolo.columns import UUID, Array, Boolean, Bytea, Integer, Text, Timestamptz
from piccolo.table import Table


class Ask(Table, tablename="ask"):
    """One ask; open while its state is pending or allowed."""

    id = UUID(primary_key=True, default=None)
    decision_id = UUID(default=None)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None, index=True)
    machine_id = UUID(default=None)
    person_id = UUID(default=None, null=True)
    requester_email = Text(default="")
    agent = Text(default="")
    project = Text(default="")
    summary = Text(default="")
    attach_key = Bytea(default=b"")
    policy_version = Integer(default=0)
    roles = Array(base_column=Text(), default=list)
    quorum = Integer(default=1)
    allows_self = Boolean(default=True)
    step_up = Boolean(default=False)
    match_number = Boolean(default=False)
    binding = Text(default="")
    state = Text(default="pending")
    guidance = Text(default="")
    resolved_at = Timestamptz(default=None, null=True)
    resolved_by = Text(default="")
    released_at = Timestamptz(default=None, null=True)
    attention_kind = Text(default="approval")
    interaction = Text(default="")  # JSON, empty for a plain approval
    response = Text(default="")  # JSON, empty without answers


class AskAnswer(Table, tablename="ask_answer"):
    """One person's answer; it counts only once `counted_at` is set, under the ask's row lock."""

    id = UUID(primary_key=True, default=None)
    ask_id = UUID(default=None, index=True)
    person_id = UUID(default=None)
    display_name = Text(default="")
    resolution = Text(default="")
    guidance = Text(default="")
    answered_at = Timestamptz(default=None)
    counted_at = Timestamptz(default=None, null=True)
    response = Text(default="")  # JSON, empty without answers
