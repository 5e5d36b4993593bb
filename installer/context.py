"""What a command line names: the configuration, and the appliance that is built from it."""

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.config import Config, Loaded, load

if TYPE_CHECKING:
    from appliance.bootstrap import Appliance

DEFAULT_FILE = Path("config.toml")


class CommandLine:
    """The options before the command; nothing is read before a command asks for it."""

    def __init__(self, file: Path | None, environ: Mapping[str, str]) -> None:
        """Without `file`, `config.toml` in the working directory is read if there is one."""
        self.file = file if file is not None else DEFAULT_FILE if DEFAULT_FILE.exists() else None
        self.environ = environ

    @cached_property
    def loaded(self) -> Loaded:
        """The configuration, and where each value comes from.

        Raises:
            ConfigError: it cannot be read or used.
        """
        return load(self.file, self.environ)

    @property
    def config(self) -> Config:
        """The configuration."""
        return self.loaded.config

    @property
    def words(self) -> list[str]:
        """The options that another process of the same installation needs."""
        return [] if self.file is None else ["--config", str(self.file)]

    def with_environ(self, **variables: str) -> "CommandLine":
        """The same command line with further environment variables."""
        return CommandLine(self.file, {**self.environ, **variables})

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Appliance"]:
        """The appliance on open database connections, with the rights of the service and no more.

        Raises:
            ConfigError, DatabaseError: see `open_appliance`.
        """
        from appliance.bootstrap import open_appliance  # noqa: PLC0415 - costs a second and 60 MB: not for `up`
        from appliance.logging import configure  # noqa: PLC0415 - as above

        configure(level="warning", format_="console", stream=sys.stderr)  # standard output belongs to the answer
        async with open_appliance(self.config, config_file=self.file) as appliance:
            yield appliance
