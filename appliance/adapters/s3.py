"""S3-compatible storage as a backup store, by boto3; the only user of it."""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, BinaryIO, Final

import botocore.exceptions
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from boto3.session import Session
from botocore.config import Config as ClientConfig

from appliance.backups.errors import BackupError, ObjectMissingError, StoreRefusedError, StoreUnreachableError
from appliance.backups.ports import Readable
from appliance.backups.records import Stored
from appliance.clock import Clock, utc_now
from appliance.config.backups import Backups
from appliance.config.secret import Secret

_PART: Final = 16 * 1024 * 1024
_DELETED_AT_ONCE: Final = 1_000
_MISSING: Final = frozenset({"NoSuchKey", "404", "NotFound"})
_CONNECT_SECONDS: Final = 5
_READ_SECONDS: Final = 60
_ATTEMPTS: Final = 3
# boto3's threads would read one stream out of order; parts go one after the other, in the thread of the caller.
_TRANSFER: Final = TransferConfig(multipart_threshold=_PART, multipart_chunksize=_PART, use_threads=False)


class S3Store:
    """A bucket, and the names in it that begin with a prefix."""

    def __init__(self, settings: Backups, *, bucket: str, prefix: str, clock: Clock = utc_now) -> None:
        """One client writes and reads, another deletes, if the settings have a credential for that."""
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._lock_days = settings.lock_days
        self._clock = clock
        self._client = _client(settings, settings.s3_access_key, settings.s3_secret_key)
        self._pruner = None
        if settings.s3_prune_access_key is not None:
            self._pruner = _client(settings, settings.s3_prune_access_key, settings.s3_prune_secret_key)

    @property
    def place(self) -> str:
        """Bucket and prefix."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    @property
    def may_delete(self) -> bool:
        """Whether the second credential is there."""
        return self._pruner is not None

    def put(self, name: str, content: Readable) -> int:
        """Upload; a large object in parts, which are thrown away if its content cannot be read to the end."""
        source = _Source(content)
        with self._told(name):
            try:
                self._client.upload_fileobj(
                    source, self._bucket, self._prefix + name, ExtraArgs=self._lock(), Config=_TRANSFER
                )
            except Exception:
                if source.problem is not None:
                    raise source.problem from None
                raise
        return source.size

    def _lock(self) -> dict[str, Any]:
        if not self._lock_days:
            return {}
        until = self._clock() + timedelta(days=self._lock_days)
        return {
            "ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until, "ChecksumAlgorithm": "SHA256",
        }  # fmt: skip

    @contextmanager
    def get(self, name: str) -> Iterator[BinaryIO]:
        """The object's body, as it arrives."""
        with self._told(name):
            body = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)["Body"]
        try:
            yield _Body(body, lambda: self._told(name))  # type: ignore[misc] # read() is all that is used
        finally:
            body.close()

    def list(self, prefix: str) -> Iterator[Stored]:
        """Objects, a page at a time."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + prefix
        )
        with self._told(prefix):
            for page in pages:
                for each in page.get("Contents", ()):
                    name = each["Key"].removeprefix(self._prefix)
                    yield Stored(name=name, size=each["Size"], written_at=each["LastModified"])

    def delete(self, names: Iterable[str]) -> int:
        """Delete with the second credential; with versioning the bucket's own rules end what is no longer current."""
        if self._pruner is None:
            raise StoreRefusedError(f"No credential may delete in {self.place}")
        wanted, gone = list(names), 0
        for first in range(0, len(wanted), _DELETED_AT_ONCE):
            keys = [{"Key": self._prefix + name} for name in wanted[first : first + _DELETED_AT_ONCE]]
            with self._told(wanted[first]):
                answer = self._pruner.delete_objects(Bucket=self._bucket, Delete={"Objects": keys, "Quiet": True})
            if problems := answer.get("Errors"):
                said = problems[0].get("Message") or problems[0].get("Code")
                raise StoreRefusedError(f"{self.place} deletes {problems[0].get('Key')} not: {said}")
            gone += len(keys)
        return gone

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        try:
            yield
        except BackupError:
            raise
        except botocore.exceptions.ClientError as problem:
            raise _translated(problem, self.place, name) from problem
        except (botocore.exceptions.BotoCoreError, Boto3Error, OSError) as problem:
            cause = problem.__cause__ or problem.__context__
            if isinstance(cause, botocore.exceptions.ClientError):
                raise _translated(cause, self.place, name) from problem
            raise StoreUnreachableError(f"{self.place} does not answer: {problem}") from problem


def _translated(problem: botocore.exceptions.ClientError, place: str, name: str) -> BackupError:
    error = problem.response.get("Error", {})
    code, status = str(error.get("Code", "")), problem.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _MISSING:
        return ObjectMissingError(f"{name} is not in {place}")
    said = f"{place} answered {code} ({status}): {error.get('Message', '')}".rstrip(": ")
    if status >= 500 or code in ("SlowDown", "RequestTimeout"):  # noqa: PLR2004 - HTTP's range of server faults
        return StoreUnreachableError(said)
    return StoreRefusedError(said)


def _client(settings: Backups, access_key: Secret | None, secret_key: Secret | None) -> Any:  # noqa: ANN401 - boto3 makes its clients' classes at run time
    session = Session(
        aws_access_key_id=None if access_key is None else access_key.reveal(),
        aws_secret_access_key=None if secret_key is None else secret_key.reveal(),
        region_name=settings.s3_region,
    )
    config = ClientConfig(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
        s3={"addressing_style": "path" if settings.s3_endpoint else "auto"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        proxies={},
    )
    return session.client(
        "s3", endpoint_url=settings.s3_endpoint or None, config=config, verify=settings.ca_file or True
    )


class _Source:
    """What boto3 reads from: it wants whole parts, and must not take a failure of the reading for the end."""

    def __init__(self, content: Readable) -> None:
        self._content = content
        self.size = 0
        self.problem: Exception | None = None

    def read(self, size: int = -1, /) -> bytes:
        pieces, wanted = [], size
        try:
            while wanted:
                piece = self._content.read(wanted)
                if not piece:
                    break
                pieces.append(piece)
                wanted -= len(piece) if size > 0 else 0
        except Exception as problem:
            self.problem = problem
            raise
        whole = b"".join(pieces)
        self.size += len(whole)
        return whole

    def seekable(self) -> bool:
        return False


class _Body(io.RawIOBase):
    """An object's body whose failures are told like all others."""

    def __init__(self, body: Any, told: Any) -> None:  # noqa: ANN401 - botocore's own types
        super().__init__()
        self._body = body
        self._told = told

    def read(self, size: int = -1, /) -> bytes:
        with self._told():
            return bytes(self._body.read(None if size < 0 else size))
