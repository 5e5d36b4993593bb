"""What a store holds: finished backups and the log; read from the store itself, which outlives the database."""

from collections.abc import Iterable

import msgspec

from appliance.backups import names
from appliance.backups.errors import BackupDamagedError, BackupUnknownError, StoreRefusedError
from appliance.backups.ports import Store
from appliance.backups.records import VERSION, Backup, Stored


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a store at one moment.

    Attributes:
        backups: finished ones, the oldest first.
        unreadable: names of descriptions that are damaged or of a later version, with the reason.
        unfinished: names of objects of backups that were never finished.
        log: objects of the write-ahead log.
    """

    system: str
    backups: tuple[Backup, ...]
    unreadable: tuple[tuple[str, str], ...]
    unfinished: tuple[str, ...]
    log: tuple[Stored, ...]

    @property
    def size(self) -> int:
        """Bytes of everything that is of use."""
        parts = (part for backup in self.backups for part in (backup.base, backup.manifest, backup.secrets))
        return sum(part.size for part in parts) + sum(each.size for each in self.log)

    def backup(self, wanted: str) -> Backup:
        """The backup whose identifier begins so.

        Raises:
            BackupUnknownError: none does, or several do.
        """
        fitting = [backup for backup in self.backups if wanted and backup.id.startswith(wanted)]
        if len(fitting) != 1:
            raise BackupUnknownError(f"{len(fitting)} backups have an identifier that begins with {wanted!r}")
        return fitting[0]


def systems(store: Store) -> tuple[str, ...]:
    """The system identifiers of the installations that have backups in a store."""
    return tuple(sorted({names.system_of(each.name) for each in store.list("")}))


def only_system(store: Store) -> str:
    """The one installation of a store.

    Raises:
        BackupUnknownError: there is none, or there are several.
    """
    found = systems(store)
    if len(found) != 1:
        told = f"the installations {', '.join(found)}" if found else "no backup"
        raise BackupUnknownError(f"{store.place} holds {told}")
    return found[0]


def read(store: Store, system: str) -> Catalogue:
    """List everything of one installation.

    Raises:
        StoreUnreachableError, StoreRefusedError: the store cannot be listed.
    """
    stored = list(store.list(names.base_folder(system)))
    backups: list[Backup] = []
    unreadable: list[tuple[str, str]] = []
    for each in stored:
        if each.name.endswith(f"/{names.DESCRIPTION}"):
            try:
                backups.append(_description(store, each.name, system))
            except BackupDamagedError as problem:
                unreadable.append((each.name, problem.detail))
    described = {backup.id for backup in backups} | {name.split("/")[2] for name, _ in unreadable}
    return Catalogue(
        system=system,
        backups=tuple(sorted(backups, key=lambda backup: backup.ended_at)),
        unreadable=tuple(unreadable),
        unfinished=tuple(each.name for each in stored if each.name.split("/")[2] not in described),
        log=tuple(store.list(names.wal_folder(system))),
    )


def _description(store: Store, name: str, system: str) -> Backup:
    with store.get(name) as file:
        text = file.read()
    try:
        backup = msgspec.json.decode(text, type=Backup)
    except msgspec.MsgspecError as problem:
        raise BackupDamagedError(f"{name} is no description of a backup: {problem}") from problem
    if backup.version != VERSION:
        raise BackupDamagedError(f"{name} was written by a release with format {backup.version}; this one knows 1")
    if backup.system != system or names.description(system, backup.id) != name:
        raise BackupDamagedError(f"{name} describes a backup of another place")
    return backup


def delete(store: Store, objects: Iterable[str]) -> int:
    """Delete, if this machine has a credential for that; how many are gone."""
    wanted = list(objects)
    if not wanted:
        return 0
    if not store.may_delete:
        raise StoreRefusedError(f"This machine may not delete in {store.place}")
    return store.delete(wanted)
