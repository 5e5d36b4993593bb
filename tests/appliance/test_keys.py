"""One secret per installation, and a key of its own for each use."""

import stat
import subprocess
import sys
from pathlib import Path

from appliance.keys import KeyRing, load_or_create_keys

ROOT = Path(__file__).parents[2]


def test_each_purpose_has_a_key_of_its_own() -> None:
    """32 bytes, the same in every process, unrelated to one another and to the master."""
    ring = KeyRing(b"m" * 32)
    keys = [ring.derive(purpose) for purpose in ("identity", "approvals", "attach", "fingerprints")]
    assert {len(key) for key in keys} == {32}
    assert len({*keys, b"m" * 32}) == 5
    assert KeyRing(b"m" * 32).derive("identity") == keys[0]
    assert KeyRing(b"n" * 32).derive("identity") != keys[0]


def test_the_key_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    """A second start finds the first one's."""
    first = load_or_create_keys(tmp_path).derive("x")
    assert load_or_create_keys(tmp_path).derive("x") == first
    path = tmp_path / "secrets" / "master.key"
    assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_size) == (0o600, 32)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert load_or_create_keys(tmp_path / "other").derive("x") != first


def test_processes_that_start_at_once_end_with_one_key(tmp_path: Path) -> None:
    """Whoever comes second takes what is there."""
    code = (
        "import sys; from pathlib import Path; from appliance.keys import load_or_create_keys;"
        "print(load_or_create_keys(Path(sys.argv[1])).derive('x').hex())"
    )
    starts = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT, text=True)  # noqa: S603 - our own words
        for _ in range(4)
    ]
    assert len({start.communicate()[0] for start in starts}) == 1
    assert [path.name for path in (tmp_path / "secrets").iterdir()] == ["master.key"]


def test_a_key_does_not_show_itself() -> None:
    """Not in a traceback's locals, not in a log line."""
    assert "mmmm" not in repr(KeyRing(b"m" * 32))
