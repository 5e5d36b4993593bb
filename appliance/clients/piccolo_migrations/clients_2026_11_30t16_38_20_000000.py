from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from appliance.database.connection import current_connection

ID = "2026-11-30T16:38:20:000000"
VERSION = "1.38.0"
DESCRIPTION = "One row per phone and per skill; no device outlives its person"
STATEMENTS = (
    "CREATE UNIQUE INDEX client_device_once ON client_device (person, platform, name)",
    "CREATE UNIQUE INDEX skill_observation_once ON skill_observation (owner_id, agent, md5(path))",
    "ALTER TABLE client_device ADD CONSTRAINT client_device_of_person "
    "FOREIGN KEY (person) REFERENCES person (id) ON DELETE CASCADE",
    "ALTER TABLE skill_observation ADD CONSTRAINT skill_observation_of_person "
    "FOREIGN KEY (person_id) REFERENCES person (id) ON DELETE CASCADE",
    "ALTER TABLE skill_observation ADD CONSTRAINT skill_observation_of_machine "
    "FOREIGN KEY (machine_id) REFERENCES machine (id) ON DELETE CASCADE",
    # What a person has answered is looked for at every look of their phone.
    "CREATE INDEX ask_answer_person ON ask_answer (person_id, ask_id)",
)


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="clients", description=DESCRIPTION)

    async def constrain():
        for statement in STATEMENTS:
            await current_connection().execute(statement)

    manager.add_raw(constrain)
    return manager
