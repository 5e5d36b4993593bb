"""The tables of notifications; private to the feature."""

from piccolo.columns import UUID, Array, Boolean, Bytea, Integer, SmallInt, Text, Timestamptz
from piccolo.table import Table


class Notification(Table, tablename="notification"):
    """The outbox: something that people are to hear of, written in the commit of what it tells."""

    id = UUID(primary_key=True, default=None)
    kind = Text(default="")
    about = UUID(default=None, null=True)
    name = Text(default="")  # of a thing without an identifier, such as a directory
    person = UUID(default=None, null=True)  # tells this person alone
    destination = UUID(default=None, null=True)  # tells this one alone, for a test
    once = Text(default=None, null=True)  # no second row has the same
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    planned_at = Timestamptz(default=None, null=True)


class Delivery(Table, tablename="notification_delivery"):
    """One notification on its way to one destination, and afterwards what became of it."""

    id = UUID(primary_key=True, default=None)
    notification = UUID(default=None)
    kind = Text(default="")
    about = UUID(default=None, null=True)
    name = Text(default="")
    person = UUID(default=None, null=True)
    channel = Text(default="")
    destination = UUID(default=None)
    state = Text(default="waiting")
    step = SmallInt(default=0)
    created_at = Timestamptz(default=None)
    due_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    attempts = SmallInt(default=0)
    claimed_until = Timestamptz(default=None, null=True)
    ended_at = Timestamptz(default=None, null=True)
    outcome = Text(default="")


class Address(Table, tablename="notification_address"):
    """Where one person can be reached besides their e-mail: a browser's subscription, or a topic."""

    id = UUID(primary_key=True, default=None)
    person = UUID(default=None)
    channel = Text(default="")
    label = Text(default="")
    sealed = Bytea(default=b"")
    fingerprint = Bytea(default=b"")  # keyed, so that the same address is found again
    created_at = Timestamptz(default=None)


class Webhook(Table, tablename="notification_webhook"):
    """A program or a chat of the organisation that is told; its address and secrets are sealed."""

    id = UUID(primary_key=True, default=None)
    name = Text(default="")
    channel = Text(default="")
    kinds = Array(base_column=Text(), default=list)
    url_sealed = Bytea(default=b"")
    host = Text(default="")
    secret_sealed = Bytea(default=b"")
    old_secret_sealed = Bytea(default=None, null=True)
    old_secret_until = Timestamptz(default=None, null=True)
    created_at = Timestamptz(default=None)
    created_by = Text(default="")


class Destination(Table, tablename="notification_destination"):
    """How an address, a webhook or the mail server behaved; whoever fails is left alone for a while."""

    id = UUID(primary_key=True, default=None)
    failures = Integer(default=0)
    blocked_until = Timestamptz(default=None, null=True)
    last_ok_at = Timestamptz(default=None, null=True)
    last_problem = Text(default="")


class Preference(Table, tablename="notification_preference"):
    """What one person wants to hear, and when not."""

    person = UUID(primary_key=True, default=None)
    quiet_from = SmallInt(default=None, null=True)  # minutes of the day in the person's own zone
    quiet_until = SmallInt(default=None, null=True)
    time_zone = Text(default="UTC")
    wakes_for_high = Boolean(default=True)
    muted = Array(base_column=Text(), default=list)  # `channel:kind`


class OnCall(Table, tablename="notification_on_call"):
    """One place in the order in which the holders of a role or approver group are told."""

    id = UUID(primary_key=True, default=None)
    role = Text(default="")
    place = SmallInt(default=0)
    person = UUID(default=None)
