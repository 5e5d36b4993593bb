"""What loading gives back besides the tree itself."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from appliance.config.sections import Config


class Source(StrEnum):
    """Where a value comes from; a later one beats an earlier one."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """Where one value comes from.

    Attributes:
        source: see Source.
        place: the file or the environment variable that holds it; empty for a default.
        secret_file: the file that the secret was read from; empty if it was written in `place` itself.
    """

    source: Source = Source.DEFAULT
    place: str = ""
    secret_file: str = ""


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """The tree, and for every dotted key (`server.port`) where its value comes from."""

    config: Config
    provenance: Mapping[str, Provenance]
