"""What a line does not tell: where it matters, that is said."""

from collections.abc import Callable

import pytest

from appliance.actions.records import Facts

Shell = Callable[[str], Facts]


@pytest.mark.parametrize(
    "line",
    [
        "$X",
        "$X -rf /tmp/x",
        '"$(cat tool)" x',
        "eval $X",
        'eval "$(ssh-agent -s)"',
        'bash -c "$X"',
        'bash -c "cd $DIR && make"',
        "bash < $FILE",
        "source $X/activate",
        "git $X",
        "git push $FLAGS",
        "cat $FILE",
        "cp $A $B",
        "rm -rf $DIR/",
        "xargs rm < list",
        'psql -c "$Q"',
        "curl $URL",
        "python3 -c 'print(1)'",
        "python3 - <<'EOF'\nprint(1)\nEOF",
        "perl -ne 'print' x",
        "node -e 'x'",
        "ruby -e 'x'",
        "php -r 'x'",
        "awk 'BEGIN{system(\"ls\")}'",
        "sed 's/x/ls/e' y",
        "osascript -e 'x'",
        "powershell -c ls",
        "pwsh ./x.ps1; pwsh -c ls",
        "cmd /c dir",
        "Remove-Item -Recurse C:\\x",
        "Get-ChildItem | Remove-Item",
        "del /s x",
        "rd /s /q C:\\",
        "echo 'unterminated",
        "if true; then",
        "echo $(",
        "ls | | ls",
        "ls \r rm",
        "ls \\ x",
        "ls \x00",
        "",
    ],
)
def test_what_cannot_be_known_before_it_runs_is_said_to_be_unknown(shell: Shell, line: str) -> None:
    """Run-time values where they matter, other languages and shells, text that the parser cannot take."""
    assert shell(line).is_understood is (line == "")


@pytest.mark.parametrize(
    "line", ["terraform", "tofu --version", "cdktf -name", "pulumi stack", "R- x.R", "python.-- x", "python3.11 x"]
)
def test_an_odd_call_of_a_known_program_has_facts(shell: Shell, line: str) -> None:
    """Without its verb, or with a version that is none."""
    assert [command.program for command in shell(line).commands] == [line.partition(" ")[0]]
