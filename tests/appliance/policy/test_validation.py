"""Problems of a policy text, each with its line."""

import pytest

from appliance.policy.compilation import STARTER_TEXT
from appliance.policy.errors import PolicyInvalidError
from appliance.policy.records import Severity
from appliance.policy.statements import split_statements
from appliance.policy.validation import MOST_POLICIES, compile_policies, validate_policies

GOOD = '@id("base") permit (principal, action, resource);\n'
BODY = "forbid (principal, action, resource)"


def problems(text: str, severity: Severity = Severity.ERROR) -> list[tuple[int, str]]:
    return [(each.line, each.message) for each in validate_policies(text) if each.severity is severity]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("// a\n\n" + GOOD + '@id("x")\nforbid (principal,\naction\nresource);', 7, "unexpected token `resource`"),
        (GOOD + '@id("x") ' + BODY, 2, "semicolon"),
        (GOOD + '@id("x") forbid (principal, action, resource) when { "a', 2, "invalid token"),
        (GOOD + BODY + ";", 2, "no @id"),
        (GOOD + '@id("No Force") ' + BODY + ";", 2, "kebab-case"),
        (GOOD + GOOD, 1, "used by 2 policies"),
        (GOOD + '@id("x")\n@qourum("2")\n@ask ' + BODY + ";", 3, "did you mean @quorum"),
        (GOOD + '@id("x") @quorum("2") ' + BODY + ";", 2, "nothing without @ask"),
        ('@id("x") @ask permit (principal, action, resource);', 1, "belongs on a forbid"),
        (GOOD + '@id("x") @ask("boss") ' + BODY + ";", 2, 'role "boss"'),
        (GOOD + '@id("x") @ask("approver, group:") ' + BODY + ";", 2, 'role "group:"'),
        (GOOD + '@id("x") @ask("group:directory:corp/Leads") ' + BODY + ";", 2, "approver groups such as"),
        (GOOD + '@id("x") @ask @quorum("0") ' + BODY + ";", 2, "from 1 to 10"),
        (GOOD + '@id("x") @ask @quorum ' + BODY + ";", 2, "from 1 to 10"),
        (GOOD + '@id("x") @ask @quorum("\u0662") ' + BODY + ";", 2, "from 1 to 10"),
        (GOOD + '@id("x") @ask @expires("soon") ' + BODY + ";", 2, "not a duration"),
        (GOOD + '@id("x") @ask @expires("9d") ' + BODY + ";", 2, "between 30s and 7d"),
        (GOOD + '@id("x") @ask @allow_self("no") ' + BODY + ";", 2, "takes no value"),
        (GOOD + '@id("x")\n' + BODY + '\nwhen { context.programm == "x" };', 4, "programm"),
        (GOOD + '@id("x")\n' + BODY + '\nwhen { context.program.contains("x") };', 2, "unexpected type"),
        (GOOD + '@id("x") forbid (principal == ?principal, action, resource);', 2, "templates"),
        (GOOD + '@id("x") forbid (principal, action == Action::"fly", resource);', 2, "fly"),
        (GOOD + '@id("x") forbid (principal, action in [], resource);', 2, "applicable action"),
    ],
)
def test_an_error_is_told_with_its_line(text: str, line: int, message: str) -> None:
    """Syntax, schema, ids and annotations: the line and what is wrong."""
    found = problems(text)
    assert found, "no problem found"
    assert found[0][0] == line
    assert message in found[0][1]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 0, "no policy permits"),
        ('@id("x") ' + BODY + ";", 0, "no policy permits"),
        (
            GOOD + '@id("x")\n' + BODY + '\nwhen { context.effects.contains("destructve") };',
            4,
            'did you mean "destructive"',
        ),
        (GOOD + '@id("x") ' + BODY + " when { false };", 2, "never match"),
        (GOOD + '@id("x") ' + BODY + ' when { context.program == "a" && context.program == "b" };', 2, "never match"),
        (GOOD + '@id("x") ' + BODY + " when { context.understood && !context.understood };", 2, "never match"),
    ],
)
def test_a_doubt_is_a_warning(text: str, line: int, message: str) -> None:
    """A text that does nothing useful can be published, but not unnoticed."""
    assert problems(text) == []
    (found,) = problems(text, Severity.WARNING)
    assert found[0] == line
    assert message in found[1]


@pytest.mark.parametrize(
    "condition",
    [
        "(" * 5_000 + "true" + ")" * 5_000,
        "[" * 5_000 + "]" * 5_000,
        "!(" * 5_000 + "true" + ")" * 5_000,
        " || ".join(["context.understood"] * 3_000),
        "context has " + ".".join(["a"] * 3_000),
        "if true then true else " * 3_000 + "true",
        " + ".join(["1"] * 4_000) + " == 3",
    ],
)
def test_a_text_nested_beyond_reason_is_refused(condition: str) -> None:
    """Cedar's parser would run out of stack and end the process; it never sees such a text."""
    (problem,) = problems(f'@id("x") {BODY} when {{ {condition} }};')
    assert problem[0] == 1


def test_a_text_that_is_too_large_or_has_too_many_policies_is_refused() -> None:
    """The size is looked at before anything else."""
    assert problems("/" * 1_048_577) == [(0, "the text is larger than 1 MiB")]
    assert problems(";" * (MOST_POLICIES + 1)) == [(0, "the text has more than 5000 policies")]


def test_an_open_string_does_not_stall_the_reader() -> None:
    """A megabyte of escaped quotes is read once."""
    assert len(problems('"' + '\\"' * 500_000)) == 1


def test_semicolons_in_strings_and_comments_do_not_end_a_policy() -> None:
    """Only a semicolon outside both ends one."""
    text = 'a "x;\\";" b; // c; d\n"//";'
    assert [(each.text, each.line) for each in split_statements(text)] == [('a "x;\\";" b;', 1), ('"//";', 2)]


def test_a_text_with_errors_does_not_compile() -> None:
    """The error carries every problem."""
    with pytest.raises(PolicyInvalidError) as raised:
        compile_policies(BODY + ";" + BODY + ";", 1)
    assert len(raised.value.problems) == 2
    assert "line 1" in raised.value.detail


def test_the_starter_pack_has_no_problem_at_all() -> None:
    """Not even a warning."""
    assert validate_policies(STARTER_TEXT) == ()
