"""One compiled scanner for all tests of this folder."""

import pytest

from appliance.protection.secrets.scanner import Scanner


@pytest.fixture(scope="session")
def scanner() -> Scanner:
    """A scanner with a fixed fingerprint key."""
    return Scanner(b"test key", decode_depth=3, scan_bytes_max=1 << 20)
