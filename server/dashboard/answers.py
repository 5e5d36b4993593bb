"""What a person chose in the form of an ask that is a list of questions, as the response that approvals read."""

from collections.abc import Mapping
from typing import Any

from appliance.approvals.interactions import Interaction, Question


def response_of(fields: Mapping[str, str], interaction: Interaction) -> Mapping[str, Any] | None:
    """The answers in a form; None if nothing was chosen or written.

    Question 0 has its option in the field `q0`, or one field `q0_1` per chosen option where several may be chosen, and
    words of one's own in `t0`, which count in place of a single option and beside several.
    """
    answers = {}
    for place, question in enumerate(interaction.questions):
        chosen = _chosen(fields, place, question)
        if chosen:
            answers[question.question] = chosen if question.multi_select else chosen[-1]
    return {"answers": answers} if answers else None


def _chosen(fields: Mapping[str, str], place: int, question: Question) -> list[str]:
    """Labels in their order, then words of one's own."""
    one = fields.get(f"q{place}", "")
    chosen = [
        label for number, label in enumerate(question.labels) if one == str(number) or f"q{place}_{number}" in fields
    ]
    words = fields.get(f"t{place}", "").strip()
    return [*chosen, words] if words else chosen
