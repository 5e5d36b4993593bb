"""A text of plain words is read without the grammar, and means the same as with it."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from appliance.actions.records import Facts, Kind
from appliance.protection.commands.facts import facts_of
from appliance.protection.commands.plain import LONGEST_PLAIN, PlainCommand, PlainList, PlainPipeline, plain_program
from tests.appliance.protection.commands.conftest import action_of

Shell = Callable[[str], Facts]

PLAIN = [
    "ls -la src", "git status --short packages/part1", "python -m pytest tests/test_x.py -q --maxfail=1", "make build",
    "npm test -- --grep case9", "git commit -m 'Correct the totals; add $5 | more'", 'git commit -m "One\n\nTwo"',
    "grep -rn needle src/ | sort | uniq -c | head -20", "cd a && npm run lint", "cat x|head -1;ls", "echo done in time",
    "  ls  ''  ", "rm -rf '~' \"~/x\"", "make || true && ls; exit", "tar czf x.tgz src", "sudo rm -rf /",
]  # fmt: skip
NOT_PLAIN = [
    "", " ", "A=1", "A=1 ls", "a+=1", "ls $x", "ls `x`", 'ls "$x"', 'ls "a\\b"', 'ls "!x"', "ls *", "ls ~",
    "ls x{a,b}",
    "ls > x", "ls 2>&1", "cat < x", "cat <<E\nE\n", "ls &", "ls\n", "ls\nls", "ls\tx", "ls;", "ls ;; ls", "| ls",
    "ls |",
    "ls && && ls", "(ls)", "[ -f x ]", "! ls", "ls # x", "if ls", "export A=b", "for x in y", "ls; done", "'ls'",
    '"ls"',
    "ls a'b'", "ls 'a'b", "ls 'a", "l\\s", "ls é", "ls 'é'", "ls '\u202e'", "ls \0", "ls 'a\x1b'", "a | b | c && d",
    "ls ==", "ls =", "a@b c", "1 x", "-x y", "ls " + "x" * LONGEST_PLAIN,
]  # fmt: skip
WORDS = [
    "-c", "-rf", "-", "--", "-m", "-exec", "-delete", "--force", "--foo=bar", "/", ".", "..", "../x", "a=b", "a+=b",
    "0",
    "12", "1e5", "/etc/shadow", ".env", "http://x.example/y", "a:b", "%x", "+x", "@x", ",", "a,b", "1..3", "push",
    "origin", "install", "run", "prod", "root", "in", "do", "done", "fi", "esac", "then", "''", '""', "'~'", '"~/x"',
    "'rm -rf /'", '"a | sh"', "';'", '"&&"', "'a\nb'", '"\n#"', "' '", "'\"'", '"\'"', "'$x'", "'`x`'", "'\\'",
    "'a\\\nb'",
]  # fmt: skip
PROGRAMS = [
    "ls", "cat", "head", "tee", "grep", "find", "xargs", "sort", "rm", "cp", "mv", "sed", "awk", "echo", "cd", "pushd",
    "git", "npm", "make", "python3", "node", "bash", "sh", "eval", "source", ".", "alias", "read", "set", "trap",
    "exit",
    "return", "curl", "ssh", "nc", "scp", "docker", "kubectl", "aws", "psql", "sudo", "env", "nohup", "timeout", "exec",
    "command", "x", "./x", "a/b.sh", "/usr/bin/rm", "time", "coproc", "if", "for", "done", "declare", "unset", "test",
]  # fmt: skip
programs = st.sampled_from(PROGRAMS)
words = st.one_of(
    st.sampled_from(WORDS),
    st.text("abxyz019_./:=@%+,-", min_size=1, max_size=6),
    st.text('ab ~*?{}[]()<>#&|;$`\\"!\n', max_size=6).map("'{}'".format),
    st.text("ab ~*?{}[]()<>#&|;'\n", max_size=6).map('"{}"'.format),
)
commands = st.tuples(programs, st.lists(words, max_size=4)).map(lambda parts: " ".join([parts[0], *parts[1]]))
joints = st.sampled_from([" && ", " || ", " | ", "; ", "&&", "||", "|", ";", "  |  "])
texts = st.tuples(commands, st.lists(st.tuples(joints, commands), max_size=3)).map(
    lambda parts: parts[0] + "".join(joint + command for joint, command in parts[1])
)


@pytest.mark.parametrize("text", PLAIN)
def test_everyday_texts_are_plain(shell: Shell, text: str) -> None:
    """And the grammar, which reads whatever ends with a newline, sees the same in them."""
    assert plain_program(text) is not None
    assert shell(text) == shell(text + "\n")


@pytest.mark.parametrize("text", NOT_PLAIN)
def test_whatever_a_shell_would_change_is_not_plain(text: str) -> None:
    """Expansions, redirections, keywords, other scripts, and what the grammar reads in a way of its own."""
    assert plain_program(text) is None


@settings(
    max_examples=1500, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(texts)
def test_both_roads_see_the_same(text: str) -> None:
    """Whatever is put together from programs, words, quotes and operators."""
    assume(plain_program(text) is not None)
    facts = facts_of(action_of(Kind.SHELL, "Bash", {"command": text}))
    assert facts == facts_of(action_of(Kind.SHELL, "Bash", {"command": text + "\n"}))


def test_the_shape_of_a_program() -> None:
    """Pipes bind closer than `&&` and `||`, and these closer than `;`."""
    program = plain_program("a | b && c 'd e'; f")
    assert program is not None
    chain, last = program.statements
    assert isinstance(chain, PlainList)
    assert isinstance(chain.first, PlainPipeline)
    assert [operator for operator, _ in chain.steps] == ["&&"]
    assert isinstance(last, PlainCommand)
    step = chain.steps[0][1]
    assert isinstance(step, PlainCommand)
    assert [word.text for word in step.words] == ["c", "d e"]
