"""What can be wrong with the database."""

from appliance.errors import LeashError


class DatabaseError(LeashError):
    """Any failure of the database or of its set-up."""

    code = "database_error"
    summary = "The database failed"


class DatabaseUnreachableError(DatabaseError):
    """No connection could be made."""

    code = "database_unreachable"
    summary = "The database cannot be reached"
    next_step = "Check that PostgreSQL is running and that [database] names it (`leashctl config show`)."


class DatabaseVersionError(DatabaseError):
    """The server is not PostgreSQL 18."""

    code = "database_version_unsupported"
    summary = "This PostgreSQL version is not supported"
    next_step = "Use PostgreSQL 18, or leave [database] owner_url empty for the embedded server."


class SchemaNewerError(DatabaseError):
    """The database was migrated by a newer release."""

    code = "schema_newer"
    summary = "The database belongs to a newer release than this one"
    next_step = "Install the release that migrated it, or restore a backup from before that upgrade."


class SchemaOlderError(DatabaseError):
    """Migrations of this release have not run."""

    code = "schema_older"
    summary = "The database has not been migrated to this release"
    next_step = "Run `leashctl up`, or `leashctl database migrate` with the owner's URL."


class SetupRefusedError(DatabaseError):
    """The owner's role may not make the other roles, or a named role does not exist."""

    code = "database_setup_refused"
    summary = "The database could not be set up"
    next_step = (
        "Give [database] owner_url a role that owns the database and has CREATEROLE, or make the service's and the "
        "retention role yourself and give service_url and retention_url."
    )


class TooManyRightsError(DatabaseError):
    """The service's database role could change the ledger."""

    code = "database_role_too_powerful"
    summary = "The service's database role has more rights than it should have"
    next_step = "Give [database] service_url a role that `leashctl up` made; it must not own the ledger."


class EmbeddedServerError(DatabaseError):
    """The embedded PostgreSQL could not be made or started."""

    code = "embedded_database_failed"
    summary = "The embedded PostgreSQL did not start"
    next_step = "Read the log named above; free disk space and file rights are the usual causes."
