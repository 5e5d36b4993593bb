"""What every store does, the real S3 server's included."""

import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from appliance.adapters.directory_store import DirectoryStore
from appliance.adapters.s3 import S3Store
from appliance.backups.errors import ObjectMissingError, StoreRefusedError, StoreUnreachableError
from appliance.backups.ports import Store
from appliance.config.secret import Secret
from tests.support.s3 import Bucket, deaf_server, made_bucket

LARGE = 40 * 1024 * 1024


class Failing:
    """Content that cannot be read to its end."""

    def __init__(self, good: int) -> None:
        """`good` bytes come first."""
        self.left = good

    def read(self, size: int = -1, /) -> bytes:
        """Zeros, then a failure."""
        if self.left <= 0:
            raise BrokenPipeError("pg_basebackup died")
        piece = min(self.left, size if size > 0 else self.left)
        self.left -= piece
        return bytes(piece)


def read(store: Store, name: str) -> bytes:
    """An object as a whole."""
    with store.get(name) as file:
        return b"".join(iter(lambda: file.read(1 << 20), b""))


@pytest.mark.parametrize("size", [0, 1, 70_000, LARGE])
def test_what_is_put_comes_back(store: Store, size: int) -> None:
    """Empty, small and multipart objects come back byte for byte, with their size in the list."""
    content = os.urandom(size)
    assert store.put("sys/base/a/base.tar.zst.age", io.BytesIO(content)) == size
    assert read(store, "sys/base/a/base.tar.zst.age") == content
    (found,) = store.list("sys/base/")
    assert (found.name, found.size) == ("sys/base/a/base.tar.zst.age", size)
    assert abs(found.written_at - datetime.now(UTC)) < timedelta(minutes=5)


def test_a_later_put_replaces(store: Store) -> None:
    """A log's segment that is still written to is stored again under its name."""
    store.put("sys/wal/1/x", io.BytesIO(b"part"))
    store.put("sys/wal/1/x", io.BytesIO(b"whole"))
    assert read(store, "sys/wal/1/x") == b"whole"
    assert [each.size for each in store.list("sys/")] == [5]


def test_a_list_is_of_its_prefix_alone_and_in_order(store: Store) -> None:
    """Neighbours whose names begin alike are not listed."""
    for name in ("a/wal/2", "a/wal/1", "a/wal-old/1", "ab/wal/1"):
        store.put(name, io.BytesIO(b"."))
    assert [each.name for each in store.list("a/wal/")] == ["a/wal/1", "a/wal/2"]
    assert list(store.list("nothing/")) == []


@pytest.mark.parametrize("good", [0, 1000, LARGE])
def test_content_that_fails_is_not_kept(store: Store, good: int) -> None:
    """The failure itself is raised, and neither half an object nor an older one in its place is lost."""
    store.put("sys/x", io.BytesIO(b"before"))
    with pytest.raises((BrokenPipeError, StoreUnreachableError), match="pg_basebackup died"):
        store.put("sys/x", Failing(good))
    assert read(store, "sys/x") == b"before"
    assert len(list(store.list(""))) == 1


def test_a_missing_object_is_told(store: Store) -> None:
    """Reading what is not there names it."""
    with pytest.raises(ObjectMissingError, match="sys/none"), store.get("sys/none"):
        pass


def test_deleting_what_is_gone_already_is_fine(store: Store) -> None:
    """A clean-up that was interrupted can be repeated."""
    store.put("sys/a", io.BytesIO(b"."))
    assert store.may_delete
    assert store.delete(["sys/a", "sys/b"]) == 2
    assert list(store.list("")) == []


def test_a_directory_that_is_not_mounted_is_not_empty(tmp_path: Path) -> None:
    """A mount that is away must not look like a store without backups."""
    store = DirectoryStore(tmp_path / "away")
    for act in (lambda: list(store.list("")), lambda: store.put("x", io.BytesIO(b""))):
        with pytest.raises(StoreUnreachableError, match="away"):
            act()


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd"])
def test_a_name_does_not_lead_out(tmp_path: Path, name: str) -> None:
    """Names come from a store that somebody else may write to."""
    with pytest.raises(StoreRefusedError):
        DirectoryStore(tmp_path).put(name, io.BytesIO(b""))


def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    """The name of a file tells nothing, but nobody else needs to read it."""
    DirectoryStore(tmp_path).put("a/b", io.BytesIO(b"."))
    assert (tmp_path / "a/b").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"s3_secret_key": Secret("wrong")}, "SignatureDoesNotMatch"),
        ({"s3_access_key": Secret("nobody")}, "InvalidAccessKeyId"),
    ],
)
def test_a_wrong_credential_is_refused_in_the_servers_words(
    bucket: Bucket, changed: dict[str, Secret], says: str
) -> None:
    """Which of the two is wrong is told, and no secret."""
    store = S3Store(bucket.settings(**changed), bucket=bucket.name, prefix="")
    with pytest.raises(StoreRefusedError, match=says) as told:
        store.put("x", io.BytesIO(b"."))
    assert "secret-0123456789" not in str(told.value)


def test_a_bucket_that_is_gone_is_refused(bucket: Bucket) -> None:
    """Not mistaken for an empty one."""
    store = S3Store(bucket.settings(), bucket="gone-bucket", prefix="")
    with pytest.raises(StoreRefusedError, match=r"NoSuchBucket|AccessDenied"):
        list(store.list(""))
    with pytest.raises(StoreRefusedError, match=r"NoSuchBucket|AccessDenied"):
        store.put("x", io.BytesIO(b"."))


def test_without_a_second_credential_nothing_is_deleted(bucket: Bucket) -> None:
    """The writing credential is never used for it."""
    settings = bucket.settings(s3_prune_access_key=None, s3_prune_secret_key=None)
    store = S3Store(settings, bucket=bucket.name, prefix="")
    store.put("x", io.BytesIO(b"."))
    assert not store.may_delete
    with pytest.raises(StoreRefusedError):
        store.delete(["x"])
    assert len(list(store.list(""))) == 1


def test_a_locked_object_outlives_every_delete(s3_endpoint: str) -> None:
    """With lock_days the bucket itself refuses to lose the version, whoever asks."""
    bucket = made_bucket(s3_endpoint, "locking", is_locking=True)
    store = S3Store(bucket.settings(lock_days=2), bucket=bucket.name, prefix="p")
    store.put("x", io.BytesIO(b"kept"))
    version = bucket.admin.list_object_versions(Bucket=bucket.name)["Versions"][0]["VersionId"]
    with pytest.raises(ClientError):
        bucket.admin.delete_object(Bucket=bucket.name, Key="p/x", VersionId=version)
    assert read(store, "x") == b"kept"


def test_a_server_that_is_away_is_told_apart_from_one_that_refuses(bucket: Bucket) -> None:
    """Nobody listens there."""
    store = S3Store(bucket.settings(s3_endpoint="http://127.0.0.1:9"), bucket=bucket.name, prefix="")
    with pytest.raises(StoreUnreachableError, match="does not answer"):
        store.put("x", io.BytesIO(b"."))


def test_a_server_that_says_nothing_is_given_up(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store whose packets vanish holds nobody up for ever."""
    monkeypatch.setattr("appliance.adapters.s3._READ_SECONDS", 0.3)
    monkeypatch.setattr("appliance.adapters.s3._ATTEMPTS", 1)
    with deaf_server() as endpoint:
        store = S3Store(bucket.settings(s3_endpoint=endpoint), bucket=bucket.name, prefix="")
        with pytest.raises(StoreUnreachableError, match="does not answer"):
            list(store.list(""))
