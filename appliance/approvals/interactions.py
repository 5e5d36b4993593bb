"""What an ask wants of a person besides allow or deny: answers to questions, or a look at a plan (pure)."""

from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Any, Final

import msgspec

from appliance.actions.records import Action, Kind, Moment

INTERACTION_BYTES_MAX: Final = 64 * 1024
QUESTIONS_MAX: Final = 20
OPTIONS_MAX: Final = 50
_QUESTION_TOOLS: Final = frozenset(
    {
        "askuserquestion",  # Claude Code
        "askuser",  # Copilot CLI, Gemini CLI
        "askquestion", "askquestions", "vscodeaskquestions",  # Cursor, VS Code
        "requestuserinput",  # Codex
        "question",  # OpenCode
        "askfollowupquestion",  # Cline
    }
)  # fmt: skip
_PLAN_TOOLS: Final = frozenset({"exitplanmode", "planexit", "createplan", "planmoderespond"})
_QUESTION: Final = ("question", "prompt")
_OPTIONS: Final = ("options", "choices")
_MULTIPLE: Final = ("multiSelect", "multiple", "allow_multiple", "allowMultiple")
# An agent that says no to these takes nothing but one of its options.
_FREE: Final = ("allowFreeformInput", "allow_freeform", "custom")
_FILLED_IN: Final = frozenset({"answers", "annotations"})  # Claude Code's names for what its person answered
_PLAN: Final = ("plan", "markdown", "summary", "response")


class InteractionType(StrEnum):
    """What people are shown, as published clients call it."""

    APPROVAL = "approval"
    QUESTIONS = "questions"
    PLAN = "plan"


class AttentionKind(StrEnum):
    """What people are wanted for, as published clients call it."""

    APPROVAL = "approval"
    QUESTION = "question"
    PLAN_REVIEW = "plan_review"


_KINDS: Final = {
    InteractionType.APPROVAL: AttentionKind.APPROVAL,
    InteractionType.QUESTIONS: AttentionKind.QUESTION,
    InteractionType.PLAN: AttentionKind.PLAN_REVIEW,
}


class Option(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of the answers that an agent offers; `description` is the agent's own remark about it."""

    label: str
    description: str = ""


class Question(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A question of an agent.

    Attributes:
        question: its text, by which its answer is named.
        multi_select: several options may be chosen.
        allows_text: an answer may be words that are none of the options.
    """

    question: str
    options: tuple[Option, ...] = ()
    multi_select: bool = False
    allows_text: bool = True

    @property
    def labels(self) -> tuple[str, ...]:
        """The texts of the options."""
        return tuple(option.label for option in self.options)


class Interaction(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What people see and answer; encoded as published clients read it.

    Attributes:
        markdown: the plan, where there is one to look at.
        original_input: the tool's input that the questions or the plan stand in, without answers of the agent's own.
    """

    type: InteractionType = InteractionType.APPROVAL
    questions: tuple[Question, ...] = ()
    markdown: str = ""
    original_input: Mapping[str, Any] = msgspec.field(default_factory=dict)

    @property
    def attention_kind(self) -> AttentionKind:
        """What people are wanted for."""
        return _KINDS[self.type]


APPROVAL: Final = Interaction()


def interaction_of(action: Action) -> Interaction:
    """What a call that waits for people asks of them.

    Whatever is not plainly a list of questions or a plan is an approval: people then read the arguments themselves.
    """
    if is_question(action):
        found = _questions_of(action.arguments)
    elif _is_of(action, _PLAN_TOOLS):
        found = _plan_of(action.arguments)
    else:
        return APPROVAL
    return found if len(msgspec.json.encode(found)) <= INTERACTION_BYTES_MAX else APPROVAL


def is_question(action: Action) -> bool:
    """Whether the call is of a tool by which an agent asks its person."""
    return _is_of(action, _QUESTION_TOOLS)


def without_answers(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a question's tool is called with, apart from what only a person may fill in."""
    return {name: value for name, value in arguments.items() if name not in _FILLED_IN}


def _is_of(action: Action, tools: frozenset[str]) -> bool:
    is_tool = action.moment is Moment.BEFORE_TOOL and action.kind is not Kind.MCP
    return is_tool and action.tool.lower().replace("_", "").replace("-", "") in tools


def _questions_of(arguments: Mapping[str, Any]) -> Interaction:
    listed = arguments.get("questions")
    asked = listed if type(listed) is list else [arguments]
    questions = [_question_of(each) for each in asked[: QUESTIONS_MAX + 1]]
    known = [each for each in questions if each is not None]
    # Answers are named by the question's text: two questions of one text could not be told apart.
    names = {each.question for each in known}
    if not known or len(known) > QUESTIONS_MAX or not len(names) == len(known) == len(questions):
        return APPROVAL
    own = without_answers(arguments)
    return Interaction(type=InteractionType.QUESTIONS, questions=tuple(known), original_input=own)


def _question_of(told: Any) -> Question | None:  # noqa: ANN401 - any JSON value
    if type(told) is not dict:
        return None
    text = _first(told, _QUESTION)
    options = _listed(_first(told, _OPTIONS))
    labels = [_option_of(each) for each in options[: OPTIONS_MAX + 1]] if type(options) is list else []
    known = [each for each in labels if each is not None]
    is_plain = len({each.label for each in known}) == len(labels) <= OPTIONS_MAX
    if type(text) is not str or not text.strip() or not is_plain:
        return None
    return Question(
        question=text,
        options=tuple(known),
        multi_select=_first(told, _MULTIPLE) is True,
        allows_text=not known or _first(told, _FREE) is not False,
    )


def _listed(options: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Options as a list, also where they are a text with a list in it, as Cline has them."""
    if type(options) is str:
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(options)
    return options


def _option_of(told: Any) -> Option | None:  # noqa: ANN401 - any JSON value
    if type(told) is str:
        return Option(label=told) if told.strip() else None
    label = told.get("label") if type(told) is dict else None
    if type(label) is not str or not label.strip():
        return None
    description = told.get("description")
    return Option(label=label, description=description if type(description) is str else "")


def _plan_of(arguments: Mapping[str, Any]) -> Interaction:
    plan = _first(arguments, _PLAN)
    if type(plan) is not str or not plan.strip():
        return APPROVAL
    return Interaction(type=InteractionType.PLAN, markdown=plan, original_input=arguments)


def _first(told: Mapping[str, Any], names: tuple[str, ...]) -> Any:  # noqa: ANN401 - any JSON value
    return next((told[name] for name in names if told.get(name) is not None), None)
