from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from appliance.database.connection import current_connection

ID = "2026-11-30T16:36:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Each agent once per machine, or per person and host name until the machine enrols; none outlives its machine"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="coverage", description=DESCRIPTION)

    async def constrain():
        connection = current_connection()
        await connection.execute(
            "CREATE UNIQUE INDEX agent_runtime_of_machine ON agent_runtime (machine_id, agent) WHERE machine_id IS NOT NULL"
        )
        await connection.execute(
            "CREATE UNIQUE INDEX agent_runtime_of_person ON agent_runtime (person_id, hostname, agent) "
            "WHERE machine_id IS NULL"
        )
        await connection.execute(
            "ALTER TABLE agent_runtime ADD CONSTRAINT agent_runtime_machine "
            "FOREIGN KEY (machine_id) REFERENCES machine (id) ON DELETE CASCADE"
        )

    manager.add_raw(constrain)
    return manager
