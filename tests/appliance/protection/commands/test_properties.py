"""For any text at all: no exception, no lost command, and a bounded cost."""

import gc
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.actions.records import Facts, Kind
from appliance.protection.commands.budget import (
    MOST_CHARACTERS,
    MOST_SECONDS,
    MOST_STEPS,
    UNTIMED_STEPS,
    Budget,
    SpentError,
)
from appliance.protection.commands.facts import facts_of
from tests.appliance.protection.commands.conftest import action_of

Shell = Callable[[str], Facts]

quiet = settings(
    max_examples=400, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
TOKENS = [
    *(
        "ls",
        "rm",
        "-rf",
        "/",
        "~",
        "x",
        "cat",
        "sudo",
        "eval",
        "sh",
        "-c",
        "xargs",
        "find",
        "curl",
        "cd",
        "echo",
        "read",
    ),
    *(
        ";",
        "\n",
        "&&",
        "||",
        "|",
        "|&",
        "&",
        "(",
        ")",
        "{",
        "}",
        "((",
        "))",
        "$(",
        "`",
        "<(",
        "$((",
        "${",
        "[[",
        "]]",
        "[",
        "]",
    ),
    *(
        "'",
        '"',
        "$'",
        '$"',
        "\\",
        "\\\n",
        "#",
        "*",
        "?",
        "{a,b}",
        "{1..3}",
        "!",
        "=",
        "==",
        "=~",
        ":-",
        "%",
        "//",
        "\0",
        "\r",
    ),
    *(
        "$x",
        "$@",
        "$1",
        "${x}",
        "x=1",
        "x+=",
        "x=(",
        "<<E\n",
        "\nE\n",
        "<<-'E'\n",
        "<<<",
        "<",
        ">",
        ">>",
        "2>&1",
        "&>",
        "<>",
    ),
    *(
        "if",
        "then",
        "elif",
        "else",
        "fi",
        "for",
        "in",
        "do",
        "done",
        "while",
        "until",
        "case",
        "esac",
        ";;",
        "a)",
        "select",
    ),
    *(
        "function",
        "f()",
        "coproc",
        "time",
        "export",
        "unset",
        "alias",
        "trap",
        "\u00a0",
        "\u202e",
        "é",
        "\U0010fffd",
        "\ud800",
    ),
]
lines = st.lists(st.tuples(st.sampled_from(TOKENS), st.sampled_from([" ", " ", "", "\t", "\n"])), max_size=25).map(
    lambda parts: "".join(token + blank for token, blank in parts)
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = ["command", "cmd", "file_path", "path", "url", "sql", "query", "paths", "content", "workdir", "body", "prompt"]


@quiet
@given(lines)
def test_no_line_raises(line: str) -> None:
    """Whatever is put together from the pieces of shell grammar."""
    facts = facts_of(action_of(Kind.SHELL, "Bash", {"command": line}))
    assert all(len(command.effects) == len(command.why) for command in facts.commands)
    assert {effect for command in facts.commands for effect in command.effects} <= set(facts.effects)


@quiet
@given(st.text(max_size=200))
def test_no_text_raises(text: str) -> None:
    """Any characters, surrogates and control characters included."""
    facts_of(action_of(Kind.SHELL, "Bash", {"command": text}))


@quiet
@given(
    st.sampled_from(list(Kind)),
    st.dictionaries(st.sampled_from(NAMES), json_values | lines, max_size=4),
    st.text(max_size=30),
)
def test_no_arguments_raise(kind: Kind, arguments: dict[str, Any], project: str) -> None:
    """Any JSON where a path, an address or a command should be; the facts can be kept as JSON."""
    facts = facts_of(action_of(kind, "mcp__shell__run", arguments, project))
    text = msgspec.json.encode(_without_surrogates(facts))
    assert msgspec.json.decode(text, type=Facts) == _without_surrogates(facts)


def _without_surrogates(facts: Facts) -> Facts:
    plain = repr(msgspec.to_builtins(facts)).encode("utf-8", "replace").decode()
    return facts if "\\ud" not in plain else Facts()


def test_no_character_ends_the_process(shell: Shell) -> None:
    """The grammar's scanner reads behind a table for characters beyond Latin-1; it is never shown one."""
    for first in range(0xA0, 0x110000, 97):
        if not 0xD800 <= first < 0xE000:
            character = chr(first)
            shell(f"{character}$x{character} '{character}' {character}&{{{character}")


simple = st.lists(st.sampled_from(["aa", "bb", "-x", "'c d'", '"e"', "f\\ g", "h=1"]), min_size=1, max_size=4).map(
    lambda words: " ".join(["run", *words])
)


def _numbered(shape: str, commands: list[str]) -> tuple[str, int]:
    """Fill a shape with commands whose programs are numbered."""
    count = shape.count("%")
    filled = shape
    for number in range(count):
        filled = filled.replace("%", f"p{number}" + commands[number % len(commands)][3:], 1)
    return filled, count


SHAPES = st.recursive(
    st.just("%"),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" && ", " || ", "; ", " | ", "\n", " & "]), inner).map("".join),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"{{ {text}; }}"),
        inner.map(lambda text: f"echo $({text})"),
        inner.map(lambda text: f'echo "$({text})"'),
        inner.map(lambda text: f"cat <({text})"),
        st.tuples(inner, inner).map(lambda two: f"if {two[0]}; then {two[1]}; fi"),
        st.tuples(inner, inner).map(lambda two: f"while {two[0]}; do {two[1]}; done"),
        inner.map(lambda text: f"for i in 1; do {text}; done"),
        inner.map(lambda text: f"case x in a|b) {text};; esac"),
        inner.map(lambda text: f"f() {{ {text}; }}; f"),
        inner.map(lambda text: f"cat <<END\n$({text})\nEND\n"),
        inner.map(lambda text: f"{text} > x 2>&1"),
        inner.map(lambda text: f"[ -n x ] && {text}"),
    ),
    max_leaves=6,
)


@quiet
@given(SHAPES, st.lists(simple, min_size=1, max_size=3))
def test_every_simple_command_is_visible(shape: str, commands: list[str]) -> None:
    """However lists, pipelines, substitutions, branches, loops and functions are nested."""
    line, count = _numbered(shape, commands)
    seen = {command.program for command in facts_of(action_of(Kind.SHELL, "Bash", {"command": line})).commands}
    assert {f"p{number}" for number in range(count)} <= seen, line


HUGE = [
    ("a|", "("), ("a=(", ""), ("[[ a = b ]] ", ""), ("${", ""), ("<<E ", ""), ("a;", ""), ("echo a ", ""), ("a|", "a"),
    ("(", ""), ("'", ""), ('"$(', ""), ("\\\n", ""), ("x=$x$x;", ""), ("{a,b}", ""), ("eval ", "x"),
    ("f(){ f;f; };", "f"), ("sudo ", ""), ("if ", ""), ("!#\\\n", "("), ("cat <<E\nx\nE\n", ""), ("$a", ""), ("[", ""),
    ("for i in 1 2 3; do ", ""), ("alias a='a a';", "a"), ("xargs ", ""), ("bash -c '", ""), ("é", ""), ("find ", ""),
    ("case a in a) ", ""), ("X=1 ", ""), (">x ", ""), ("`", ""), ("rm -rf /x/", ""),
]  # fmt: skip


@pytest.mark.parametrize(("unit", "ending"), HUGE)
@pytest.mark.parametrize("size", [2_000, 30_000, 1_000_000])
def test_a_hostile_text_cannot_hold_the_road(shell: Shell, unit: str, ending: str, size: int) -> None:
    """Whatever is repeated, up to a megabyte: far below what growth with the square would cost."""
    line = unit * (size // len(unit)) + ending
    started = time.thread_time()
    shell(line)
    assert time.thread_time() - started < 3


@pytest.mark.parametrize("kind", Kind)
def test_a_hostile_argument_of_a_tool_cannot_either(kind: Kind) -> None:
    """A tool that runs commands, and arguments without end or bottom."""
    nested: Any = "x"
    for _ in range(200):
        nested = [nested, {"path": nested}] if len(str(nested)) < 10_000 else [nested]
    arguments = {"command": "f(){ f;f; }; " + "ls $x; " * 30_000, "paths": ["~/x"] * 50_000, "path": nested}
    started = time.thread_time()
    facts_of(action_of(kind, "mcp__shell__run", arguments))
    assert time.thread_time() - started < 3


def test_a_line_that_is_too_long_is_judged_as_far_as_it_goes(shell: Shell) -> None:
    """What stands at its beginning is still denied; the rest makes it unknown."""
    facts = shell("rm -rf /\n" + "ls x\n" * 100_000)
    assert "deletes_root" in facts.effects
    assert not facts.is_understood
    assert not shell("# " + "x" * 100_000 + "\nrm -rf /").is_understood


def test_a_long_here_document_is_no_long_line(shell: Shell) -> None:
    """An agent may write a big file."""
    facts = shell("cat > x.md <<'EOF'\n" + "| a | b |\n" * 20_000 + "EOF\ngit add x.md")
    assert facts.is_understood
    assert [command.program for command in facts.commands] == ["cat", "git"]


def test_a_budget_ends_by_time_steps_and_characters() -> None:
    """Each limit alone stops the judging."""
    now = [0.0]
    late = Budget(lambda: now[0])
    now[0] = MOST_SECONDS * 2
    assert late.is_late()
    _spend(late, UNTIMED_STEPS)
    with pytest.raises(SpentError):
        _spend(late, 16)
    with pytest.raises(SpentError):
        _spend(Budget(lambda: 0.0), MOST_STEPS + 1)
    with pytest.raises(SpentError):
        Budget(lambda: 0.0).take(MOST_CHARACTERS + 1)


def _spend(budget: Budget, steps: int) -> None:
    for _ in range(steps):
        budget.step()


def test_nothing_is_remembered_between_actions(shell: Shell) -> None:
    """The same line has the same facts, whatever came before."""
    first = shell("cat $X; f; ls")
    shell("X=/etc/shadow; f() { rm -rf /; }; alias ls='rm -rf /'; cd /")
    assert shell("cat $X; f; ls") == first


def test_nothing_is_left_for_the_collector(shell: Shell) -> None:
    """A line's objects are freed with it: collecting a circle for each of them held decisions up for 0.1 s."""
    lines = ("git status --short", 'cd "$X" && npm test | tee log', "cat <<EOF\n$(date)\nEOF", "echo ${X:-$(id)} > out")
    for line in lines:
        shell(line)
    gc.collect()
    gc.disable()
    try:
        for line in lines:
            shell(line)
        assert gc.collect() == 0
    finally:
        gc.enable()
