"""The section of backups: where they go, who can read them, when they are taken and how long they are kept."""

from typing import Annotated

import msgspec
from msgspec import Meta

from appliance.config.secret import Secret

_CRON = {"unit": "", "expected": "five fields: minute, hour, day of month, month, day of week by name"}


class Backups(msgspec.Struct, frozen=True, kw_only=True):
    """Copies of the database and of the installation's keys, encrypted here before they leave."""

    store: Annotated[
        str,
        Meta(
            description="Where backups go: `s3://bucket/prefix`, or `file:///mnt/backups` for a directory or mount;"
            " empty means that nothing is backed up.",
            extra={"expected": "s3://BUCKET/PREFIX or file:///DIRECTORY"},
        ),
    ] = ""
    recipients: Annotated[
        tuple[str, ...],
        Meta(
            description="Public keys (age) that can read the backups, two or more: one in use and one in a safe."
            " `leashctl backup keygen` makes a pair; the private half must not stay on this machine.",
            extra={"expected": "a list of at least two keys that begin with age1"},
        ),
    ] = ()
    s3_endpoint: Annotated[
        str,
        Meta(
            description="Address of the S3-compatible service; empty means that of AWS in `s3_region`.",
            extra={"expected": "a URL such as https://s3.example.org"},
        ),
    ] = ""
    s3_region: Annotated[str, Meta(description="Region of the bucket.")] = "us-east-1"
    s3_access_key: Annotated[
        Secret | None,
        Meta(description="Access key of the credential that writes; it needs no right to delete.", extra={"unit": ""}),
    ] = None
    s3_secret_key: Annotated[Secret | None, Meta(description="Secret key of the same.", extra={"unit": ""})] = None
    s3_prune_access_key: Annotated[
        Secret | None,
        Meta(
            description="Access key of a second credential that may delete; not set means that this machine deletes"
            " no backup, and the bucket's own rules or somebody else must.",
            extra={"unit": ""},
        ),
    ] = None
    s3_prune_secret_key: Annotated[Secret | None, Meta(description="Secret key of the same.", extra={"unit": ""})] = (
        None
    )
    ca_file: Annotated[
        str, Meta(description="Certificates (PEM) that the store's certificate must lead to; empty: the system's.")
    ] = ""
    lock_days: Annotated[
        int,
        Meta(
            description="Days for which the bucket must refuse to delete what was written (Object Lock, compliance"
            " mode); 0 means that the bucket's own setting rules.",
            ge=0,
            le=3650,
            extra={"unit": "days"},
        ),
    ] = 0
    full_schedule: Annotated[str, Meta(description="When a full backup is taken (cron).", extra=_CRON)] = "15 2 * * sun"
    incremental_schedule: Annotated[
        str, Meta(description="When an incremental backup is taken (cron); empty means never.", extra=_CRON)
    ] = "15 2 * * mon-sat"
    time_zone: Annotated[
        str, Meta(description="Time zone of the schedules.", extra={"expected": "a name such as Europe/Berlin"})
    ] = "UTC"
    keep_daily: Annotated[int, Meta(description="Backups kept: the last of each of so many days.", ge=1, le=366)] = 7
    keep_weekly: Annotated[int, Meta(description="Backups kept: the last of each of so many weeks.", ge=0, le=520)] = 4
    keep_monthly: Annotated[
        int, Meta(description="Backups kept: the last of each of so many months.", ge=0, le=120)
    ] = 6
    recovery_days: Annotated[
        int,
        Meta(
            description="Days back to which any moment can be restored; all of the write-ahead log since then is kept.",
            ge=1,
            le=366,
            extra={"unit": "days"},
        ),
    ] = 30
    upload_seconds: Annotated[
        float,
        Meta(
            description="Longest time that committed changes lie on this machine alone.",
            ge=1,
            le=3600,
            extra={"unit": "seconds"},
        ),
    ] = 20.0
    disk_warn_percent: Annotated[
        int, Meta(description="Use of the database's disk from which health warns.", ge=10, le=99, extra={"unit": "%"})
    ] = 70
