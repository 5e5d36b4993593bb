"""The tables of clients; private to the feature."""

from piccolo.columns import UUID, SmallInt, Timestamptz, Varchar
from piccolo.table import Table


class ClientDevice(Table, tablename="client_device"):
    """A phone that has told of itself; person, platform and name are unique together by the migration's index."""

    id = UUID(primary_key=True, default=None)
    person = UUID(default=None)
    platform = Varchar(length=40)
    name = Varchar(length=100)
    app_version = Varchar(length=64, default="")
    first_seen_at = Timestamptz(default=None)
    last_seen_at = Timestamptz(default=None)


class SkillObservation(Table, tablename="skill_observation"):
    """An instruction file of an agent that a desktop has seen; one row per owner, agent and path."""

    id = UUID(primary_key=True, default=None)
    owner_id = UUID(default=None)  # the machine, or the person of a session
    machine_id = UUID(default=None, null=True)
    person_id = UUID(default=None, null=True)
    agent = Varchar(length=64)
    scope = Varchar(length=32, default="")
    project = Varchar(length=1024, default="")
    name = Varchar(length=200)
    path = Varchar(length=1024)
    content_hash = Varchar(length=64, default="")
    purpose = Varchar(length=500, default="")
    status = Varchar(length=32, default="")
    risk_score = SmallInt(default=0)
    first_seen_at = Timestamptz(default=None)
    last_seen_at = Timestamptz(default=None)
