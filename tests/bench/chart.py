"""`python -m tests.bench.chart`: draw docs/benchmarks.svg from build/bench.json."""

import json
from pathlib import Path

from tests.bench.figures import Figures

ROOT = Path(__file__).resolve().parents[2]
_WIDTH, _BAR, _LEFT, _MOST = 640, 18, 120, 400


def draw(bench: Figures) -> str:
    """Bars of decisions/s beside INSERTs/s at each number of clients, as SVG that follows the page's text colour."""
    pairs = [
        (name.removeprefix("clients_"), each["per_second"], each["pgbench_per_second"])
        for name, each in bench["decisions"].items()
        if name.startswith("clients_")
    ]
    scale = _MOST / max(value for _, *values in pairs for value in values)
    rows = []
    for number, (clients, decided, inserted) in enumerate(pairs):
        top = 34 + number * (2 * _BAR + 22)
        rows.append(f'<text x="{_LEFT - 10}" y="{top + _BAR + 4}" text-anchor="end">{clients} clients</text>')
        for offset, value, colour, what in (
            (0, decided, "#2563eb", "decisions/s"),
            (_BAR + 2, inserted, "#94a3b8", "INSERTs/s"),
        ):
            width = round(value * scale, 1)
            rows.append(f'<rect x="{_LEFT}" y="{top + offset}" width="{width}" height="{_BAR}" fill="{colour}"/>')
            rows.append(f'<text x="{_LEFT + width + 6}" y="{top + offset + 13}">{value:,.0f} {what}</text>')
    height = 34 + len(pairs) * (2 * _BAR + 22)
    style = "text{font:13px sans-serif;fill:#475569}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">'
        f"<title>Durable decisions per second beside single-row INSERTs per second</title><style>{style}</style>"
        f'<text x="{_LEFT}" y="18">Every decision is committed to disk before its answer, as is every INSERT.</text>'
        f"{''.join(rows)}</svg>\n"
    )


if __name__ == "__main__":
    read = json.loads((ROOT / "build" / "bench.json").read_text())
    (ROOT / "docs" / "benchmarks.svg").write_text(draw(read))
