"""What both processes have in common: the configuration, the log, and one clear line when they cannot start."""

import argparse
import os
import sys
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

from appliance.bootstrap import log_mask
from appliance.config import Config, load
from appliance.errors import LeashError
from appliance.logging import configure

# As in sysexits.h: what the supervisor tells apart from a crash.
EXIT_CONFIGURATION: Final = 78
EXIT_UNAVAILABLE: Final = 69


class Given(NamedTuple):
    """The configuration, and the file that it was read from, if any."""

    config: Config
    file: Path | None


def configured(program: str, description: str) -> Given:
    """The configuration of the command line and the environment, and the log set up as it says; ends on a mistake."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=description)
    parser.add_argument("--config", type=Path, help="the configuration file (TOML); settings can also be LEASH_*")
    given = parser.parse_args()
    try:
        config = load(given.config, os.environ).config
        configure(level=config.logging.level, format_=config.logging.format, mask=log_mask(config))
    except LeashError as problem:
        stop(program, problem, EXIT_CONFIGURATION)
    except OSError as problem:
        stop(program, LeashError(f"The state directory cannot be used: {problem}"), EXIT_CONFIGURATION)
    return Given(config, given.config)


def stop(program: str, problem: LeashError, code: int = EXIT_UNAVAILABLE) -> NoReturn:
    """End the process with one line that says what failed and what to do."""
    detail = "; ".join(problem.detail.splitlines())
    stopped = "" if detail[-1:] in {".", "!", "?"} else "."
    print(f"{program}: {detail}{stopped} {problem.next_step}".strip(), file=sys.stderr, flush=True)  # noqa: T201
    raise SystemExit(code)
