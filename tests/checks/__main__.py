"""`python -m tests.checks`: sizes, secrets, lock files."""

import sys

from tests.checks import lock_files, planted, sizes


def main() -> int:
    """Print what was found; 1 if anything must be changed."""
    problems = [*sizes.problems(), *planted.problems(), *lock_files.problems()]
    for line in sizes.report():
        sys.stdout.write(f"{line}\n")
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
