"""What start-up needed goes back to the system."""

import subprocess
import sys

_PROGRAM = """
import re
from appliance.memory import give_back
def held():
    return int(re.search(r"^Rss: +([0-9]+)", open("/proc/self/smaps_rollup").read(), re.M)[1]) // 1024
kept = [bytes(2_000) for _ in range(20_000)]
last = bytes(2_000)
del kept
before = held()
give_back()
print(before - held())
"""


def test_free_pages_go_back() -> None:
    """Forty megabytes of small pieces that were freed below one that is still used."""
    told = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-P", "-c", _PROGRAM], capture_output=True, text=True, check=True, cwd="."
    )
    assert int(told.stdout) > 30
