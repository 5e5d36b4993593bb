"""Of a client's response only answers to what was asked are taken, and the agent gets its own input back with them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.actions.records import Action, Kind
from appliance.approvals.errors import ResponseRefusedError
from appliance.approvals.interactions import Interaction, interaction_of
from appliance.approvals.responses import ANSWER_CHARACTERS_MAX, RESPONSE_BYTES_MAX, answered_input, answers_of
from tests.support.decisions import action

QUESTIONS = [
    {"question": "Which colour?", "options": [{"label": "Red"}, {"label": "Blue"}]},
    {"question": "Which sizes?", "options": ["S", "M"], "multiSelect": True, "custom": False},
]


def asking(questions: list[dict[str, Any]] | None = None) -> Action:
    """A call with questions in it."""
    return action(tool="AskUserQuestion", kind=Kind.TOOL, arguments={"questions": questions or QUESTIONS, "more": 1})


SHOWN = interaction_of(asking())


def answers(given: Any, shown: Interaction = SHOWN) -> Any:  # noqa: ANN401 - any JSON value
    """What is taken of a response with these answers."""
    return answers_of({"answers": given}, shown, lambda text: text.replace("hunter2", "[secret]"))


def test_labels_and_words_are_taken() -> None:
    """Several where several may be chosen, each once; words are masked, because they are kept."""
    assert answers({"Which colour?": "Red"}) == {"Which colour?": "Red"}
    assert answers({"Which sizes?": ["S", "M", "S"]}) == {"Which sizes?": ("S", "M")}
    assert answers({"Which colour?": " teal, hunter2\0 "}) == {"Which colour?": "teal, [secret]\ufffd"}
    assert answers({"Which colour?": "", "Which sizes?": []}) == {}


def test_nothing_else_of_a_response_is_read() -> None:
    """Published clients send the original input with it; whatever it says, the live call counts."""
    response = {"questions": [], "command": "rm -rf /", "answers": {"Which colour?": "Red"}}
    taken = answers_of(response, SHOWN, str)
    assert answered_input(asking(), SHOWN, taken) == {
        "questions": QUESTIONS, "more": 1, "answers": {"Which colour?": "Red"},
    }  # fmt: skip
    assert answers_of(response, interaction_of(action()), str) == {}
    assert answers_of(None, SHOWN, str) == {}
    assert answers_of({"questions": []}, SHOWN, str) == {}


@pytest.mark.parametrize(
    "given",
    [
        [],
        "Red",
        {"Which day?": "Monday"},
        {"Which colour?": 1},
        {"Which colour?": ["Red", 1]},
        {"Which colour?": ["Red", "Blue"]},
        {"Which sizes?": "XL"},
        {"Which sizes?": ["S", "XL"]},
        {"Which colour?": {"label": "Red"}},
        {"Which colour?": "x" * (ANSWER_CHARACTERS_MAX + 1)},
        {"Which colour?": "x" * RESPONSE_BYTES_MAX},
    ],
)
def test_what_is_no_answer_is_refused(given: Any) -> None:  # noqa: ANN401 - any JSON value
    """Questions that were not asked, options that were not offered, several for one, other types, too much."""
    with pytest.raises(ResponseRefusedError):
        answers(given)


def test_an_answer_finds_its_question_behind_a_mask() -> None:
    """People answer what they were shown; the agent gets its own words."""
    secret = "ghp_" + "a1B2" * 9
    live = asking([{"question": f"Use {secret}?", "options": [f"Yes, {secret}", "No"]}])
    shown = interaction_of(asking([{"question": "Use [mark]?", "options": ["Yes, [mark]", "No"]}]))
    updated = answered_input(live, shown, answers({"Use [mark]?": "Yes, [mark]"}, shown))
    assert updated is not None
    assert updated["answers"] == {f"Use {secret}?": f"Yes, {secret}"}


def test_without_answers_the_input_stays() -> None:
    """And several labels become the one text that agents read."""
    assert answered_input(asking(), SHOWN, {}) is None
    assert answered_input(action(), SHOWN, {"Which colour?": "Red"}) is None
    updated = answered_input(asking(), SHOWN, {"Which sizes?": ("S", "M")})
    assert updated is not None
    assert updated["answers"] == {"Which sizes?": "S, M"}


def test_an_agents_own_answers_do_not_stay() -> None:
    """Whether people answer or not, and also where the call is too odd to be shown as questions."""
    own = {"answers": {"Which colour?": "Red", "Which sizes?": "S"}, "annotations": {"Which colour?": {"notes": "yes"}}}
    live = action(tool="AskUserQuestion", kind=Kind.TOOL, arguments={"questions": QUESTIONS, "more": 1, **own})
    shown = interaction_of(live)
    assert shown == SHOWN
    assert answered_input(live, shown, {}) == {"questions": QUESTIONS, "more": 1}
    answered = answered_input(live, shown, {"Which colour?": "Blue"})
    assert answered == {"questions": QUESTIONS, "more": 1, "answers": {"Which colour?": "Blue"}}
    twice = [QUESTIONS[0], QUESTIONS[0]]
    odd = action(tool="AskUserQuestion", kind=Kind.TOOL, arguments={"questions": twice, **own})
    assert answered_input(odd, interaction_of(odd), {}) == {"questions": twice}
    other = action(arguments={"command": "x", **own})
    assert answered_input(other, interaction_of(other), {}) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(response=st.dictionaries(st.text() | st.just("answers"), JSON, max_size=4))
def test_no_response_changes_more_than_the_answers(response: dict[str, Any]) -> None:
    """Whatever a client sends: it is refused, or the input is the live call's with answers to its questions."""
    try:
        taken = answers_of(response, SHOWN, str)
    except ResponseRefusedError:
        return
    updated = answered_input(asking(), SHOWN, taken)
    assert updated is None or {**updated, "answers": None} == {**asking().arguments, "answers": None}
    assert set(taken) <= {"Which colour?", "Which sizes?"}
