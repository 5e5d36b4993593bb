"""Verdicts: allow, deny, ask, and the safe side of every doubt."""

import pytest

from appliance.actions.records import Action, Command, Facts, Finding, Kind, Moment, Outcome, Verdict
from appliance.policy.evaluation import MOST_COMMANDS, evaluate
from appliance.policy.records import Subject
from appliance.policy.validation import compile_policies

PERMIT = '@id("base") @title("Base") permit (principal, action, resource);'
RM = 'forbid (principal, action, resource) when { context.programs.contains("rm") };'
ASK = f'@id("ask-rm") @title("Ask rm") @ask {RM}'
FORBID = f'@id("no-rm") @title("No rm") {RM}'
BROKEN = """@id("broken") @title("Broken") forbid (principal, action, resource)
when { if context.understood then 9223372036854775807 + 1 == 0 else false };"""
SUBJECT = Subject(machine="m-1", person="p-1", groups=("developers",))


def command(line: str, *effects: str, why: tuple[str, ...] = ()) -> Command:
    words = tuple(line.split())
    return Command(program=words[0] if words else "", words=words, effects=effects, why=why)


def judge(
    policies: str,
    *commands: Command,
    kind: Kind = Kind.SHELL,
    findings: tuple[Finding, ...] = (),
    project: str = "/home/ada/shop",
    understood: bool = True,
    subject: Subject = SUBJECT,
) -> Verdict:
    line = "; ".join(" ".join(each.words) for each in commands)
    action = Action(
        agent="claude",
        event="PreToolUse",
        moment=Moment.BEFORE_TOOL,
        kind=kind,
        tool="Bash",
        arguments={"command": line},
        project=project,
    )
    effects = tuple(dict.fromkeys(effect for each in commands for effect in each.effects))
    facts = Facts(commands=commands, effects=effects, is_understood=understood)
    return evaluate(compile_policies(policies, 7), action, facts, findings, subject)


def test_a_permit_allows_and_is_named_with_its_version() -> None:
    """The verdict tells which policy of which version allowed."""
    verdict = judge(PERMIT, command("ls"))
    assert (verdict.outcome, verdict.policy_version, verdict.policies[0].id) == (Outcome.ALLOW, 7, "base")
    assert verdict.reason == "Allowed by “Base”."


def test_without_a_permit_everything_is_denied() -> None:
    """An empty text permits nothing."""
    verdict = judge("", command("ls"))
    assert verdict.outcome is Outcome.DENY
    assert verdict.reason == "Denied because no policy allows this."


def test_an_ask_asks_on_its_terms() -> None:
    """Roles, quorum, expiry and self-approval come from the annotations."""
    terms = '@ask("security, owner") @quorum("2") @expires("15m") @allow_self'
    verdict = judge(PERMIT + ASK.replace("@ask", terms), command("rm x", "destructive"))
    assert verdict.outcome is Outcome.ASK
    assert verdict.ask is not None
    assert verdict.ask.roles == ("security", "owner")
    assert (verdict.ask.quorum, verdict.ask.expires_seconds, verdict.ask.allows_self) == (2, 900, True)


def test_an_ask_without_a_permit_is_denied() -> None:
    """Nobody is asked about what would be denied anyway."""
    assert judge(ASK, command("rm x")).outcome is Outcome.DENY


def test_a_forbid_beats_an_ask() -> None:
    """A plain forbid denies, and the reason names it and not the ask."""
    verdict = judge(PERMIT + ASK + FORBID, command("rm x"))
    assert verdict.outcome is Outcome.DENY
    assert [policy.id for policy in verdict.policies] == ["no-rm"]


@pytest.mark.parametrize("others", [PERMIT, PERMIT + ASK, PERMIT + FORBID])
def test_a_policy_that_fails_denies(others: str) -> None:
    """Cedar would skip a failing forbid; here it denies and is named."""
    verdict = judge(others + BROKEN, command("rm x"))
    assert verdict.outcome is Outcome.DENY
    assert verdict.reason == "Denied because the policy “Broken” could not be evaluated."
    assert [policy.id for policy in verdict.policies] == ["broken"]


def test_the_strictest_of_several_asks_counts() -> None:
    """Common roles, largest quorum, shortest expiry, self only if all allow it."""
    terms = '@ask("security,owner") @quorum("3") @expires("2h") @allow_self'
    other = f'@id("ask-x") {terms} forbid (principal, action, resource);'
    first = ASK.replace("@ask", '@ask("approver,security") @expires("5m")')
    verdict = judge(PERMIT + first + other, command("rm x"))
    assert verdict.ask is not None
    assert verdict.ask.roles == ("security",)
    assert (verdict.ask.quorum, verdict.ask.expires_seconds, verdict.ask.allows_self) == (3, 300, False)


def test_asks_that_nobody_may_answer_together_deny() -> None:
    """Where no role may answer every ask, waiting would be in vain."""
    other = '@id("ask-x") @ask("owner") forbid (principal, action, resource);'
    verdict = judge(PERMIT + ASK + other, command("rm x"))
    assert verdict.outcome is Outcome.DENY
    assert "different roles" in verdict.reason


def test_each_command_of_a_line_is_judged_alone() -> None:
    """A condition on one program sees a chained command, which the whole line's union would hide."""
    forbid = """@id("no-rm") forbid (principal, action, resource)
    when { context.program == "rm" && !context.words.contains("--dry-run") };"""
    assert judge(PERMIT + forbid, command("echo --dry-run"), command("rm x")).outcome is Outcome.DENY
    assert judge(PERMIT + forbid, command("echo x"), command("rm --dry-run")).outcome is Outcome.ALLOW


def test_the_whole_line_is_judged_too() -> None:
    """Reading a key in one command and sending in the next is seen together."""
    forbid = """@id("no-leak") forbid (principal, action, resource)
    when { context.effects.containsAll(["credential_read", "uploads"]) };"""
    commands = (command("cat key", "credential_read"), command("curl -T x", "uploads"))
    assert judge(PERMIT + forbid, *commands).outcome is Outcome.DENY
    assert judge(PERMIT + forbid, commands[0]).outcome is Outcome.ALLOW


def test_one_asked_and_one_denied_command_deny_the_line() -> None:
    """The strictest verdict of all commands is the line's."""
    deny_dd = '@id("no-dd") forbid (principal, action, resource) when { context.program == "dd" };'
    ask_rm = '@id("ask-rm") @ask forbid (principal, action, resource) when { context.program == "rm" };'
    assert judge(PERMIT + deny_dd + ask_rm, command("rm x"), command("dd y")).outcome is Outcome.DENY
    assert judge(PERMIT + deny_dd + ask_rm, command("rm x"), command("ls")).outcome is Outcome.ASK


def test_the_reason_tells_what_was_seen_of_the_effect_in_question() -> None:
    """Of several sentences, the one about the effect that the policy names is told."""
    forbid = """@id("f") @title("No force") forbid (principal, action, resource)
    when { context.effects.contains("force_push") };"""
    seen = command("git push -f", "network", "force_push", why=("Talks to a host.", "git push -f overwrites main."))
    assert judge(PERMIT + forbid, seen).reason == "Denied by “No force”: git push -f overwrites main."


def test_the_reason_names_secrets_by_rule() -> None:
    """A policy about secrets says which rule found one."""
    forbid = '@id("f") @title("No secrets") forbid (principal, action, resource) when { !context.secrets.isEmpty() };'
    finding = Finding(rule="aws-key", pointer="/a", start=0, end=4, length=4, fingerprint="0" * 16)
    verdict = judge(PERMIT + forbid, command("x"), findings=(finding,))
    assert verdict.reason == "Denied by “No secrets”: it holds a secret (aws-key)."


def test_an_allowed_command_never_changes_a_later_decision() -> None:
    """There is no memory: the same call gets the same verdict whatever came before."""
    compiled = PERMIT + ASK
    before = judge(compiled, command("rm x"))
    for _ in range(3):
        assert judge(compiled, command("ls")).outcome is Outcome.ALLOW
    assert judge(compiled, command("rm x")) == before


def test_projects_below_a_folder_are_in_it() -> None:
    """`resource in` holds for the folder itself and every project below it, and for no other."""
    forbid = '@id("f") forbid (principal, action, resource in Project::"/srv/pay");'
    for project, outcome in (
        ("/srv/pay", Outcome.DENY),
        ("/srv/pay/api/x", Outcome.DENY),
        ("/srv/payroll", Outcome.ALLOW),
        ("", Outcome.ALLOW),
    ):
        assert judge(PERMIT + forbid, command("ls"), project=project).outcome is outcome
    permit = '@id("p") permit (principal, action, resource in Project::"/srv");'
    assert judge(permit, command("ls"), project="/srv/a").outcome is Outcome.ALLOW
    assert judge(permit, command("ls"), project="/opt/a").outcome is Outcome.DENY


def test_a_hierarchy_test_in_a_condition_sees_the_folders() -> None:
    """`resource in` works in a `when` as it does in the scope."""
    forbid = '@id("f") forbid (principal, action, resource) when { resource in Project::"/srv" };'
    assert judge(PERMIT + forbid, command("ls"), project="/srv/a").outcome is Outcome.DENY
    assert judge(PERMIT + forbid, command("ls"), project="/opt/a").outcome is Outcome.ALLOW


def test_text_that_cannot_be_judged_is_denied() -> None:
    """A lone surrogate has no JSON form: no error, a denial."""
    forbid = '@id("f") forbid (principal, action, resource) when { context.command like "*x*y*" };'
    verdict = judge(PERMIT + forbid, command("x\ud800y"))
    assert verdict.outcome is Outcome.DENY


def test_odd_names_do_not_break_out_of_the_request() -> None:
    """Quotes, newlines and NUL in a project are data."""
    forbid = '@id("f") forbid (principal, action, resource) when { context.project like "*shop*" };'
    for project in ('/a"]); permit', "/a\nb", "/a\x00b", "/" + "x" * 70_000, "/" * 5_000):
        assert judge(PERMIT + forbid, command("ls"), project=project).outcome is Outcome.ALLOW


def test_more_commands_than_can_be_judged_are_denied() -> None:
    """A line of hundreds of different commands is refused as a whole."""
    forbid = '@id("f") forbid (principal, action, resource) unless { context.words.contains("x") };'
    commands = [command(f"echo {number} x") for number in range(MOST_COMMANDS + 1)]
    verdict = judge(PERMIT + forbid, *commands)
    assert verdict.outcome is Outcome.ALLOW  # all look the same to these policies
    by_word = forbid.replace('context.words.contains("x")', 'context.command like "echo*x"')
    verdict = judge(PERMIT + by_word, *commands)
    assert verdict.outcome is Outcome.DENY
    assert "more commands" in verdict.reason


def test_a_path_deeper_than_its_directories_are_named_counts_as_not_understood() -> None:
    """A prefix test could miss a directory far down, so the action is no longer understood."""
    deep = Command(program="rm", words=("rm",), paths_deleted=("/a" * 100,))
    forbid = '@id("f") forbid (principal, action, resource) unless { context.understood };'
    assert judge(PERMIT + forbid, deep).outcome is Outcome.DENY
