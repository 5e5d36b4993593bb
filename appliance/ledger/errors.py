"""What can be wrong with the ledger."""

from appliance.errors import LeashError


class LedgerError(LeashError):
    """Any failure of the ledger."""

    code = "ledger_error"
    summary = "The ledger failed"


class CanonicalError(LedgerError):
    """A value cannot be written canonically (RFC 8785), so it cannot be hashed."""

    code = "value_not_canonical"
    summary = "The value has no canonical JSON form"
    next_step = "Send strict JSON: no NaN, integers within 2^53-1, whole Unicode characters, at most 200 levels."


class EntryRefusedError(LedgerError):
    """An entry cannot be recorded as it is."""

    code = "ledger_entry_refused"
    summary = "The ledger cannot record this"
    next_step = "Take NUL characters out of the names, and give times with their zone."


class EntryUnknownError(LedgerError):
    """No such entry."""

    code = "ledger_entry_unknown"
    summary = "The ledger has no such entry"
    next_step = "Look the entry up in the list; an identifier may have been cut."


class CheckpointInvalidError(LedgerError):
    """A text is not a checkpoint, or not signed by the expected key."""

    code = "ledger_checkpoint_invalid"
    summary = "The checkpoint cannot be used"
    next_step = "Give the whole file as `leashctl ledger checkpoint` wrote it, and the key that signed it."


class CheckpointMissingError(LedgerError):
    """There is no checkpoint where one was expected."""

    code = "ledger_checkpoint_missing"
    summary = "There is no checkpoint"
    next_step = "Start the service and wait a second: it seals what was recorded."


class LedgerForkedError(LedgerError):
    """The database does not hold the tree that this installation signed before."""

    code = "ledger_forked"
    summary = "The ledger in the database is not the one that was signed before"
    next_step = (
        "Run `leashctl ledger verify`. After a restore to an earlier time, keep ledger.checkpoint as evidence and "
        "move it away to go on."
    )


class LedgerKeyError(LedgerError):
    """The signing key cannot be read, made or understood."""

    code = "ledger_key_unusable"
    summary = "The ledger's key cannot be used"
    next_step = "Restore ledger.key from the backup of the state directory, readable by its owner only."
