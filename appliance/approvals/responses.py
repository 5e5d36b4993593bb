"""A person's answers to an agent's questions: what is taken of a client's response, and what the agent gets (pure)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from appliance.actions.records import Action
from appliance.approvals.errors import ResponseRefusedError
from appliance.approvals.interactions import (
    Interaction,
    InteractionType,
    Question,
    interaction_of,
    is_question,
    without_answers,
)

RESPONSE_BYTES_MAX: Final = 64 * 1024
ANSWER_CHARACTERS_MAX: Final = 4_000
# By the question's text: a label, words of one's own, or several of them.
Answers = Mapping[str, str | tuple[str, ...]]
_BETWEEN: Final = ", "  # what agents read between several labels


def answers_of(response: Mapping[str, Any] | None, shown: Interaction, mask: Callable[[str], str]) -> Answers:
    """The answers in a client's response to what was shown; empty if there are none, or nothing was asked.

    Nothing else of the response is read. Labels are those that were shown; other words are masked, because they are
    kept.

    Raises:
        ResponseRefusedError: too large, no such question, or not an answer to it.
    """
    if not response or shown.type is not InteractionType.QUESTIONS:
        return {}
    if len(msgspec.json.encode(response)) > RESPONSE_BYTES_MAX:
        raise ResponseRefusedError(f"The response has more than {RESPONSE_BYTES_MAX} bytes")
    given = response.get("answers")
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise ResponseRefusedError("The field answers of the response is not an object")
    asked = {question.question: question for question in shown.questions}
    answers: dict[str, str | tuple[str, ...]] = {}
    for text, value in given.items():
        if text not in asked:
            raise ResponseRefusedError("The response answers a question that was not asked")
        answer = _answer_of(asked[text], value, mask)
        if answer:
            answers[text] = answer
    return answers


def check_agreement(first: Answers, given: Answers) -> None:
    """Check that these are the answers that the first who answered gave, if anybody did; under the ask's lock.

    Raises:
        ResponseRefusedError: somebody else has answered differently.
    """
    if given and first and given != first:
        raise ResponseRefusedError("Somebody else has answered these questions differently")


def _answer_of(question: Question, value: object, mask: Callable[[str], str]) -> str | tuple[str, ...]:
    if isinstance(value, str):
        return _words(question, value, mask)
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise ResponseRefusedError("An answer is neither text nor a list of texts")
    chosen = tuple(dict.fromkeys(_words(question, each, mask) for each in value))
    if len(chosen) > 1 and not question.multi_select:
        raise ResponseRefusedError("A question with one answer got several")
    return chosen


def _words(question: Question, text: str, mask: Callable[[str], str]) -> str:
    if text in question.labels:
        return text
    words = text.strip().encode(errors="replace").decode().replace("\0", "\ufffd")
    if words and not question.allows_text:
        raise ResponseRefusedError("The agent takes only one of its own options")
    if len(words) > ANSWER_CHARACTERS_MAX:
        raise ResponseRefusedError(f"An answer has more than {ANSWER_CHARACTERS_MAX} characters")
    return mask(words)


def answered_input(live: Action, shown: Interaction, answers: Answers) -> Mapping[str, Any] | None:
    """The live call's own input with people's answers in it, and none of the agent's; None where it stays as it is.

    What was shown is the live call with its secrets masked, question by question and option by option, so an answer
    finds its question by place, and the agent gets its own words back.
    """
    asked = interaction_of(live)
    unanswered = without_answers(live.arguments) if is_question(live) else live.arguments
    if not answers or asked.type is not InteractionType.QUESTIONS or len(asked.questions) != len(shown.questions):
        return unanswered if len(unanswered) < len(live.arguments) else None
    given = {}
    for seen, own in zip(shown.questions, asked.questions, strict=True):
        answer = answers.get(seen.question)
        if answer is not None:
            own_words = dict(zip(seen.labels, own.labels, strict=False))
            chosen = (answer,) if isinstance(answer, str) else answer
            given[own.question] = _BETWEEN.join(own_words.get(each, each) for each in chosen)
    return {**unanswered, "answers": given}
