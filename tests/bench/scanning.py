"""Speed of the secret scan on realistic text, beside one hyperscan pass and `grep -E` on the same bytes."""

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from random import Random
from typing import Any

from appliance.protection.secrets.catalogue import load_rules
from appliance.protection.secrets.engine import Engine
from appliance.protection.secrets.examples import build_example
from appliance.protection.secrets.scanner import Scanner
from tests.bench.figures import Figures

TEXT_BYTES = 8_000_000
CHUNK_BYTES = 200_000
ROUNDS = 5
_CALLS = 2000
_GREP = r"(AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[0-9A-Za-z]{36}|xox[abp]-[0-9A-Za-z-]{10,}|-----BEGIN [A-Z ]*PRIVATE KEY"
_WORDS = (
    "invoice", "total", "rounding", "customer", "tenant", "ledger", "request", "response", "handler", "session",
    "worker", "queue", "retry", "batch", "cursor", "schema", "index", "column", "value", "field", "record", "parser",
    "token", "buffer", "stream", "socket", "thread", "timeout", "payload", "policy",
)  # fmt: skip
# Shapes that look like a beginning of a secret and are none.
_NEAR = (
    "AKIA_EXAMPLE", "password: <see the vault>", "ghp_short", "api_key=os.environ['API_KEY']", "Bearer <token>",
    "-----BEGIN CERTIFICATE-----", "secret = get_secret(name)", "xoxb-", "token: ${{ secrets.TOKEN }}",
    "postgres://localhost/app",
)  # fmt: skip


def measure() -> Figures:
    """MB/s (1 MB = 10^6 bytes) without hits, with near misses and with hits; microseconds of small bodies."""
    scanner = Scanner(b"bench" * 8)
    plain, near, hits = _text(1), _text(2, near=True), _text(3, near=True, hits=True)
    figures: Figures = {
        "without_hits": _speed(scanner, plain),
        "near_misses": _speed(scanner, near),
        "one_hit_per_100_kb": _speed(scanner, hits),
        "body_500_bytes_us": _body_us(scanner, plain, 500),
        "body_5000_bytes_us": _body_us(scanner, plain, 5000),
        "rules": len(load_rules()),
    }
    engine = Engine(load_rules())
    raw = [chunk.encode() for chunk in plain]
    figures["one_hyperscan_pass_mb_per_second"] = _rate(lambda: [engine.probe(chunk) for chunk in raw], _size(plain))
    figures["grep_four_patterns_mb_per_second"] = _grep(plain)
    return figures


def _speed(scanner: Scanner, chunks: list[str]) -> Figures:
    bodies: list[dict[str, Any]] = [
        {"tool_name": "Bash", "tool_response": {"stdout": chunk, "stderr": "", "interrupted": False}}
        for chunk in chunks
    ]
    found = sum(len(scanner.scan(body).findings) for body in bodies)
    return {
        "mb_per_second": _rate(lambda: [scanner.scan(body) for body in bodies], _size(chunks)),
        "findings": found,
    }


def _rate(work: Callable[[], object], size: int) -> float:
    """Median MB/s of ROUNDS runs."""
    rates = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        rates.append(size / 1e6 / (time.perf_counter() - started))
    return round(statistics.median(rates), 1)


def _size(chunks: list[str]) -> int:
    return sum(len(chunk.encode()) for chunk in chunks)


def _body_us(scanner: Scanner, chunks: list[str], size: int) -> float:
    """Median microseconds of one hook body of about `size` bytes; every body is another one."""
    whole = "".join(chunks)
    times = []
    for number in range(_CALLS):
        start = number * 997 % (len(whole) - size)
        text = whole[start : start + size - 150]
        body = {"session_id": f"s-{number}", "cwd": "/src/billing", "tool_name": "Bash",
                "tool_input": {"command": text, "description": "Run it"}, "tool_use_id": f"toolu_{number}"}  # fmt: skip
        started = time.perf_counter()
        scanner.scan(body)
        times.append(time.perf_counter() - started)
    return round(1e6 * statistics.median(times), 1)


def _grep(chunks: list[str]) -> float:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        file.write("".join(chunks))
        file.flush()
        words = ["grep", "-cE", _GREP, file.name]
        return _rate(
            lambda: subprocess.run(  # noqa: S603 - fixed words
                words, env={**os.environ, "LC_ALL": "C"}, stdout=subprocess.DEVNULL, check=False
            ),
            _size(chunks),
        )


def _text(seed: int, *, near: bool = False, hits: bool = False) -> list[str]:
    """Chunks of code, log lines and JSON; with `near` a near miss per kilobyte, with `hits` a secret per 100 kB."""
    random = Random(seed)  # noqa: S311 - the same text in every run
    rules, chunks, hit = load_rules(), [], 0
    for _ in range(TEXT_BYTES // CHUNK_BYTES):
        lines: list[str] = []
        size = since_near = since_hit = 0
        while size < CHUNK_BYTES:
            line = _LINES[random.randrange(len(_LINES))](random)
            if near and since_near > 1000:
                line, since_near = f"{line}  # {random.choice(_NEAR)}", 0
            if hits and since_hit > 100_000:
                line, since_hit, hit = build_example(rules[hit % len(rules)], random).text, 0, hit + 1
            lines.append(line)
            size, since_near, since_hit = size + len(line) + 1, since_near + len(line), since_hit + len(line)
        chunks.append("\n".join(lines))
    return chunks


def _words(random: Random, count: int, between: str) -> str:
    return between.join(random.choices(_WORDS, k=count))


_LINES: tuple[Callable[[Random], str], ...] = (
    lambda r: f"    {_words(r, 2, '_')} = {_words(r, 2, '.')}({_words(r, 2, ', ')}, limit={r.randrange(1000)})",
    lambda r: f"def {_words(r, 3, '_')}(self, {_words(r, 2, ': str, ')}: int) -> None:",
    lambda r: f'        """{_words(r, 9, " ").capitalize()}."""',
    lambda r: (
        f"2026-08-20T09:{r.randrange(60):02}:{r.randrange(60):02}Z INFO {_words(r, 1, '')}: {_words(r, 6, ' ')} "
        f"took {r.randrange(900)} ms"
    ),
    lambda r: (
        f'{{"level":"info","event":"{_words(r, 2, ".")}","id":{r.randrange(10**6)},"{_words(r, 1, "")}":'
        f'"{_words(r, 3, " ")}"}}'
    ),
    lambda r: f"src/{_words(r, 2, '/')}.py:{r.randrange(900)}: {_words(r, 5, ' ')}",
    lambda r: f"  {r.choice('+-')} return {_words(r, 2, '[')}] if {_words(r, 2, ' > ')} else None",
    lambda _: "",
)
