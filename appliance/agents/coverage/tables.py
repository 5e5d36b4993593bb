"""The table of agents on machines; private to the feature. No payload, no token: names and moments only."""

from piccolo.columns import UUID, Boolean, Timestamptz, Varchar
from piccolo.table import Table


class AgentRuntime(Table, tablename="agent_runtime"):
    """One agent on one machine; once per machine, or per person and host name where no machine has enrolled."""

    id = UUID(primary_key=True, default=None)
    machine_id = UUID(default=None, null=True)
    person_id = UUID(default=None, null=True)
    hostname = Varchar(length=255, default="")
    agent = Varchar(length=32)
    display_name = Varchar(length=100, default="")
    executable = Varchar(length=500, default="")
    platform = Varchar(length=64, default="")
    client_version = Varchar(length=64, default="")
    is_installed = Boolean(default=None, null=True)
    is_protected = Boolean(default=None, null=True)
    detail = Varchar(length=300, default="")
    first_seen_at = Timestamptz(default=None)
    reported_at = Timestamptz(default=None, null=True)
    unprotected_since = Timestamptz(default=None, null=True)
    last_hook_at = Timestamptz(default=None, null=True)
    last_decision_id = UUID(default=None, null=True)
    last_activity_at = Timestamptz(default=None, null=True)
    config_changed_at = Timestamptz(default=None, null=True)
    accepted_at = Timestamptz(default=None, null=True)
    noted_state = Varchar(length=16, default="never")
