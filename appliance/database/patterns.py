"""Texts that somebody searches for, as SQL patterns."""


def like_pattern(text: str) -> str:
    """A LIKE pattern that finds `text` literally anywhere; empty for empty."""
    if not text:
        return ""
    escaped = text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_").replace("\0", "")
    return f"%{escaped}%"
