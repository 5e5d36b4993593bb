"""The policies that the reference recommends: they compile, and ask for what the text says and for nothing else."""

import re
import textwrap
from pathlib import Path

import pytest

from appliance.actions.records import Action, AskTerms, Kind, Moment, Outcome
from appliance.policy.compilation import STARTER_TEXT
from appliance.policy.evaluation import evaluate
from appliance.policy.records import Subject
from appliance.policy.validation import compile_policies
from appliance.protection.commands.facts import facts_of

REFERENCE = (Path(__file__).parents[3] / "docs/reference/policy.md").read_text("utf-8")
_SECTION = REFERENCE.split("## High risk", 1)[1].split("\n## ", 1)[0]
RECIPES = textwrap.dedent("".join(re.findall(r"^(?: {4}.*)?\n", _SECTION, re.MULTILINE)))
POLICIES = compile_policies(f"{STARTER_TEXT}\n{RECIPES}", 2)
STARTER = compile_policies(STARTER_TEXT, 1)


def terms_of(line: str) -> AskTerms:
    arguments = {"command": line}
    action = Action(
        agent="claude", event="PreToolUse", moment=Moment.BEFORE_TOOL, kind=Kind.SHELL, tool="Bash",
        arguments=arguments, project="/home/ada/shop", body={"tool_name": "Bash", "tool_input": arguments},
    )  # fmt: skip
    verdict = evaluate(POLICIES, action, facts_of(action), (), Subject(machine="m", person="ada"))
    assert verdict.outcome is Outcome.ASK, verdict.reason
    assert verdict.ask is not None
    return verdict.ask


def test_destruction_in_production_wants_a_proof() -> None:
    """On top of the two people within fifteen minutes that the pack wants; no number."""
    terms = terms_of("kubectl --context production delete namespace shop")
    assert (terms.step_up, terms.match_number, terms.quorum, terms.expires_seconds) == (True, False, 2, 900)


def test_publishing_wants_a_number() -> None:
    """And no proof."""
    terms = terms_of("npm publish")
    assert (terms.step_up, terms.match_number, terms.allows_self) == (False, True, False)


@pytest.mark.parametrize(
    "line",
    [
        "git push --force", "git reset --hard HEAD~3", "psql -c 'DROP TABLE users'", "sudo apt-get install jq",
        "kubectl --context production get pods", "printenv", "cat ~/.aws/credentials", "crontab jobs",
    ],
)  # fmt: skip
def test_usual_asks_are_still_answered_from_apps(line: str) -> None:
    """Neither a proof nor a number, which published apps cannot give."""
    terms = terms_of(line)
    assert (terms.step_up, terms.match_number) == (False, False)


def test_the_starter_pack_can_be_answered_from_apps() -> None:
    """Whoever installs this and has only the published app can allow whatever may be allowed."""
    ours = {policy.match.id for policy in STARTER.policies}
    assert {policy.match.id for policy in POLICIES.policies} - ours == {"grave-production", "grave-package-publish"}
    annotations = re.findall(r"^@(\w+)", STARTER_TEXT, re.MULTILINE)
    assert "ask" in annotations
    assert not {"step_up", "match_number"} & set(annotations)
