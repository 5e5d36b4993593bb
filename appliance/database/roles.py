"""The database roles, what each may do, and the check that the service has no more than that."""

import importlib
from collections.abc import Mapping

import msgspec

from appliance.database.connection import Connection
from appliance.database.errors import TooManyRightsError
from appliance.database.piccolo_conf import FEATURES

SERVICE = "leash_service"
RETENTION = "leash_retention"
EVERYTHING = ("SELECT", "INSERT", "UPDATE", "DELETE")


async def create_role(connection: Connection, name: str, password: str) -> None:
    """Make the login role `name`, or give it `password` if it exists; needs CREATEROLE."""
    exists = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name)
    quoted = await connection.fetchval("SELECT quote_literal($1)", password)
    verb = "ALTER" if exists else "CREATE"
    await connection.execute(f'{verb} ROLE "{name}" LOGIN PASSWORD {quoted}')


def restricted_grants() -> dict[str, Mapping[str, tuple[str, ...]]]:
    """Table -> role -> privileges, for tables whose rights a feature states itself (`grants.GRANTS`)."""
    merged: dict[str, Mapping[str, tuple[str, ...]]] = {}
    for feature in FEATURES:
        try:
            module = importlib.import_module(f"appliance.{feature}.grants")
        except ModuleNotFoundError:
            continue
        merged.update(msgspec.convert(module.GRANTS, dict[str, dict[str, tuple[str, ...]]]))
    return merged


async def grant(connection: Connection, *, service: str = SERVICE, retention: str = RETENTION) -> None:
    """Set the rights of both roles on every table, as the owner, in the running transaction.

    Tables for which no feature states rights are the service's to read and write.
    """
    names = {"service": service.replace('"', '""'), "retention": retention.replace('"', '""')}
    both = ", ".join(f'"{name}"' for name in names.values())
    database = await connection.fetchval("SELECT quote_ident(current_database())")
    await connection.execute(f"GRANT CONNECT ON DATABASE {database} TO {both}")
    await connection.execute(f"GRANT USAGE ON SCHEMA public TO {both}")
    restricted = {"migration": {"service": ("SELECT",)}, **restricted_grants()}
    tables = await connection.fetch(
        "SELECT c.relname, c.relispartition FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') ORDER BY 1"
    )
    for table, is_partition in tables:
        await connection.execute(f'REVOKE ALL ON "{table}" FROM PUBLIC, {both}')
        privileges_of = {} if is_partition else restricted.get(table, {"service": EVERYTHING})
        for role, privileges in privileges_of.items():
            await connection.execute(f'GRANT {", ".join(privileges)} ON "{table}" TO "{names[role]}"')
    await connection.execute("REVOKE ALL ON FUNCTION leash_ensure_partitions(timestamptz) FROM PUBLIC")
    await connection.execute(f'GRANT EXECUTE ON FUNCTION leash_ensure_partitions(timestamptz) TO "{names["service"]}"')
    await connection.execute(f'GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO "{names["service"]}"')


# Every role that the connected one is, or can become by SET ROLE, is looked at; partitions count as their table.
_EXCESS = """
WITH mine AS (SELECT oid, rolname FROM pg_roles WHERE pg_has_role(current_user, oid, 'MEMBER')),
stated AS (SELECT * FROM unnest($1::text[], $2::text[]) AS s(name, privilege)),
guarded AS (
  SELECT c.oid, c.relname, c.relowner, coalesce(root.relname, c.relname) AS name
  FROM pg_class c LEFT JOIN pg_class root ON root.oid = pg_partition_root(c.oid)
  WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
    AND coalesce(root.relname, c.relname) IN (SELECT name FROM stated)
)
SELECT what FROM (
  SELECT 1 AS rank, 'is a superuser' AS what FROM pg_roles WHERE rolname = current_user AND rolsuper
  UNION ALL SELECT 1, 'may create roles' FROM pg_roles WHERE rolname = current_user AND rolcreaterole
  UNION ALL SELECT 1, 'bypasses row security' FROM pg_roles WHERE rolname = current_user AND rolbypassrls
  UNION ALL SELECT 1, 'may create tables' WHERE has_schema_privilege(current_user, 'public', 'CREATE')
  UNION ALL SELECT 2, 'owns or acts for the owner of ' || g.relname FROM guarded g JOIN mine m ON m.oid = g.relowner
  UNION ALL SELECT 3 + (g.relname <> g.name)::integer, 'may ' || p.privilege || ' ' || g.relname
    FROM guarded g CROSS JOIN (VALUES ('UPDATE'), ('DELETE'), ('TRUNCATE'), ('TRIGGER')) AS p(privilege)
    WHERE (g.name, p.privilege) NOT IN (SELECT name, privilege FROM stated)
      AND EXISTS (SELECT FROM mine m WHERE has_table_privilege(m.oid, g.oid, p.privilege)
        OR (p.privilege = 'UPDATE' AND has_any_column_privilege(m.oid, g.oid, p.privilege)))
) AS excess ORDER BY rank, what LIMIT 5
"""


async def refuse_excess_rights(connection: Connection) -> None:
    """Check what the connected role could do to the ledger and to published policies.

    Raises:
        TooManyRightsError: it could change or delete them, now or by becoming another role.
    """
    stated = [(table, name) for table, rights in restricted_grants().items() for name in rights.get("service", ())]
    excess = await connection.fetch(_EXCESS, [table for table, _ in stated], [name for _, name in stated])
    if excess:
        role = await connection.fetchval("SELECT current_user")
        raise TooManyRightsError(f"The database role {role} {'; '.join(row[0] for row in excess)}")
