"""A real S3 server, SeaweedFS, that enforces signatures and object lock; and a stub of one that is ill."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from boto3.session import Session
from botocore.config import Config as ClientConfig

from appliance.config.backups import Backups
from appliance.config.secret import Secret
from tests.support.processes import free_port

WEED = shutil.which("weed", path=str(Path(sys.executable).parent)) or "weed"
START_SECONDS = 60.0
_WRITER = ("writer", "writer-secret-0123456789")
_PRUNER = ("pruner", "pruner-secret-0123456789")
_ADMIN = ("admin", "admin-secret-0123456789")


class Bucket:
    """One bucket of the running server."""

    def __init__(self, endpoint: str, name: str) -> None:
        """`name` is free."""
        self.endpoint = endpoint
        self.name = name
        self.admin = _client(endpoint, *_ADMIN)

    def settings(self, **changed: object) -> Backups:
        """Settings that use it with a credential that writes and one that deletes."""
        told: dict[str, object] = {
            "store": f"s3://{self.name}/backups",
            "s3_endpoint": self.endpoint,
            "s3_access_key": Secret(_WRITER[0]),
            "s3_secret_key": Secret(_WRITER[1]),
            "s3_prune_access_key": Secret(_PRUNER[0]),
            "s3_prune_secret_key": Secret(_PRUNER[1]),
        }
        return Backups(**{**told, **changed})  # type: ignore[arg-type] # the settings' own types


@contextmanager
def seaweedfs(folder: Path) -> Iterator[str]:
    """The endpoint's URL; the server is gone afterwards."""
    ports = {name: free_port() for name in ("s3", "master", "volume", "filer")}
    rights = {
        _ADMIN: ["Admin"],
        _WRITER: ["Read", "Write", "List", "PutObjectRetention"],
        _PRUNER: ["Read", "Write", "List", "Tagging", "Admin"],
    }
    identities = [
        {"name": key, "credentials": [{"accessKey": key, "secretKey": secret}], "actions": actions}
        for (key, secret), actions in rights.items()
    ]
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": identities}))
    words = [
        WEED, "-logtostderr=true", "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3",
        f"-s3.port={ports['s3']}", f"-s3.config={config}", "-s3.port.iceberg=0", "-s3.port.lance=0",
        f"-master.port={ports['master']}", f"-volume.port={ports['volume']}", f"-filer.port={ports['filer']}",
        "-volume.max=300", "-master.telemetry=false", "-master.volumeSizeLimitMB=64",
    ]  # fmt: skip
    with (
        (folder / "weed.log").open("wb") as log,
        subprocess.Popen(  # noqa: S603 - the server of the rig
            words, stdout=log, stderr=log
        ) as server,
    ):
        endpoint = f"http://127.0.0.1:{ports['s3']}"
        try:
            _until_ready(endpoint, server)
            yield endpoint
        finally:
            server.kill()


def _until_ready(endpoint: str, server: "subprocess.Popen[bytes]") -> None:
    client, end = _client(endpoint, *_ADMIN), time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            client.create_bucket(Bucket="ready")
            client.put_object(Bucket="ready", Key="probe", Body=b"x")
        except Exception:  # noqa: BLE001 - whatever it says while it comes up
            time.sleep(0.2)
        else:
            return
    raise RuntimeError("SeaweedFS does not start")


def made_bucket(endpoint: str, name: str, *, is_locking: bool = False) -> Bucket:
    """A new bucket."""
    bucket = Bucket(endpoint, name)
    bucket.admin.create_bucket(Bucket=name, ObjectLockEnabledForBucket=is_locking)
    return bucket


def _client(endpoint: str, key: str, secret: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - boto3 makes its classes at run time
    quick = ClientConfig(connect_timeout=2, read_timeout=20, retries={"total_max_attempts": 1}, proxies={})
    return Session(key, secret, region_name="us-east-1").client("s3", endpoint_url=endpoint, config=quick)


@contextmanager
def deaf_server() -> Iterator[str]:
    """The URL of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
