"""`leashctl database` against a real PostgreSQL, as an external one that the configuration names."""

import json
from pathlib import Path

from tests.installer.conftest import Leashctl, keep_password
from tests.support.postgres import TestDatabase


def test_a_migration_makes_roles_and_changes_nothing_twice(
    committed_database: TestDatabase, leashctl: Leashctl, tmp_path: Path
) -> None:
    """The database is migrated already, so nothing is applied; the passwords of the roles lie in 0600 files."""
    keep_password(committed_database, tmp_path / "state")
    owner = {"LEASH_DATABASE__OWNER_URL": committed_database.owner_url}
    owner["LEASH_DATABASE__SERVICE_URL"] = committed_database.service_url
    done = leashctl("database", "migrate", "--json", **owner)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"applied": []}
    assert leashctl("database", "migrate", **owner).stdout == "The schema is up to date.\n"
    for file in (tmp_path / "state" / "secrets").iterdir():
        assert file.stat().st_mode & 0o077 == 0


def test_preparing_makes_the_first_owners_link_until_there_is_an_owner(
    committed_database: TestDatabase, leashctl: Leashctl
) -> None:
    """The ledger tells of each link; without the owner's URL the schema is looked at only."""
    service = {"LEASH_DATABASE__SERVICE_URL": committed_database.service_url}
    first, second = (json.loads(leashctl("database", "prepare", "--json", **service).stdout) for _ in range(2))
    assert first["applied"] is None
    assert first["owner_link"].startswith("http://127.0.0.1:9318/claim/")
    assert first["owner_link"] != second["owner_link"]
    assert "Owner link: http://" in leashctl("database", "prepare", **service).stdout


def test_status_tells_what_the_service_finds(committed_database: TestDatabase, leashctl: Leashctl) -> None:
    """Version, migrations and rights of the service's own role."""
    service = {"LEASH_DATABASE__SERVICE_URL": committed_database.service_url}
    done = leashctl("database", "status", "--json", **service)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["server_version"].startswith("18.")
    assert told["role"] == "leash_service"
    assert told["applied"] > 5
    assert (told["missing"], told["unknown"], told["excess_rights"], told["is_usable"]) == ([], [], "", True)
    assert "cannot change the ledger" in leashctl("database", "status", **service).stdout


def test_a_role_that_could_change_the_ledger_is_told(committed_database: TestDatabase, leashctl: Leashctl) -> None:
    """Exit code 1: the service would refuse to start with it."""
    done = leashctl("database", "status", LEASH_DATABASE__SERVICE_URL=committed_database.owner_url)
    assert done.returncode == 1
    assert "owns" in done.stdout


def test_a_migration_without_the_owner_is_refused(committed_database: TestDatabase, leashctl: Leashctl) -> None:
    """Exit code 78 with what to set, and no trace."""
    done = leashctl("database", "migrate", LEASH_DATABASE__SERVICE_URL=committed_database.service_url)
    assert done.returncode == 78
    assert "owner_url" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_does_not_answer_is_told_without_its_password(leashctl: Leashctl) -> None:
    """Exit code 69."""
    url = "postgresql://leash_owner:correct-horse@127.0.0.1:1/leash"
    done = leashctl("database", "migrate", LEASH_DATABASE__OWNER_URL=url)
    assert done.returncode == 69
    assert "cannot be reached" in done.stderr
    assert "correct-horse" not in done.stderr
    assert "Traceback" not in done.stderr
