"""What an older release stored row by row is carried over to the compact layout."""

import importlib
from uuid import uuid4

from appliance.database.connection import current_connection, open_connection
from appliance.database.transaction import transaction, transaction_on
from appliance.identity import groups
from appliance.identity.directories.changes import changes_of
from appliance.identity.directories.memory import remembered
from appliance.identity.directories.plans import Entry, SyncChange, What
from tests.appliance.identity.external import CORP, provision, tell
from tests.support.people import NOW
from tests.support.postgres import TestDatabase

OLD = """
CREATE TABLE group_member (id bigserial, identity_group uuid, account uuid);
CREATE TABLE directory_entry (id uuid, directory text, key text, is_group boolean, dn bytea, name text, members bytea,
  profile bytea);
CREATE TABLE sync_change (id uuid, run uuid, what text, key text, account uuid, cause text, before text[],
  after text[]);
DROP INDEX directory_page_once;
INSERT INTO group_member (identity_group, account)
  SELECT g.id, a.id FROM external_account a CROSS JOIN identity_group g WHERE a.key = 'ida' ORDER BY g.id DESC;
UPDATE external_account SET groups = '{}';
"""


async def carry_over(*modules: str) -> None:
    """Run what the migrations of these names do by hand."""
    for module in modules:
        manager = await importlib.import_module(f"appliance.identity.{module}").forwards()
        for step in manager.raw:
            await step()


async def test_memberships_entries_and_lines_of_runs_survive(committed_database: TestDatabase) -> None:
    """Everything reads as it did before the migration."""
    async with transaction():
        await provision("ida")
        await provision("bob")
        await tell({"g1": "Developers", "g2": "Leads"}, {})
    account, run = uuid4(), uuid4()
    owner = await open_connection(committed_database.owner_url)
    try:
        async with transaction_on(owner):
            await owner.execute(OLD)
            row = ("corp", "g1", True, b"d" * 16, "Leads", b"a" * 16 + b"b" * 16, b"p")
            await owner.execute("INSERT INTO directory_entry VALUES (uuidv7(), $1, $2, $3, $4, $5, $6, $7)", *row)
            await owner.execute(
                "INSERT INTO sync_run (id, directory, kind, state, started_at, counts, started_by) "
                "VALUES ($1, 'corp', 'full', 'done', $2, '{}', '')",
                run,
                NOW,
            )
            line = (run, "groups", "k", account, "", ["g1"], ["g2", "g3"])
            await owner.execute("INSERT INTO sync_change VALUES (uuidv7(), $1, $2, $3, $4, $5, $6, $7)", *line)
            await carry_over(
                "piccolo_migrations.identity_2026_11_30t16_39_00_000000",
                "directories.piccolo_migrations.directories_2026_11_30t16_39_00_000000",
            )
            stored = await current_connection().fetchval("SELECT groups FROM external_account WHERE key = 'ida'")
    finally:
        await owner.close()
    assert stored == sorted(stored)
    assert await groups.members_of(CORP) == {"ida": {"g1", "g2"}}
    entry = Entry("g1", True, b"d" * 16, "Leads", frozenset({b"a" * 16, b"b" * 16}), b"p")  # noqa: FBT003 - is_group
    assert await remembered("corp") == {"g1": entry}
    assert await changes_of(run) == (SyncChange(What.GROUPS, "k", account, "", ("g1",), ("g2", "g3")),)
