"""Backups, if the configuration names a store; nothing of them is imported otherwise."""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from appliance.clock import Clock
from appliance.config import Config
from appliance.config.backups import Backups as Settings
from appliance.database.embedded import BACKUP, EmbeddedPostgres
from appliance.job import Job
from appliance.release import version

if TYPE_CHECKING:
    from appliance.backups.ports import Store
    from appliance.backups.programs import Programs
    from appliance.backups.service import Backups


class LazyBackups:
    """Backups of this installation, built by the process that needs them: boto3 alone takes 30 MB."""

    def __init__(self, config: Config, clock: Clock, config_file: Path | None = None) -> None:
        """`config_file` goes into the encrypted part with the keys."""
        self._config, self._clock, self._config_file = config, clock, config_file
        self._built: Backups | None = None

    def get(self) -> "Backups":
        """Backups.

        Raises:
            BackupsOffError: no store is configured.
            RecipientsRefusedError: whoever shall read them cannot be used.
        """
        if self._built is None:
            self._built = self._build()
        return self._built

    def _build(self) -> "Backups":
        from appliance.backups.errors import BackupsOffError  # noqa: PLC0415 - see the class
        from appliance.backups.sealing import Recipients  # noqa: PLC0415
        from appliance.backups.service import Backups  # noqa: PLC0415
        from appliance.backups.taking import Source  # noqa: PLC0415

        settings = self._config.backups
        if not settings.store:
            raise BackupsOffError
        source = Source(
            programs=programs_of(self._config),
            state=self._config.state.directory.resolve(),
            config_file=self._config_file,
            release=version(),
        )
        return Backups(settings, source, store_of(settings), Recipients(settings.recipients), self._clock)

    def jobs(self) -> tuple[Job, ...]:
        """What they need on a schedule; nothing without a store."""
        if not self._config.backups.store:
            return ()
        from appliance.backups.jobs import jobs  # noqa: PLC0415 - see the class

        return jobs(self.get())

    def close(self) -> None:
        """End what was started."""
        if self._built is not None:
            self._built.close()


def store_of(settings: Settings) -> "Store":
    """The store that the settings name."""
    parts = urlsplit(settings.store)
    if parts.scheme == "file":
        from appliance.adapters.directory_store import DirectoryStore  # noqa: PLC0415 - one of two

        return DirectoryStore(Path(unquote(parts.path)))
    from appliance.adapters.s3 import S3Store  # noqa: PLC0415 - boto3 takes 30 MB

    return S3Store(settings, bucket=parts.netloc, prefix=unquote(parts.path))


def programs_of(config: Config) -> "Programs":
    """PostgreSQL's programs, for the role that copies the database."""
    from appliance.backups.programs import Programs  # noqa: PLC0415 - not needed without backups

    server = EmbeddedPostgres(config.state.directory)
    folder = Path(server.layout.binaries) / "bin"
    if config.database.replication_url is not None:
        return Programs(folder, config.database.replication_url.reveal())
    return Programs(folder, server.url_of(BACKUP))
