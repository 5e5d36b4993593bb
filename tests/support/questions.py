"""Agents that ask questions or show a plan, and a policy that lets people see both."""

from typing import Any

from tests.support.machines import bash

QUESTIONS = {
    "questions": [
        {
            "question": "Which database <b>shall</b> it be?", "header": "Database", "multiSelect": False,
            "options": [{"label": "PostgreSQL", "description": "As now"}, {"label": "SQLite", "description": "Small"}],
        },
        {
            "question": "Which regions?", "header": "Regions", "multiSelect": True,
            "options": [{"label": "Europe", "description": ""}, {"label": "Asia", "description": ""}],
        },
    ]
}  # fmt: skip
FIRST, SECOND = (each["question"] for each in QUESTIONS["questions"])
PLAN = "# Plan\n1. Read the tests\n2. <script>alert(1)</script>\u202e\n"
RULE = """
@id("people-see-questions") @ask("approver") @title("Questions go to people") @why("An agent wants to know.")
forbid (principal, action == Action::"tool", resource)
when { context.tool == "AskUserQuestion" || context.tool == "ExitPlanMode" };
"""
POLICY = f'@id("base") permit (principal, action, resource);{RULE}'


def asking(tool: str = "AskUserQuestion", arguments: Any = None) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """What Claude Code sends before it asks its person."""
    return {**bash(""), "tool_name": tool, "tool_input": QUESTIONS if arguments is None else arguments}


def planning() -> dict[str, Any]:
    """What Claude Code sends before it leaves plan mode."""
    return asking("ExitPlanMode", {"plan": PLAN})
