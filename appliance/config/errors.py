"""What can be wrong with a configuration."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from appliance.errors import LeashError


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong.

    Attributes:
        key: dotted key (`server.port`), or the name as written if there is no such key.
        place: where it was written: the file, or the environment variable.
        message: what is wrong and what is expected; never holds the value of a secret.
    """

    key: str
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.key == self.place else f"{self.place}: {self.key} {self.message}"


class ConfigError(LeashError):
    """The configuration cannot be used."""

    code = "config_error"
    summary = "The configuration cannot be used"


class ConfigFileUnreadableError(ConfigError):
    """The file that was named cannot be read."""

    code = "config_file_unreadable"
    summary = "The configuration file cannot be read"
    next_step = "Check that the file exists and that the service's user may read it."

    def __init__(self, path: Path, why: str) -> None:
        self.path = path
        super().__init__(f"{path} cannot be read: {why}")


class ConfigInvalidError(ConfigError):
    """Some settings are unknown or wrong; all of them are told at once."""

    code = "config_invalid"
    summary = "Some settings are unknown or wrong"
    next_step = "Correct them; docs/reference/settings.md lists every setting."

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
