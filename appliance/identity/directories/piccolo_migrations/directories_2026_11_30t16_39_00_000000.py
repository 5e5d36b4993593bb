from zlib import crc32

import msgspec
from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from appliance.database.connection import current_connection
from appliance.database.identifiers import uuid7

ID = "2026-11-30T16:39:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Each page once; entries that were remembered and lines of runs in them"
PAGES = 256
TOKEN_BYTES = 16


def entry_of(row):
    """An entry as it stands in a page: its columns in this order, members one by one."""
    members = [row["members"][at : at + TOKEN_BYTES] for at in range(0, len(row["members"]), TOKEN_BYTES)]
    return (row["key"], row["is_group"], row["dn"], row["name"], members, row["profile"])


def change_of(row):
    """A line of a run as it stands in a page: its columns in this order."""
    return (row["what"], row["key"], row["account"], row["cause"], row["before"], row["after"])


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="directories", description=DESCRIPTION)

    async def carry_over():
        connection = current_connection()
        await connection.execute("CREATE UNIQUE INDEX directory_page_once ON directory_page (directory, number)")
        # Tokens are random: to compress them would take time and no space.
        await connection.execute("ALTER TABLE directory_page ALTER COLUMN entries SET STORAGE EXTERNAL")
        pages = {}
        for row in await connection.fetch("SELECT * FROM directory_entry"):
            place = (row["directory"], crc32(row["key"].encode()) % PAGES)
            pages.setdefault(place, []).append(entry_of(row))
        await connection.executemany(
            "INSERT INTO directory_page (id, directory, number, entries) VALUES ($1, $2, $3, $4)",
            [(uuid7(), *place, msgspec.msgpack.encode(entries)) for place, entries in pages.items()],
        )

    async def carry_changes_over():
        connection = current_connection()
        await connection.execute("ALTER TABLE sync_change_page ALTER COLUMN changes SET STORAGE EXTERNAL")
        pages = {}
        for row in await connection.fetch("SELECT * FROM sync_change ORDER BY id"):
            pages.setdefault((row["run"], row["what"]), []).append(change_of(row))
        await connection.executemany(
            "INSERT INTO sync_change_page (id, run, what, changes) VALUES ($1, $2, $3, $4)",
            [(uuid7(), *place, msgspec.msgpack.encode(changes)) for place, changes in pages.items()],
        )

    manager.add_raw(carry_over)
    manager.add_raw(carry_changes_over)
    return manager
