"""A real S3 server for the session, a bucket or a directory for a test."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from appliance.adapters.directory_store import DirectoryStore
from appliance.adapters.s3 import S3Store
from appliance.backups.ports import Store
from tests.support.s3 import Bucket, made_bucket, seaweedfs


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """SeaweedFS."""
    with seaweedfs(tmp_path_factory.mktemp("weed")) as endpoint:
        yield endpoint


@pytest.fixture
def bucket(s3_endpoint: str) -> Bucket:
    """An empty bucket."""
    return made_bucket(s3_endpoint, f"b{uuid4().hex[:12]}")


@pytest.fixture(params=["directory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store of each kind."""
    if request.param == "directory":
        return DirectoryStore(tmp_path)
    bucket: Bucket = request.getfixturevalue("bucket")
    return S3Store(bucket.settings(), bucket=bucket.name, prefix="backups")
