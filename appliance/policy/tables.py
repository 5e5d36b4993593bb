"""Tables of the policy versions and drafts; private to the appliance."""

from piccolo.columns import UUID, Integer, Text, Timestamptz
from piccolo.constraints import Unique
from piccolo.table import Table


class PolicyVersionTable(Table, tablename="policy_version"):
    """A published text; the service may add rows and read them, nothing else."""

    version = Integer(primary_key=True, default=None)
    text = Text(default="")
    note = Text(default="")
    author = Text(default="")
    published_at = Timestamptz(default=None)
    digest = Text(default="")


class PolicyDraftTable(Table, tablename="policy_draft"):
    """A text that somebody is writing."""

    id = UUID(primary_key=True, default=None)
    author = Text(default="")
    name = Text(default="")
    text = Text(default="")
    based_on = Integer(default=0)
    changed_at = Timestamptz(default=None)
    policy_draft_once = Unique([author, name])


TABLES = (PolicyVersionTable, PolicyDraftTable)
