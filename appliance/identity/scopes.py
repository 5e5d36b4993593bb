"""What a group can be granted, and for which projects: pure decisions."""

import re
from collections.abc import Collection
from typing import Final

from appliance.identity.effective import GROUP_PREFIX
from appliance.identity.errors import GrantRefusedError
from appliance.identity.records import Role, ScopedRole

PROJECT_MAX: Final = 400
_GROUP: Final = re.compile(rf"{GROUP_PREFIX}[a-z][a-z0-9-]{{0,62}}")
# What somebody can do for one project alone is answering its asks; the other permissions know no projects.
SCOPED_ROLES: Final = frozenset({Role.APPROVER.value, Role.SECURITY.value})


def is_approver_group(text: str) -> bool:
    """Whether a text names an approver group as grants and policies do: `group:payments-leads`."""
    return _GROUP.fullmatch(text) is not None


def prepare_grant(role: object, project: object) -> tuple[str, str]:
    """Role or approver group, and pattern of projects, as they are stored.

    Raises:
        GrantRefusedError: neither a role nor `group:name`, or no pattern; or a role that projects do not limit.
    """
    if not isinstance(role, str) or not isinstance(project, str):
        raise GrantRefusedError
    name, pattern = role.strip(), project.strip()
    if name not in set(Role) and not is_approver_group(name):
        raise GrantRefusedError(f"{name!r:.100} is neither a role nor an approver group such as group:payments-leads")
    if len(pattern) > PROJECT_MAX or not pattern.isprintable():
        raise GrantRefusedError(f"A project has at most {PROJECT_MAX} visible characters")
    pattern = pattern.rstrip("/") if pattern != "/" else pattern
    if pattern and name not in SCOPED_ROLES and not is_approver_group(name):
        raise GrantRefusedError(f"Only {', '.join(sorted(SCOPED_ROLES))} and approver groups can be for one project")
    return name, pattern


def is_within(project: str, pattern: str) -> bool:
    """Whether a project is one that the pattern means, or lies below one.

    A project is the path that an agent works in. In a pattern `*` stands for any characters. A path with `..` lies
    nowhere: its text would not say where it leads.
    """
    if not project or not pattern or ".." in re.split(r"[/\\]", project):
        return False
    first, *others = _folder(pattern).split("*")
    if not project.startswith(first):
        return False
    at = len(first)
    if not others:
        return _ends(project, at)
    # Each part as early as it can be: that leaves the most for the next ones, and takes time by length alone, which
    # a regular expression would not; the path is an agent's to choose.
    for part in others[:-1]:
        found = project.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    while (at := project.find(others[-1], at)) >= 0:
        if _ends(project, at + len(others[-1])):
            return True
        at += 1
    return False


def roles_within(scoped: Collection[ScopedRole], project: str) -> frozenset[str]:
    """The roles and approver groups that hold for a project."""
    return frozenset(each.role for each in scoped if is_within(project, each.project))


def expression_of(pattern: str) -> str:
    """The regular expression that says the same to PostgreSQL, which matches one without going back and forth."""
    parts = (re.escape(part) for part in re.sub(r"\*+", "*", _folder(pattern)).split("*"))
    return "^" + ".*".join(parts) + r"([/\\].*)?$"


def _folder(pattern: str) -> str:
    return pattern.rstrip("/\\")


def _ends(project: str, at: int) -> bool:
    """Whether a folder's name ends there."""
    return at == len(project) or project[at] in "/\\"
