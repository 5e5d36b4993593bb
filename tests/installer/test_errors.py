"""Every expected error has a message, a next step where there is one, and an exit code."""

import io
import json
from contextlib import redirect_stderr

import pytest

from appliance.config import ConfigError
from appliance.database.errors import DatabaseUnreachableError, SchemaNewerError, TooManyRightsError
from appliance.errors import LeashError
from installer import errors
from installer.errors import (
    EXIT_CODES,
    MEANINGS,
    AlreadyRunningError,
    CommandFailedError,
    PortInUseError,
    exit_code_of,
    report,
)


def subclasses(base: type[LeashError]) -> set[type[LeashError]]:
    return {base}.union(*(subclasses(each) for each in base.__subclasses__()))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LeashError("no"), 1),
        (ConfigError("no"), 78),
        (DatabaseUnreachableError("no"), 69),
        (SchemaNewerError("no"), 78),
        (TooManyRightsError("no"), 78),
        (AlreadyRunningError("http://127.0.0.1:9318", 7), 75),
        (PortInUseError("127.0.0.1", 9318, "no"), 69),
        (CommandFailedError("no", 78), 78),
    ],
)
def test_each_kind_of_error_has_its_exit_code(error: LeashError, code: int) -> None:
    """Its own, or that of the family it belongs to."""
    assert exit_code_of(error) == code


def test_every_error_of_the_installer_has_an_exit_code_with_a_meaning() -> None:
    """And every code in the map is that of an error."""
    own = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.InstallerError)]
    assert len(own) > 5
    known = {each.code for each in subclasses(LeashError)}
    assert set(EXIT_CODES) <= known
    assert set(EXIT_CODES.values()) <= set(MEANINGS)
    assert all(each.summary != errors.InstallerError.summary for each in own if each is not errors.InstallerError)


def test_a_person_reads_what_failed_and_what_to_do() -> None:
    """Two lines on standard error."""
    with redirect_stderr(io.StringIO()) as text:
        assert report(AlreadyRunningError("http://127.0.0.1:9318", 7), as_json=False) == 75
    first, second = text.getvalue().splitlines()
    assert first == "error: Already running: http://127.0.0.1:9318, process 7"
    assert second == AlreadyRunningError.next_step


def test_a_program_reads_one_object() -> None:
    """With the stable code."""
    with redirect_stderr(io.StringIO()) as text:
        report(DatabaseUnreachableError("no route"), as_json=True)
    told = json.loads(text.getvalue())
    assert told["code"] == "database_unreachable"
    assert told["detail"] == "no route"
    assert set(told) == {"code", "summary", "detail", "next_step"}
