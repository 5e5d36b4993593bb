"""The shims that machines get are those that the dialects of this release make."""

import pytest

from appliance.agents.shim.build import FOLDER, NAMES, built
from appliance.agents.shim.release import SHIM_FILES, shim_checksum, shim_marks, shim_text


@pytest.mark.parametrize("name", NAMES)
def test_a_shim_is_up_to_date(name: str) -> None:
    """Otherwise run `make docs`."""
    assert (FOLDER / name).read_text("utf-8") == built(name)
    assert name in SHIM_FILES
    assert shim_checksum(name)[:12] in "".join(shim_marks())
    assert shim_text(name).isascii()
