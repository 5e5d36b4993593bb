"""A developer's day: understood, and without an effect that stops it."""

from collections.abc import Callable

import pytest

from appliance.actions.records import Facts
from appliance.protection.commands.effects import Effect

Shell = Callable[[str], Facts]

EVERYDAY = [
    "git status",
    "git commit -m \"$(cat <<'EOF'\nfix: x & y | z `rm`\n\n$(nothing) <here>\nEOF\n)\"",
    "git commit --amend --no-edit && git rebase main",
    "git pull --rebase && git checkout -b x && git stash && git stash pop",
    "git diff HEAD~3 -- src | head -50",
    "git restore src/x.py",
    "ls folder-1",
    "echo the password lies in the vault",
    'echo "hello $USER, it is $(date)"',
    "cat README.md src/*.py /etc/os-release .env.example",
    "cat ~/.ssh/id_rsa.pub ~/.ssh/known_hosts",
    "ls -la ~/.ssh",
    "grep -rn 'foo' src --include='*.py' | head -20",
    "find . -name '*.pyc' -delete",
    "find . -type d -name node_modules -prune -exec rm -rf {} \\;",
    "find . -name '*.py' | xargs wc -l",
    'for f in src/*.py; do wc -l "$f"; done',
    "for i in 1 2 3; do curl -s http://localhost:8080/$i; done",
    "for f in $(git ls-files '*.py'); do head -1 $f; done",
    "while sleep 1; do date; done",
    "if [ -f x ]; then cat x; else touch x; fi",
    "sed -i 's/a/b/' src/x.py && awk '{print $1}' x | sort | uniq -c",
    "rm -rf node_modules dist build/ .pytest_cache",
    "rm -f src/old.py x.log",
    "rm -rf /tmp/x",
    'D=$(mktemp -d); cp x "$D"; rm -rf "$D"',
    "mkdir -p a/b && cp a b && mv src/a.py src/b.py && chmod +x x.sh",
    "tar czf x.tgz src && tar xzf y.tgz",
    "curl -s https://x.example/api | jq .",
    'curl -H "Authorization: Bearer $TOKEN" https://x.example',
    "curl -LO https://x.example/x.tgz && tar xzf x.tgz",
    "curl -X POST http://localhost:3000 -d @x.json",
    "psql -c 'select 1' && psql -c 'delete from t where id = 1'",
    "docker run --rm -v $(pwd):/app node npm test",
    "NODE_ENV=production npm run build",
    "export PATH=$PATH:/x/bin FOO=bar",
    "source .venv/bin/activate && pytest -q 2>&1 | tail -20",
    "set -euo pipefail\nnpm ci\nnpm test",
    "cat > src/x.py <<'EOF'\nimport os\nos.system('rm -rf /')\nEOF",
    "diff <(ls a) <(ls b)",
    "make 2>/dev/null || true",
    ": > x && test -f x && [[ -f x ]]",
    "VERSION=$(git describe --tags); echo $VERSION",
    "kubectl get pods && terraform plan && helm list",
    "find . -name '*.pyc' -o -name '*.pyo' | xargs rm -f",
    "find src -name '*.ts' | while read -r f; do head -3 \"$f\"; done",
    "files=$(git diff --name-only); for f in $files; do wc -l $f; done",
    'cd "$(git rev-parse --show-toplevel)" && make && cd - && ls',
    'cd "$(dirname "$0")" && ./run.sh "$@"',
    "git log --oneline | awk '{print $1}' | head -1 | xargs git show --stat",
    "pytest -k 'a and not b' -x || { echo failed; exit 1; }",
    "kill $(lsof -t -i:3000) 2>/dev/null; npm start > log 2>&1 &",
    "test $? -eq 0 && echo ok || echo no",
    "python3 script.py --input data.csv && node build.js",
    "cat package.json | python3 -m json.tool | grep version",
    "npx tsc --noEmit && npx prettier --check .",
    "gh pr create --title x --body \"$(cat <<'EOF'\n- a\n- `b`\nEOF\n)\"",
    "docker compose exec db psql -c 'select 1'",
    "echo '{\"a\": 1}' > x.json && curl -X POST http://127.0.0.1:1 -d @x.json",
    "ssh-keygen -R host && git config user.name x && git config --get user.email",
    "printf '%s\\n' a b | sort -u | tee x",
    "ln -s a b && readlink b && stat b",
    'export A=1 B="two words"; echo $A $B',
    'function t { echo "$1"; }; t x',
    "LC_ALL=C sort x | uniq -c | sort -rn | head",
    "timeout 60 npm test; time make -j4",
    "mkdir -p build && cd build && cmake .. && make && cd .. && rm -rf build",
    "[ -d node_modules ] || npm ci",
    "ps aux | grep x; kill 123; lsof -i :80; df -h; du -sh .",
]
# These alone ask or deny nothing in the starter pack.
QUIET = {Effect.UPLOADS, Effect.PACKAGE_INSTALL, Effect.RUNS_CODE, Effect.NETWORK, Effect.BACKGROUND_SERVICE}


@pytest.mark.parametrize("line", EVERYDAY)
def test_everyday_work_has_no_effect_that_stops_it(shell: Shell, line: str) -> None:
    """A developer's day is understood and harmless."""
    facts = shell(line)
    assert set(facts.effects) <= {effect.value for effect in QUIET}, facts
    assert facts.is_understood, facts
