"""What an ask wants of people is read from the call, whichever agent's tool it is, and never guessed."""

from typing import Any

import msgspec
import pytest

from appliance.actions.records import Kind, Moment
from appliance.approvals.interactions import (
    APPROVAL,
    INTERACTION_BYTES_MAX,
    OPTIONS_MAX,
    QUESTIONS_MAX,
    AttentionKind,
    interaction_of,
)
from tests.support.decisions import action

ONE = {"question": "Which?", "options": [{"label": "A"}, {"label": "B"}]}


def asked(tool: str, arguments: dict[str, Any], **more: Any) -> Any:  # noqa: ANN401 - JSON as clients read it
    """The interaction of a call, as published clients read it."""
    call = action(tool=tool, kind=more.pop("kind", Kind.TOOL), arguments=arguments, **more)
    return msgspec.json.decode(msgspec.json.encode(interaction_of(call)))


def test_claudes_questions_are_told_as_clients_read_them() -> None:
    """Names of the wire, and the tool's own input beside them."""
    asking = {**ONE, "header": "Choice", "multiSelect": True}
    assert asked("AskUserQuestion", {"questions": [asking]}) == {
        "type": "questions",
        "questions": [
            {
                "question": "Which?",
                "options": [{"label": "A"}, {"label": "B"}],
                "multiSelect": True,
                "allowsText": True,
            }
        ],
        "originalInput": {"questions": [asking]},
    }


@pytest.mark.parametrize(
    ("tool", "arguments", "multiple", "text"),
    [
        ("request_user_input", {"questions": [{"id": "a", "header": "h", **ONE}]}, False, True),
        ("ask_user", {"question": "Which?", "choices": ["A", "B"], "allow_freeform": False}, False, False),
        ("vscode_askQuestions", {"questions": [{**ONE, "allowFreeformInput": False}]}, False, False),
        ("question", {"questions": [{**ONE, "multiple": True, "custom": False}]}, True, False),
        ("AskQuestion", {"questions": [{"prompt": "Which?", "options": ONE["options"]}]}, False, True),
        ("ask_followup_question", {"question": "Which?", "options": '["A", "B"]'}, False, True),
    ],
)
def test_every_agents_questions_are_found(tool: str, arguments: dict[str, Any], *, multiple: bool, text: bool) -> None:
    """Codex, Copilot, VS Code, OpenCode, Cursor and Cline spell them differently."""
    (question,) = interaction_of(action(tool=tool, kind=Kind.TOOL, arguments=arguments)).questions
    assert (question.question, question.labels) == ("Which?", ("A", "B"))
    assert (question.multi_select, question.allows_text) == (multiple, text)


@pytest.mark.parametrize("tool", ["ExitPlanMode", "exit_plan_mode", "create_plan"])
def test_a_plan_is_shown_for_review(tool: str) -> None:
    """Its text, and the kind of attention that it wants."""
    found = interaction_of(action(tool=tool, kind=Kind.TOOL, arguments={"plan": "# First\n1. read"}))
    assert (found.attention_kind, found.markdown) == (AttentionKind.PLAN_REVIEW, "# First\n1. read")
    assert asked(tool, {"plan": " "}) == {}


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"questions": []},
        {"questions": "Which?"},
        {"questions": ["Which?"]},
        {"questions": [{"question": 1}]},
        {"questions": [{"question": " "}]},
        {"questions": [ONE, ONE]},
        {"questions": [{**ONE, "options": [{"label": "A"}, {"label": "A"}]}]},
        {"questions": [{**ONE, "options": [{"label": 1}]}]},
        {"questions": [ONE, {"header": "nothing asked"}]},
        {"questions": [{"question": f"{number}?"} for number in range(QUESTIONS_MAX + 1)]},
        {"questions": [{"question": "?", "options": [{"label": str(number)} for number in range(OPTIONS_MAX + 1)]}]},
        {"questions": [{"question": "x" * INTERACTION_BYTES_MAX}]},
    ],
)
def test_what_is_not_plainly_a_list_of_questions_is_an_approval(arguments: dict[str, Any]) -> None:
    """People read the arguments themselves then; nothing is dropped or guessed."""
    assert interaction_of(action(tool="AskUserQuestion", kind=Kind.TOOL, arguments=arguments)) == APPROVAL


def test_other_tools_moments_and_servers_ask_for_approval() -> None:
    """A server's tool of the same name is none of the agent's own."""
    assert asked("Bash", {"questions": [ONE]}) == {}
    assert asked("AskUserQuestion", {"questions": [ONE]}, kind=Kind.MCP) == {}
    assert asked("AskUserQuestion", {"questions": [ONE]}, moment=Moment.AFTER_TOOL) == {}
