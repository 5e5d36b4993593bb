"""What a bench run yields: figures by area, the goals that they are held against, and the table of both."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Figures = dict[str, Any]


class Goal(NamedTuple):
    """A goal of the project: printed as met or not met, never a reason to fail."""

    area: str
    path: str
    words: str
    is_met: Callable[[float], bool]


GOALS = (
    Goal("decisions", "clients_64.ratio_to_pgbench", ">= 0.25", lambda value: value >= 0.25),
    Goal("decisions", "clients_64.p99_ms", "<= 60 ms", lambda value: value <= 60),
    Goal("release", "alone.p50_ms", "<= 15 ms", lambda value: value <= 15),
    Goal("policy", "concerning_1_percent.ratio_1000_to_10", "<= 1.5", lambda value: value <= 1.5),
    Goal("policy", "concerning_10_percent.ratio_1000_to_10", "<= 3", lambda value: value <= 3),
    Goal("secrets", "without_hits.mb_per_second", ">= 100 MB/s", lambda value: value >= 100),
    Goal("signin", "first_sync.ratio_to_ldapsearch", "<= 3", lambda value: value <= 3),
    Goal("live", "storm.all_seconds", "<= 30 s", lambda value: value <= 30),
    Goal("signin", "hanging_directory.at_fixed_rate.ratio_p99_ms", "<= 1.1", lambda value: value <= 1.1),
    Goal("memory", "idle.sum_mb", "<= 300 MB", lambda value: value <= 300),
)


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which `percent` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def spread_ms(seconds: Sequence[float]) -> Figures:
    """Median, 99th percentile and maximum in milliseconds."""
    return {
        "p50_ms": round(1000 * statistics.median(seconds), 2),
        "p99_ms": round(1000 * percentile(seconds, 99), 2),
        "max_ms": round(1000 * max(seconds), 2),
        "count": len(seconds),
    }


def judge(sections: Mapping[str, Figures]) -> list[Figures]:
    """Each goal whose figure was measured, with whether it is met."""
    judged = []
    for goal in GOALS:
        value = dict(_flat(sections.get(goal.area, {}))).get(goal.path)
        if isinstance(value, int | float):
            judged.append({
                "area": goal.area, "figure": goal.path, "goal": goal.words, "value": value,
                "is_met": goal.is_met(value),
            })  # fmt: skip
    return judged


def table(sections: Mapping[str, Figures], goals: Sequence[Figures]) -> str:
    """All figures as lines of text: area, figure, value, goal."""
    by_place = {(goal["area"], goal["figure"]): goal for goal in goals}
    lines = [f"{'area':<10} {'figure':<44} {'value':>12}  goal"]
    for area, section in sections.items():
        for path, value in _flat(section):
            goal = by_place.get((area, path))
            verdict = f"{goal['goal']}: {'met' if goal['is_met'] else 'NOT MET'}" if goal else ""
            shown = f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
            lines.append(f"{area:<10} {path:<44} {shown:>12}  {verdict}".rstrip())
    return "\n".join(lines)


def _flat(section: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in section.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        elif not isinstance(value, list):
            yield before + name, value
