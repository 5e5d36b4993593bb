"""What the section of backups refuses."""

from pathlib import Path

import pytest

from appliance.config import load
from appliance.config.errors import ConfigInvalidError

_KEY = "age1" + "q" * 58
_GOOD = f'[backups]\nstore = "file:///mnt/backups"\nrecipients = ["{_KEY}", "{_KEY[:-1]}p"]\n'


def loaded(folder: Path, text: str) -> None:
    """Load a file with this text."""
    path = folder / "config.toml"
    path.write_text(text)
    load(path, {})


@pytest.mark.parametrize(
    "text", ["", _GOOD, _GOOD + 'full_schedule = "*/5 1-3 1,15 * mon-fri,sun"\ntime_zone = "Europe/Berlin"\n']
)
def test_what_is_right_is_taken(tmp_path: Path, text: str) -> None:
    """No backups, some, and schedules of every form."""
    loaded(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (_GOOD.replace("file:///mnt/backups", "/mnt/backups"), "neither s3://"),
        (_GOOD.replace("file:///mnt/backups", "file://host/x"), "neither s3://"),
        (_GOOD.replace("file:///mnt/backups", "s3://Bad_Bucket/x"), "neither s3://"),
        ('[backups]\nstore = "s3://bucket/x"\n', "fewer than two"),
        (_GOOD.replace(f'"{_KEY}", ', ""), "fewer than two"),
        (_GOOD.replace(_KEY[:-1] + "p", "AGE-SECRET-KEY-1ABC"), "private key"),
        (_GOOD.replace(_KEY[:-1] + "p", "age1short"), "no public key"),
        (_GOOD + 'full_schedule = ""\n', "is empty"),
        (_GOOD + 'full_schedule = "15 2 * *"\n', "five fields"),
        (_GOOD + 'full_schedule = "60 2 * * *"\n', "minute"),
        (_GOOD + 'full_schedule = "0 3-2 * * *"\n', "hour"),
        (_GOOD + 'full_schedule = "0 2 * * 0"\n', "write names"),
        (_GOOD + 'full_schedule = "*/0 2 * * *"\n', "minute"),
        (_GOOD + 'time_zone = "Mars/Base"\n', "no time zone"),
        (_GOOD + "disk_warn_percent = 100\n", "disk_warn_percent"),
        (_GOOD + 's3_endpoint = "s3.example.org"\n', "no address"),
    ],
)
def test_what_is_wrong_is_refused_with_what_to_write(tmp_path: Path, text: str, told: str) -> None:
    """Before anything starts."""
    with pytest.raises(ConfigInvalidError, match=told):
        loaded(tmp_path, text)
