"""The night after: everything is killed, the machine is gone, and the installation comes back from its store."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from appliance.database.embedded import EmbeddedPostgres
from tests.support.journey import Cloud
from tests.support.machines import Machine
from tests.support.s3 import Bucket, made_bucket, seaweedfs

_TABLES = {
    "person": "", "decision": "created_at", "ledger_entry": "recorded_at", "ledger_payload": "recorded_at",
    "ledger_leaf": "recorded_at", "policy_version": "",
}  # fmt: skip


async def _manifest(cloud: Cloud, before: datetime) -> dict[str, str]:
    """A hash over the rows of each table, up to a moment where they have one."""
    found = {}
    for table, column in _TABLES.items():
        where = f"WHERE {column} <= '{before.isoformat()}'" if column else ""
        rows = await cloud.sql(f"SELECT t::text FROM {table} t {where} ORDER BY 1")  # noqa: S608 - the story's own
        found[table] = hashlib.sha256("\n".join(row[0] for row in rows).encode()).hexdigest()
    return found


async def _until_stored(cloud: Cloud, after: datetime) -> dict[str, Any]:
    """Wait until the log up to `after` lies in the store."""
    end = time.monotonic() + 60
    while True:
        status: dict[str, Any] = await cloud.leashctl("backup", "status", codes=(0, 1))
        log = status["log"]
        if log and log["shipped_at"] and datetime.fromisoformat(log["shipped_at"]) > after:
            return status
        assert time.monotonic() < end, status
        await asyncio.sleep(0.5)


async def _until_backed_up(cloud: Cloud) -> None:
    """Wait for the first backup, which the scheduler takes by itself."""
    end = time.monotonic() + 60
    while not await cloud.count("backup_run", "state = 'done'"):
        assert time.monotonic() < end, cloud.logs()["server.scheduler.log"][-2000:]
        await asyncio.sleep(0.3)


async def _settled(cloud: Cloud) -> None:
    """Wait until every entry is sealed."""
    end = time.monotonic() + 15
    while await cloud.count("ledger_unsealed"):
        assert time.monotonic() < end
        await asyncio.sleep(0.1)


def _settings(bucket: Bucket) -> dict[str, str]:
    """The store and its credential, by the environment."""
    settings = bucket.settings()
    assert settings.s3_access_key is not None
    assert settings.s3_secret_key is not None
    return {
        "LEASH_BACKUPS__STORE": settings.store,
        "LEASH_BACKUPS__S3_ENDPOINT": bucket.endpoint,
        "LEASH_BACKUPS__S3_ACCESS_KEY": settings.s3_access_key.reveal(),
        "LEASH_BACKUPS__S3_SECRET_KEY": settings.s3_secret_key.reveal(),
    }


def _toml(keys: list[dict[str, str]]) -> str:
    quoted = ", ".join(f'"{key["recipient"]}"' for key in keys)
    return f"[backups]\nrecipients = [{quoted}]\nupload_seconds = 2\n"


async def test_everything_is_lost_and_comes_back_to_the_wanted_moment(tmp_path: Path) -> None:
    """Rows and ledger are those of the moment, what came later is not there, nobody is signed in, and work goes on."""
    place = tmp_path / "weed"
    place.mkdir()
    with seaweedfs(place) as endpoint:
        tools = Cloud(tmp_path / "tools")
        keys = [await tools.leashctl("backup", "keygen", "--output", str(tmp_path / name)) for name in ("one", "two")]
        told: dict[str, Any] = {"toml": _toml(keys), "settings": _settings(made_bucket(endpoint, "journey"))}
        async with Cloud(tmp_path / "first", **told) as first:
            token, wanted, moment, root = await _lived_and_died(first)
        async with _restored(Cloud(tmp_path / "second", **told), moment, tmp_path / "two") as (second, report):
            assert report["ledger"]["is_intact"]
            assert await _manifest(second, before=moment) == wanted
            assert root in [bytes(row[0]).hex() for row in await second.sql("SELECT root_hash FROM ledger_checkpoint")]
            assert await second.count("decision", "summary LIKE '%too-late%'") == 0
            assert report["aftermath"]["sessions"] == 1
            assert await second.count("session") == 0
            await second.start()
            machine = Machine(second.http, token, "", "ida-mbp")
            assert (await machine.run("ls after")).is_allow
            await second.verify_ledger()


async def _lived_and_died(cloud: Cloud) -> tuple[str, dict[str, str], datetime, str]:
    """A machine's token, the rows and the ledger's root of a moment, and the moment; then everything was killed."""
    machine = await cloud.machine()
    await cloud.owner()
    assert (await machine.run("ls before")).is_allow
    await _until_stored(cloud, datetime.now(UTC))
    await _until_backed_up(cloud)
    taken = await cloud.leashctl("backup", "take", "--incremental")
    assert taken["kind"] == "incremental"
    for number in range(20):
        assert (await machine.run(f"ls {number}")).is_allow
    await _settled(cloud)
    await asyncio.sleep(1.1)
    moment = datetime.now(UTC)
    wanted = await _manifest(cloud, before=moment)
    (newest,) = await cloud.sql("SELECT root_hash FROM ledger_checkpoint ORDER BY tree_size DESC LIMIT 1")
    await asyncio.sleep(1.1)
    assert (await machine.run("ls too-late")).is_allow
    await _until_stored(cloud, datetime.now(UTC))
    cloud.kill(*cloud.pids())
    await cloud.ended()
    return machine.token, wanted, moment, bytes(newest[0]).hex()


@asynccontextmanager
async def _restored(cloud: Cloud, moment: datetime, identity: Path) -> AsyncIterator[tuple[Cloud, dict[str, Any]]]:
    """Another machine: an empty state directory, the store, and the private key from the safe."""
    try:
        words = ("restore", "--to", moment.isoformat(), "--identity", str(identity))
        planned = await cloud.leashctl(*words, "--plan")
        assert [each["kind"] for each in planned["chain"]] == ["full", "incremental"]
        assert not (cloud.state / "secrets").exists()
        report = await cloud.leashctl(*words)
        EmbeddedPostgres(cloud.state).start()
        yield cloud, report
    finally:
        await cloud.remove()
