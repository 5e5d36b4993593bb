"""`python -m appliance.agents.shim.build`: writes the shims from their templates and the dialects' own denies.

So that shim and service never disagree: what a shim prints when it cannot ask is what the service would have said.
"""

import json
from collections import defaultdict
from pathlib import Path
from typing import Final

from appliance.agents.dialects import DIALECTS, deny, hold_seconds
from appliance.agents.shim.release import SHIM_RELEASE

FOLDER: Final = Path(__file__).parent
NAMES: Final = ("openleash-hook.sh", "openleash-hook.ps1")
# An answer holds at most what the agent sent, with more words; what is longer is cut, and denied as not whole.
ANSWER_BYTES_MAX: Final = 33_554_432
# More than the service needs after a hold, less than any agent's patience after one.
PATIENCE_SECONDS: Final = 3
# What a hook that is told its timeout leaves of it; the service leaves MARGIN_SECONDS, which is more.
MARGIN: Final = 2
_MARK: Final = "@REASON@"
_Pairs = dict[str, list[tuple[str, str]]]


def built(name: str) -> str:
    """The text of a shim."""
    stem, _, ending = name.rpartition(".")
    text = (FOLDER / f"{stem}.template.{ending}").read_text("utf-8")
    denies, seconds = (_sh_denies, _sh_seconds) if ending == "sh" else (_ps1_denies, _ps1_seconds)
    filled = text.replace("@DENIES@", "\n".join(denies(_denies()))).replace("@SECONDS@", "\n".join(seconds(_seconds())))
    return (
        filled.replace("@RELEASE@", str(SHIM_RELEASE))
        .replace("@BYTES@", str(ANSWER_BYTES_MAX))
        .replace("@MARGIN@", str(MARGIN))
    )


def _pairs() -> list[tuple[str, str]]:
    return [(agent, event) for agent, dialect in DIALECTS.items() for event in dialect.events]


def _denies() -> _Pairs:
    """Deny as JSON with a mark for the reason -> the agents and events that read it."""
    found: _Pairs = defaultdict(list)
    for agent, event in _pairs():
        found[json.dumps(deny(agent, event, _MARK), ensure_ascii=True, separators=(",", ":"))].append((agent, event))
    return found


def _seconds() -> _Pairs:
    """Time limit -> the agents and events that it belongs to."""
    found: _Pairs = defaultdict(list)
    for agent, event in _pairs():
        found[str(round(hold_seconds(agent, event)) + PATIENCE_SECONDS)].append((agent, event))
    return found


def _sh_denies(denies: _Pairs) -> list[str]:
    lines = []
    for text, pairs in denies.items():
        printed = text.replace("'", "'\\''").replace(_MARK, "'\"$reason\"'")
        lines += [*_sh_patterns(pairs, "  "), f"    printf '%s\\n' '{printed}' || exit 2 ;;"]
    return lines


def _sh_seconds(seconds: _Pairs) -> list[str]:
    return [line for number, pairs in seconds.items() for line in (*_sh_patterns(pairs, ""), f"  seconds={number} ;;")]


def _sh_patterns(pairs: list[tuple[str, str]], indent: str) -> list[str]:
    quoted = [f"'{agent} {event}'" for agent, event in pairs]
    return [f"{indent}{' | '.join(quoted)})"]


def _ps1_denies(denies: _Pairs) -> list[str]:
    return [_ps1_row(pairs, text.replace("'", "''")) for text, pairs in denies.items()]


def _ps1_seconds(seconds: _Pairs) -> list[str]:
    return [_ps1_row(pairs, number) for number, pairs in seconds.items()]


def _ps1_row(pairs: list[tuple[str, str]], value: str) -> str:
    keys = ", ".join(f"'{agent} {event}'" for agent, event in pairs)
    return f"  @(@({keys}), '{value}')"


def main() -> None:
    """Write both shims."""
    for name in NAMES:
        (FOLDER / name).write_text(built(name), "utf-8")


if __name__ == "__main__":
    main()
