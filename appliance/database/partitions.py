"""Monthly partitions for tables that grow without end."""

from collections.abc import Sequence
from datetime import datetime

from appliance.database.connection import Connection, current_connection

# The service's role may not create tables. It may call this function, which belongs to the owner and makes the
# partitions from last month to two months ahead of every partitioned table, and nothing else. A month whose
# rows already lie in the default partition is left there.
ENSURE_FUNCTION = """
CREATE OR REPLACE FUNCTION leash_ensure_partitions(moment timestamptz) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
  parent text;
  first timestamptz;
  part text;
BEGIN
  FOR parent IN SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'p' AND n.nspname = 'public' ORDER BY 1
  LOOP
    FOR ahead IN -1..2 LOOP
      first := date_trunc('month', moment) + make_interval(months => ahead);
      part := parent || to_char(first, '_YYYY_MM');
      IF to_regclass(quote_ident(part)) IS NULL THEN
        BEGIN
          EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
            part, parent, first, first + interval '1 month');
          RETURN NEXT part;
        EXCEPTION WHEN check_violation OR duplicate_table THEN CONTINUE;
        END;
      END IF;
    END LOOP;
  END LOOP;
END $$
"""


async def ensure_partitions(connection: Connection, now: datetime) -> list[str]:
    """Create what is missing of the partitions around `now`, for every partitioned table; the names made."""
    return [row[0] for row in await connection.fetch("SELECT leash_ensure_partitions($1)", now)]


async def partition_by_month(table: str, column: str, key: Sequence[str]) -> None:
    """Turn the empty table `table` into one partitioned by month of `column`; call it from a migration.

    `key` is the new primary key and must hold `column`. A default partition takes rows of months without one,
    so that a write never fails for want of a partition. The monthly ones are made when all migrations have run.
    """
    connection = current_connection()
    plain = f"{table}_plain"
    columns = ", ".join(f'"{name}"' for name in key)
    await connection.execute(f'ALTER TABLE "{table}" RENAME TO "{plain}"')
    await connection.execute(
        f'CREATE TABLE "{table}" (LIKE "{plain}" INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING STORAGE) '
        f'PARTITION BY RANGE ("{column}")'
    )
    await connection.execute(f'DROP TABLE "{plain}"')
    await connection.execute(f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_pkey" PRIMARY KEY ({columns})')
    await connection.execute(f'CREATE TABLE "{table}_default" PARTITION OF "{table}" DEFAULT')
