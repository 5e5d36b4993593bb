"""What can go wrong with backups."""

from appliance.errors import LeashError


class BackupError(LeashError):
    """Any failure of this feature."""

    code = "backup_error"
    summary = "The backup failed"
    next_step = "The message says what failed. Nothing was lost: what is in the store stays, the next run starts anew."


class StoreUnreachableError(BackupError):
    """The store does not answer, or not in time."""

    code = "backup_store_unreachable"
    summary = "The backup store does not answer"
    next_step = "Check the address, the network and that the service runs; the next run tries again."


class StoreRefusedError(BackupError):
    """The store answered and refused."""

    code = "backup_store_refused"
    summary = "The backup store refuses"
    next_step = "Check bucket, region and keys, and what the credential may do there."


class ObjectMissingError(BackupError):
    """An object is not in the store."""

    code = "backup_object_missing"
    summary = "An object is missing in the backup store"
    next_step = "Look whether it is the right store and prefix, and who deleted it; an earlier backup may be whole."


class BackupDamagedError(BackupError):
    """What the store holds is not what was written."""

    code = "backup_damaged"
    summary = "A backup is damaged"
    next_step = "Take another backup now, and restore from an earlier one; look at the store's disks."


class RecipientsRefusedError(BackupError):
    """The recipients cannot be used."""

    code = "backup_recipients_refused"
    summary = "The recipients of backups cannot be used"
    next_step = "Name two or more public keys in backups.recipients; `leashctl backup keygen` makes a pair."


class IdentityRefusedError(BackupError):
    """The private key decrypts nothing here."""

    code = "backup_identity_refused"
    summary = "This private key cannot read the backup"
    next_step = "Use the private half of one of the recipients that the backup names."


class ProgramFailedError(BackupError):
    """A program of PostgreSQL failed."""

    code = "backup_program_failed"
    summary = "A program of PostgreSQL failed"
    next_step = "The message holds its own words."


class BackupBusyError(BackupError):
    """Another backup of this installation runs."""

    code = "backup_busy"
    summary = "Another backup is running"
    next_step = "Wait for its end; `leashctl backup list` shows it."


class BackupsOffError(BackupError):
    """The configuration names no store."""

    code = "backups_off"
    summary = "No backup store is configured"
    next_step = "Set backups.store and backups.recipients."


class BackupUnknownError(BackupError):
    """The store holds no such backup."""

    code = "backup_unknown"
    summary = "The store holds no such backup"
    next_step = "`leashctl backup list` shows those that there are."


class LogMissingError(BackupError):
    """Segments of the write-ahead log are missing between a backup and the newest one."""

    code = "backup_log_missing"
    summary = "The write-ahead log in the store has a gap"
    next_step = "Restore to a moment before the gap with an earlier --to, or from a later backup with --backup."


class RestoreRefusedError(BackupError):
    """The target of a restore is in use."""

    code = "restore_refused"
    summary = "Nothing is restored over what is there"
    next_step = "Stop the service and restore into an empty state directory, or name the installation to be replaced."
