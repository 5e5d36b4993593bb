"""Secrets of every kind, made up at run time and planted into hook calls in every place where agents have some."""

import base64
import itertools
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from urllib.parse import quote

from appliance.protection.secrets.catalogue import load_rules
from appliance.protection.secrets.examples import Example, build_example
from tests.support.machines import bash

# A needle that is shorter would be found by chance among millions of bytes.
NEEDLE_CHARACTERS_MIN = 8


class Planted(NamedTuple):
    """One call with secrets in it.

    Attributes:
        event: of Claude Code.
        needles: texts none of which may be found anywhere afterwards.
    """

    place: str
    event: str
    body: Mapping[str, Any]
    needles: Sequence[str]


def examples(count: int, seed: int) -> Iterator[Example]:
    """So many different secrets, of every rule in turn."""
    random, seen = Random(seed), set[str]()  # noqa: S311 - made up, and to be made up again
    for rule in itertools.islice(itertools.cycle(load_rules()), 50 * count):
        example = build_example(rule, random)
        if example.secret in seen or len(needle_of(example.secret)) < NEEDLE_CHARACTERS_MIN:
            continue
        seen.add(example.secret)
        yield example
        if len(seen) == count:
            return
    message = f"the rules' templates give only {len(seen)} different secrets"
    raise AssertionError(message)


def needle_of(secret: str) -> str:
    """The part of a secret to look for: its longest line (keys in PEM have many)."""
    return max(secret.splitlines() or [""], key=len)


def _command(batch: Sequence[Example]) -> tuple[str, dict[str, Any]]:
    return "PreToolUse", bash("cat <<'NOTE'\n" + _lines(batch) + "\nNOTE")


def _file(batch: Sequence[Example]) -> tuple[str, dict[str, Any]]:
    written = {"file_path": "/src/billing/settings.txt", "content": _lines(batch)}
    return "PostToolUse", {**bash(""), "tool_name": "Write", "tool_input": written, "tool_response": {"ok": True}}


def _prompt(batch: Sequence[Example]) -> tuple[str, dict[str, Any]]:
    return "UserPromptSubmit", {"session_id": "s-88", "cwd": "/src/billing", "prompt": _lines(batch)}


def _result(batch: Sequence[Example]) -> tuple[str, dict[str, Any]]:
    response = {"stdout": _lines(batch), "stderr": "", "interrupted": False}
    return "PostToolUse", {**bash("cat settings.txt"), "tool_response": response}


def _fields(batch: Sequence[Example]) -> tuple[str, dict[str, Any]]:
    deep = {"rows": [{"note": example.text, "number": number} for number, example in enumerate(batch)]}
    return "PostToolUse", {**bash(""), "tool_name": "mcp__notes__add", "tool_input": deep, "tool_response": {}}


def _keys(batch: Sequence[Example]) -> tuple[str, dict[str, Any]]:
    named = {example.text: "value" for example in batch}
    return "PostToolUse", {**bash(""), "tool_name": "mcp__notes__add", "tool_input": named, "tool_response": {}}


def _urls(batch: Sequence[Example]) -> tuple[str, dict[str, Any]]:
    urls = [f"https://api.example.com/v1/items?note={quote(example.text)}" for example in batch]
    return "PostToolUse", {**bash(""), "tool_name": "mcp__web__get", "tool_input": {"urls": urls}, "tool_response": {}}


def _base64(batch: Sequence[Example]) -> tuple[str, dict[str, Any]]:
    encoded = base64.b64encode(_lines(batch).encode()).decode()
    return "PostToolUse", {**bash(f"echo {encoded}"), "tool_response": {"stdout": encoded}}


def _hexadecimal(batch: Sequence[Example]) -> tuple[str, dict[str, Any]]:
    encoded = _lines(batch).encode().hex()
    return "PostToolUse", {**bash("xxd -p settings.txt"), "tool_response": {"stdout": encoded}}


def _zero_width(batch: Sequence[Example]) -> tuple[str, dict[str, Any]]:
    """Split by characters that nobody sees, as a page does that was copied from."""
    texts = [example.text.replace(example.secret, _split(example.secret, "\u200b")) for example in batch]
    return "UserPromptSubmit", {"session_id": "s-88", "cwd": "/src/billing", "prompt": "\n".join(texts)}


def _split(secret: str, by: str) -> str:
    middle = len(secret) // 2
    return f"{secret[:middle]}{by}{secret[middle:]}"


def _lines(batch: Sequence[Example]) -> str:
    return "\n".join(example.text for example in batch)


_Plant = Callable[[Sequence[Example]], tuple[str, dict[str, Any]]]
PLACES: Mapping[str, _Plant] = {
    "command": _command,
    "file content": _file,
    "prompt": _prompt,
    "tool result": _result,
    "nested fields": _fields,
    "keys": _keys,
    "URLs": _urls,
    "base64": _base64,
    "hexadecimal": _hexadecimal,
    "split by zero width": _zero_width,
}


def plant(count: int, *, per_call: int, seed: int) -> Iterator[Planted]:
    """Calls that hold `count` secrets in all, every place in turn."""
    made = examples(count, seed)
    for place in itertools.cycle(PLACES):
        batch = list(itertools.islice(made, per_call))
        if not batch:
            return
        event, body = PLACES[place](batch)
        yield Planted(place, event, body, [needle for example in batch for needle in _needles(place, example)])


def _needles(place: str, example: Example) -> list[str]:
    """The secret itself, and as it was planted."""
    plain = needle_of(example.secret)
    if place == "URLs":
        return [plain, quote(plain)]
    if place == "hexadecimal":
        return [plain, plain.encode().hex()]
    if place == "base64":
        return [plain, *(base64.b64encode(plain.encode()[shift:])[4:-4].decode() for shift in range(3))]
    return [plain]


def find_in_files(needles: Sequence[str], *places: Path) -> list[str]:
    """Which needles lie as they are in any byte of the files and folders."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as patterns:
        patterns.write("\n".join(needles))
        patterns.flush()
        words = ["grep", "--fixed-strings", "--text", "--recursive", "--only-matching", "--no-filename", "-f"]
        found = subprocess.run(  # noqa: S603 - fixed words
            [*words, patterns.name, "--", *map(str, places)],
            capture_output=True, check=False, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        )  # fmt: skip
    assert found.returncode in {0, 1}, found.stderr.decode(errors="replace")
    return sorted(set(found.stdout.decode(errors="replace").splitlines()))
