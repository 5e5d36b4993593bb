"""The one root of the errors that this product raises on purpose."""

from typing import ClassVar


class LeashError(Exception):
    """An error that a person can act on.

    Attributes:
        code: stable, part of the API, `noun_problem` (documented in docs/reference/errors.md).
        summary: what kind of failure this is, without the facts of the case.
        next_step: what the reader can do about it, a full sentence, or empty.
    """

    code: ClassVar[str] = "internal_error"
    summary: ClassVar[str] = "Something failed inside the service"
    next_step: ClassVar[str] = ""

    def __init__(self, detail: str = "") -> None:
        self.detail = detail or self.summary
        super().__init__(self.detail)
