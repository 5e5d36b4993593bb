"""Restore an installation with the embedded database into its state directory; used by `leashctl restore` alone."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from appliance.backups import catalogue, installation
from appliance.backups.aftermath import Aftermath, nothing_to_replay, settle
from appliance.backups.catalogue import Catalogue
from appliance.backups.errors import RestoreRefusedError
from appliance.backups.ports import Store
from appliance.backups.restoring import Plan, Restorer, Target, Work, plan, recover
from appliance.backups.sealing import Identity
from appliance.bootstrap.backups import programs_of
from appliance.clock import utc_now
from appliance.database.embedded import EmbeddedPostgres
from appliance.database.setup import prepare
from appliance.ledger.records import Actor, ActorKind, VerifyReport
from installer.context import CommandLine

OPERATOR: Final = Actor(kind=ActorKind.OPERATOR, id="leashctl")
_PROMOTED_SECONDS: Final = 24 * 3600.0
_LOOK_SECONDS: Final = 0.2


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it.

    Attributes:
        migrated: migrations of this release that the backup did not have yet.
        ledger: every entry hashed again, compared with all signed checkpoints that came along.
        moved: where what was there before lies now; empty if there was nothing.
    """

    plan: Plan
    files: tuple[str, ...]
    migrated: tuple[str, ...]
    aftermath: Aftermath
    ledger: VerifyReport
    moved: tuple[str, ...]
    seconds: float


class Restore:
    """One restore, step by step."""

    def __init__(self, line: CommandLine, store: Store, identity: Identity, tell: Callable[[Work], None]) -> None:
        """`tell` hears how far it is."""
        self._line, self._store, self._identity, self._tell = line, store, identity, tell
        self._config = line.config
        self._server = EmbeddedPostgres(self._config.state.directory)

    def plan(self, system: str, target: Target, backup: str) -> tuple[Catalogue, Plan]:
        """What would be read, from a store that holds `system` or, if that is empty, one installation alone."""
        found = catalogue.read(self._store, system or catalogue.only_system(self._store))
        return found, plan(found, target, backup)

    def present_system(self) -> str:
        """The identifier of the database that lies in the state directory; empty if there is none."""
        if not self._server.layout.is_created:
            return ""
        return self._server.system_identifier()

    def make_room(self, confirmed: str) -> tuple[Path, ...]:
        """Move aside what is in the way, if that was confirmed by its identifier; where it lies now.

        Raises:
            RestoreRefusedError: it runs, or was not confirmed.
        """
        present = self.present_system()
        if present and confirmed != present:
            raise RestoreRefusedError(
                f"{self._config.state.directory} holds the database {present}; to replace it, add --replace {present}"
            )
        if present and self._server.is_running():
            raise RestoreRefusedError("Its database is running; stop `leashctl up` first")
        stamp = f"replaced-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        return self._server.move_aside(stamp)

    def run(self, wanted: Plan, confirmed: str) -> Restored:
        """Do it; what was there stays beside it, under another name.

        Raises:
            BackupError: a part is missing, damaged or for other readers; nothing was restored.
            EmbeddedServerError: PostgreSQL does not recover; its log says why.
            DatabaseError: the schema cannot be brought to this release.
        """
        began = time.monotonic()
        moved = self.make_room(confirmed)
        try:
            files = self._bring(wanted)
        except BaseException:
            self._server.move_back(moved)
            raise
        self._server.start()
        try:
            self._until_promoted()
            return asyncio.run(self._finish(wanted, files, moved, began))
        finally:
            self._server.stop()

    def _bring(self, wanted: Plan) -> tuple[str, ...]:
        with self._server.replaced() as home:
            restorer = Restorer(self._store, self._identity, programs_of(self._config), home, self._tell)
            files = installation.unpack(restorer.secrets(wanted), self._config.state.directory)
            data, log = restorer.data(wanted), restorer.log(wanted)
            target = Path(self._server.layout.data)
            data.rename(target)
            recover(target, log, wanted.target)
        return files

    def _until_promoted(self) -> None:
        """Wait until PostgreSQL has replayed the log; the settings of the recovery go away with it."""
        self._tell(Work(step="Replaying the log", done=0, total=0))
        end = time.monotonic() + _PROMOTED_SECONDS
        while self._server.is_in_recovery():
            if time.monotonic() > end:
                raise RestoreRefusedError("PostgreSQL has not finished recovery within a day")
            time.sleep(_LOOK_SECONDS)
        self._server.forget_recovery()

    async def _finish(self, wanted: Plan, files: tuple[str, ...], moved: tuple[Path, ...], began: float) -> Restored:
        self._tell(Work(step="Bringing the schema to this release", done=0, total=0))
        endpoints = await prepare(self._server.owner_url, state=self._config.state.directory, now=utc_now())
        async with self._line.open() as appliance:
            self._tell(Work(step="Ending sessions and open asks", done=0, total=0))
            aftermath = await settle(wanted, OPERATOR, utc_now(), nothing_to_replay)
            self._tell(Work(step="Verifying the ledger", done=0, total=0))
            await appliance.ledger.seal()
            report = await appliance.ledger.verify()
        return Restored(
            plan=wanted, files=files, migrated=endpoints.migrated.applied, aftermath=aftermath, ledger=report,
            moved=tuple(map(str, moved)), seconds=round(time.monotonic() - began, 1),
        )  # fmt: skip
