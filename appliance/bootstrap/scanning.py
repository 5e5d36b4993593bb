"""The secret rules, for decisions and for log lines."""

import threading
from collections.abc import Callable
from pathlib import Path

from appliance.config import Config
from appliance.keys import KeyRing, load_or_create_keys
from appliance.protection.secrets.catalogue import load_rules
from appliance.protection.secrets.engine import Engine
from appliance.protection.secrets.scanner import Scanner


def scanner_of(config: Config, keys: KeyRing) -> Scanner:
    """Finds secrets, for one thread at a time."""
    protection = config.protection
    return Scanner(keys.derive("fingerprints"), protection.decode_depth, protection.scan_bytes_max)


def compile_rules() -> None:
    """Compile the secret rules, which takes half a second, for this process and those that it forks."""
    Engine(load_rules())


def log_mask(config: Config) -> Callable[[str], str]:
    """Masks secrets in log lines; each thread gets a scanner of its own on its first line."""
    keys = load_or_create_keys(Path(config.state.directory))
    own = threading.local()

    def mask(line: str) -> str:
        if not hasattr(own, "scanner"):
            own.scanner = scanner_of(config, keys)
        scanner: Scanner = own.scanner
        return scanner.mask_text(line)

    return mask
