"""What Cedar said is remembered for the same question, and for no other."""

from appliance.actions.records import Action, Command, Facts, Kind, Moment, Outcome, Verdict
from appliance.policy.answers import CedarAnswer, CedarAnswers
from appliance.policy.evaluation import evaluate
from appliance.policy.records import Subject
from appliance.policy.validation import compile_policies

TEXT = """
@id("base") permit (principal, action, resource);
@id("no-rm") forbid (principal, action, resource) when { context.programs.contains("rm") };
@id("not-there") forbid (principal, action, resource == Project::"/secret");
"""
SUBJECT = Subject(machine="m", person="")


def _outcome(program: str, project: str = "/src") -> Outcome:
    action = Action(agent="claude", event="PreToolUse", moment=Moment.BEFORE_TOOL, kind=Kind.SHELL, project=project)
    facts = Facts(commands=(Command(program=program, words=(program,)),))
    return evaluate(COMPILED, action, facts, (), SUBJECT).outcome


COMPILED = compile_policies(TEXT, 1)


def test_a_repeated_question_gets_the_same_answer_and_another_one_its_own() -> None:
    """Allow and deny alternate as the facts do, however often they were asked before."""
    for _ in range(3):
        assert _outcome("ls") is Outcome.ALLOW
        assert _outcome("rm") is Outcome.DENY
        assert _outcome("ls", "/secret") is Outcome.DENY
        assert _outcome("ls", "/src") is Outcome.ALLOW


def test_memory_is_bounded() -> None:
    """Ten thousand different questions leave at most 8,192 answers, and a long question leaves none."""
    answers, said = CedarAnswers(), CedarAnswer(None, (), ())  # type: ignore[arg-type] # what it holds is not looked at
    for number in range(10_000):
        answers.keep((1, "a", "shell", "/", str(number).encode()), said)
    assert len(answers._kept) <= 8_192
    long = (1, "a", "shell", "/" * 300, b"x" * 300)
    assert answers.keep(long, said) is said
    assert answers.get(long) is None
    answers.forget()
    assert not answers._kept


def test_what_an_allow_reads_like_is_remembered_for_the_same_policies_only() -> None:
    """A bounded number of sets of policies is kept, and none after forgetting."""
    answers, verdict = CedarAnswers(), Verdict(outcome=Outcome.ALLOW, policy_version=1, policies=(), reason="")
    for number in range(2_000):
        assert answers.keep_allowed((number,), verdict) is verdict
    assert answers.allowed((1_999,)) is verdict
    assert answers.allowed((1_998, 1_999)) is None
    assert len(answers._allowed) <= 512
    answers.forget()
    assert answers.allowed((1_999,)) is None
