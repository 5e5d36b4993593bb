"""Names that say production."""

from typing import Final

_WORDS: Final = frozenset(["prod", "prd", "production", "prods", "produktion"])
_ENDINGS: Final = ("production", "prod", "prd")


def is_production(name: str) -> bool:
    """Tell whether a name of a context, host, profile or the like means production: `shop-prod1`, `eu_production`."""
    lowered = name.lower()
    if "pr" not in lowered:
        return False
    word: list[str] = []
    for character in lowered + " ":
        if character.isalpha():
            word.append(character)
            continue
        text = "".join(word)
        if text in _WORDS or (len(text) > 4 and text.endswith(_ENDINGS) and not text.startswith(("non", "pre", "re"))):  # noqa: PLR2004
            return not _is_negated(lowered)
        word.clear()
    return False


def _is_negated(lowered: str) -> bool:
    return any(
        prefix in lowered
        for prefix in ("non-prod", "nonprod", "non_prod", "pre-prod", "preprod", "pre_prod", "not-prod")
    )
