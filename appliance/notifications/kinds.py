"""How each kind of notification is worded, how urgent it is, and who hears of it; a new kind is one line here."""

from typing import Final, NamedTuple

from appliance.identity.records import Role
from appliance.notifications.records import Kind, Severity

_LOOKS_AFTER: Final = (Role.OWNER, Role.ADMINISTRATOR, Role.SECURITY)


class Telling(NamedTuple):
    """The words and the readers of a kind.

    Attributes:
        title: says what kind of thing happened and nothing of its content.
        path: the page that shows it; `{about}` stands for the identifier.
        roles: whoever holds one of these hears of it; empty: the ask's own terms decide, or the notice names a person.
        is_chosen: a person may do without it; the others always come.
    """

    title: str
    path: str
    severity: Severity = Severity.NORMAL
    roles: tuple[Role, ...] = ()
    is_chosen: bool = True


KINDS: Final[dict[Kind, Telling]] = {
    Kind.ASK_OPENED: Telling("An agent waits for an answer", "/approvals/{about}"),
    Kind.ASK_ENDED: Telling("An ask has ended", "/approvals/{about}", is_chosen=False),
    Kind.ASKS_MANY: Telling("Many agents wait for answers", "/approvals", Severity.HIGH),
    Kind.ASK_FATIGUE: Telling(
        "Somebody gets more asks than a person can judge", "/notifications", Severity.HIGH, (Role.OWNER, Role.SECURITY)
    ),
    Kind.BREAK_GLASS: Telling("The glass is touched", "/", Severity.HIGH, _LOOKS_AFTER, is_chosen=False),
    Kind.DIRECTORY_HELD: Telling(
        "A directory's run waits for a person", "/directories", Severity.HIGH, (Role.OWNER, Role.ADMINISTRATOR)
    ),
    Kind.DIRECTORY_FAILING: Telling(
        "A directory cannot be read", "/directories", roles=(Role.OWNER, Role.ADMINISTRATOR)
    ),
    Kind.COVERAGE_TAMPERED: Telling("An agent's hooks were changed", "/agents/coverage", Severity.HIGH, _LOOKS_AFTER),
    Kind.COVERAGE_SILENT: Telling("An agent works without its hooks", "/agents/coverage", roles=_LOOKS_AFTER),
    Kind.DELIVERY_DEAD: Telling(
        "A webhook could not be told", "/notifications", roles=(Role.OWNER, Role.ADMINISTRATOR)
    ),
    Kind.TEST: Telling("A test from OpenLeash", "/account/notifications", is_chosen=False),
}
CHOSEN: Final = tuple(kind for kind, telling in KINDS.items() if telling.is_chosen)
