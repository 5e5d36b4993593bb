"""The database roles, what each may do, and the check that the service has no more than that."""

from collections.abc import Mapping, Sequence

from appliance.database.connection import Connection
from appliance.database.errors import TooManyRightsError

SERVICE = "leash_service"
RETENTION = "leash_retention"
EVERYTHING = ("SELECT", "INSERT", "UPDATE", "DELETE")


async def create_role(connection: Connection, name: str, password: str) -> None:
    """Make the login role `name`, or give it `password` if it exists; needs CREATEROLE."""
    exists = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name)
    quoted = await connection.fetchval("SELECT quote_literal($1)", password)
    verb = "ALTER" if exists else "CREATE"
    await connection.execute(f'{verb} ROLE "{name}" LOGIN PASSWORD {quoted}')
    database = await connection.fetchval("SELECT quote_ident(current_database())")
    await connection.execute(f'GRANT CONNECT ON DATABASE {database} TO "{name}"')
    await connection.execute(f'GRANT USAGE ON SCHEMA public TO "{name}"')


async def grant(
    connection: Connection,
    restricted: Mapping[str, Mapping[str, Sequence[str]]],
    *,
    service: str = SERVICE,
    retention: str = RETENTION,
) -> None:
    """Set the rights of both roles on every table, as the owner, in the running transaction.

    `restricted` maps a table to a role (`service`, `retention`) to privileges; tables that it does not name are
    the service's to read and write.
    """
    names = {"service": service, "retention": retention}
    tables = await connection.fetch(
        "SELECT c.relname, c.relispartition FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') ORDER BY 1"
    )
    for table, is_partition in tables:
        await connection.execute(f'REVOKE ALL ON "{table}" FROM PUBLIC, "{service}", "{retention}"')
        if is_partition:
            continue
        if table == "migration":
            await connection.execute(f'GRANT SELECT ON "migration" TO "{service}"')
            continue
        for role, privileges in restricted.get(table, {"service": EVERYTHING}).items():
            await connection.execute(f'GRANT {", ".join(privileges)} ON "{table}" TO "{names[role]}"')
    await connection.execute("REVOKE ALL ON FUNCTION leash_ensure_partitions(timestamptz) FROM PUBLIC")
    await connection.execute(f'GRANT EXECUTE ON FUNCTION leash_ensure_partitions(timestamptz) TO "{service}"')
    await connection.execute(f'GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO "{service}"')


_EXCESS = """
SELECT what FROM (
  SELECT 'is a superuser' AS what FROM pg_roles WHERE rolname = current_user AND rolsuper
  UNION ALL SELECT 'may create roles' FROM pg_roles WHERE rolname = current_user AND rolcreaterole
  UNION ALL SELECT 'bypasses row security' FROM pg_roles WHERE rolname = current_user AND rolbypassrls
  UNION ALL SELECT 'owns or acts for the owner of ' || c.relname
    FROM pg_class c WHERE c.relname LIKE 'ledger\\_%' AND c.relkind IN ('r', 'p')
      AND pg_has_role(current_user, c.relowner, 'MEMBER')
  UNION ALL SELECT 'may ' || p.privilege || ' ' || c.relname
    FROM pg_class c CROSS JOIN (VALUES ('UPDATE'), ('DELETE'), ('TRUNCATE')) AS p(privilege)
    WHERE c.relname LIKE 'ledger\\_%' AND c.relname <> 'ledger_unsealed' AND c.relkind IN ('r', 'p')
      AND has_table_privilege(current_user, c.oid, p.privilege)
  UNION ALL SELECT 'may create tables' WHERE has_schema_privilege(current_user, 'public', 'CREATE')
) AS excess LIMIT 5
"""


async def refuse_excess_rights(connection: Connection) -> None:
    """Check what the connected role could do to the ledger.

    Raises:
        TooManyRightsError: it could change or delete it, now or by becoming another role.
    """
    excess = [row[0] for row in await connection.fetch(_EXCESS)]
    if excess:
        role = await connection.fetchval("SELECT current_user")
        raise TooManyRightsError(f"The database role {role} {'; '.join(excess)}")
