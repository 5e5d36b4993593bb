"""What an app asks its person, and how its answers find their questions again."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from appliance.approvals import interactions
from appliance.approvals.interactions import InteractionType
from server.api.clients.texts import QUOTE_MAX, plain


class OptionView(msgspec.Struct, frozen=True, kw_only=True):
    """One of the answers that an agent offers."""

    label: str
    description: str


class QuestionView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A question of an agent; its text names its answer in the app's response."""

    question: str
    multi_select: bool
    options: list[OptionView]


class Interaction(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How an app asks its person: two buttons, questions, or a plan to look at.

    Attributes:
        original_input: the tool's own input with secrets masked; apps send it back with `answers` in it, and only
            those are read.
    """

    type: str
    questions: list[QuestionView] | UnsetType = UNSET
    markdown: str | UnsetType = UNSET
    original_input: Mapping[str, Any] | UnsetType = UNSET


def shown(asked: interactions.Interaction) -> Interaction:
    """What an app shows of it, with hidden characters marked."""
    if asked.type is InteractionType.APPROVAL:
        return Interaction(type=asked.type.value)
    if asked.type is InteractionType.PLAN:
        plan = plain(asked.markdown, interactions.INTERACTION_BYTES_MAX)
        return Interaction(type=asked.type.value, markdown=plan, original_input=asked.original_input)
    questions = [
        QuestionView(
            question=_name(question.question),
            multi_select=question.multi_select,
            options=[
                OptionView(label=_name(option.label), description=plain(option.description))
                for option in question.options
            ],
        )
        for question in asked.questions
    ]
    return Interaction(type=asked.type.value, questions=questions, original_input=asked.original_input)


def given(asked: interactions.Interaction, response: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """An app's response with questions and labels as the agent wrote them, where the app saw them marked."""
    answers = response.get("answers") if response else None
    if response is None or not isinstance(answers, dict):
        return response
    texts = {_name(question.question): question.question for question in asked.questions}
    labels = {_name(label): label for question in asked.questions for label in question.labels}
    return {**response, "answers": {texts.get(name, name): _words(value, labels) for name, value in answers.items()}}


def _words(value: Any, labels: Mapping[str, str]) -> Any:  # noqa: ANN401 - any JSON value; the service checks it
    if isinstance(value, str):
        return labels.get(value, value)
    return [_words(each, labels) for each in value] if isinstance(value, list) else value


def _name(text: str) -> str:
    """A text that is compared later: nothing of it is folded away."""
    return plain(text, max(QUOTE_MAX, len(text)))
