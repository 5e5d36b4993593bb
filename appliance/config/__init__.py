"""The one typed tree of settings: TOML file, environment, secret files."""

from appliance.config.errors import ConfigError, ConfigFileUnreadableError, ConfigInvalidError, Problem
from appliance.config.loading import load
from appliance.config.records import Loaded, Provenance, Source
from appliance.config.secret import Secret
from appliance.config.sections import Config

__all__ = [
    "Config",
    "ConfigError",
    "ConfigFileUnreadableError",
    "ConfigInvalidError",
    "Loaded",
    "Problem",
    "Provenance",
    "Secret",
    "Source",
    "load",
]
