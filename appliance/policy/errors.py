"""What can go wrong with policies, each with a stable code."""

from typing import ClassVar

from appliance.errors import LeashError
from appliance.policy.records import Problem, Severity


class PolicyError(LeashError):
    """Root of the policy feature's errors."""

    code: ClassVar[str] = "policy_error"
    summary: ClassVar[str] = "The policy request failed"


class PolicyInvalidError(PolicyError):
    """The text cannot be published; `problems` tells each reason with its line."""

    code: ClassVar[str] = "policy_invalid"
    summary: ClassVar[str] = "The policy text has errors"
    next_step: ClassVar[str] = "Correct the lines named in the problems and validate the text again."

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        found = [problem for problem in problems if problem.severity is Severity.ERROR]
        first = f"; first: line {found[0].line}: {found[0].message}" if found else ""
        super().__init__(f"The policy text has {len(found)} error(s){first}")


class PolicyConflictError(PolicyError):
    """Somebody else published since the caller looked."""

    code: ClassVar[str] = "policy_conflict"
    summary: ClassVar[str] = "Another version was published meanwhile"
    next_step: ClassVar[str] = "Compare your text with the active version, then publish again on top of it."

    def __init__(self, expected: int, active: int) -> None:
        self.expected = expected
        self.active = active
        super().__init__(f"Expected version {expected} to be active, but version {active} is")


class PolicyVersionUnknownError(PolicyError):
    """No such version was ever published."""

    code: ClassVar[str] = "policy_version_unknown"
    summary: ClassVar[str] = "There is no such policy version"
    next_step: ClassVar[str] = "Look at the policy history for the versions that exist."

    def __init__(self, version: int) -> None:
        self.version = version
        super().__init__(f"There is no policy version {version}")


class PolicyDraftUnknownError(PolicyError):
    """The author has no draft of that name."""

    code: ClassVar[str] = "policy_draft_unknown"
    summary: ClassVar[str] = "There is no such policy draft"
    next_step: ClassVar[str] = "Look at the list of your drafts for the names that exist."


class PolicyDraftRefusedError(PolicyError):
    """The draft's name or size is beyond what is kept."""

    code: ClassVar[str] = "policy_draft_refused"
    summary: ClassVar[str] = "The policy draft cannot be kept"
    next_step: ClassVar[str] = "Choose a name of 1 to 80 characters and a text of at most 1 MiB."


class PolicyNoteRefusedError(PolicyError):
    """A publication needs a short note that tells why."""

    code: ClassVar[str] = "policy_note_refused"
    summary: ClassVar[str] = "The publication's note cannot be kept"
    next_step: ClassVar[str] = "Give a note of 1 to 500 characters that tells why the policy changes."
