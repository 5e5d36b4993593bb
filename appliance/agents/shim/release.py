"""Which shim this release hands out, and how it names itself in hook calls."""

SHIM_RELEASE = 1


def shim_mark() -> str:
    """What a shim of this release says of itself as client version."""
    return ""
