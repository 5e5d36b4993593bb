"""The reference says who may do what, and what is recorded."""

import re
from pathlib import Path

import pytest

from appliance.identity import claims, rules, scopes
from appliance.identity.codes import RECOVERY_CODES
from appliance.identity.events import EVENTS
from appliance.identity.passwords import Cost
from appliance.identity.records import Limits, Role
from appliance.identity.rules import PERMISSIONS, Permission
from appliance.identity.sign_ins import Cause

REFERENCE = (Path(__file__).parents[3] / "docs/reference/permissions.md").read_text("utf-8")
ROWS = {cells[1].strip("` "): [cell.strip() for cell in cells[3:-1]] for cells in (
    line.split("|") for line in REFERENCE.splitlines() if line.startswith("| `") and line.count("|") == 9
)}  # fmt: skip


def test_the_table_has_every_role_and_permission() -> None:
    """In their order, and no others."""
    assert f"| {' | '.join(f'`{role}`' for role in Role)} |" in REFERENCE
    assert list(ROWS) == [permission.value for permission in Permission]


@pytest.mark.parametrize("permission", Permission)
def test_each_row_says_what_the_rules_say(permission: Permission) -> None:
    """Yes where the role carries it, a dash where it does not."""
    assert ROWS[permission.value] == ["yes" if permission in PERMISSIONS[role] else "-" for role in Role]


def test_what_groups_can_be_granted_for_some_projects_is_said() -> None:
    """The roles that a pattern may limit, and the name of an approver group, as the rules have them."""
    (row,) = [line for line in REFERENCE.splitlines() if line.startswith("| For some projects | ")]
    assert {role for role in Role if f"`{role}`" in row} == scopes.SCOPED_ROLES
    (row,) = [line for line in REFERENCE.splitlines() if line.startswith("| Grants | ")]
    assert any(scopes.is_approver_group(name) for name in re.findall(r"`([^`]+)`", row))


@pytest.mark.parametrize(
    ("path", "pattern", "is_inside"),
    [
        ("/srv/payments", "/srv/payments", True),
        ("/srv/payments/api", "/srv/payments", True),
        ("/home/ida/payments", "/home/*/payments", True),
        ("/srv/payments/../core", "/srv/payments", False),
    ],
)
def test_the_patterns_of_the_reference_mean_what_it_says(path: str, pattern: str, is_inside: bool) -> None:  # noqa: FBT001 - a case
    """Each is written there."""
    assert f"`{pattern}`" in REFERENCE
    assert scopes.is_within(path, pattern) is is_inside


def test_scoped_roles_hold_no_permission_beyond_their_asks() -> None:
    """What else a role permits, it permits for no single project: only asks know one."""
    assert "it permits for no single" in REFERENCE
    for role in scopes.SCOPED_ROLES:
        assert Permission.APPROVALS_ANSWER in PERMISSIONS[Role(role)]


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_is_explained(event: str) -> None:
    """In the words of the code."""
    assert f"| `{event}` | {EVENTS[event]} |" in REFERENCE


def test_every_cause_of_a_refusal_is_named() -> None:
    """Those that the code can give."""
    for cause in Cause:
        assert f"`{cause}`" in REFERENCE, cause


def test_the_limits_in_the_reference_are_the_ones_in_force() -> None:
    """Numbers in text rot fastest."""
    limits, cost = Limits(), Cost()
    for sentence in (
        f"{rules.PASSWORD_MIN} to {rules.PASSWORD_MAX} visible characters, at least {rules.DIFFERENT_MIN} different",
        f"argon2id ({cost.memory_kib // 1024} MiB, {cost.passes} passes, {cost.lanes} lanes)",
        f"| {RECOVERY_CODES}, each works once",
        f"within {limits.invitation_minutes // 60} hours",
        f"within {limits.reset_minutes // 60} hours",
        f"{limits.claim_minutes} minutes from the password to the first code, {claims.WRONG_CODES_MAX} wrong codes",
        f"up to {limits.script_max_minutes // 1440} days",
    ):
        assert sentence in REFERENCE, sentence
