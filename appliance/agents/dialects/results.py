"""Tool results with their secrets masked, for agents that take another result than the tool's."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from appliance.agents.dialects.dialect import Body

TEXT_MAX: Final = 100_000
# Where a result holds more than its text, the text is here.
_TEXTS: Final = ("llmContent", "output", "content", "text")


def masked_of(sent: Body, masked: Body, names: tuple[str, ...]) -> Any | None:  # noqa: ANN401 - any JSON value
    """The masked result under the first of `names` that the body has; None if no secret is in it."""
    for name in names:
        value = sent.get(name)
        if value is not None:
            shown = masked.get(name)
            return None if shown == value else shown
    return None


def text_of(result: Any) -> str:  # noqa: ANN401 - any JSON value
    """A result as the text that a model reads in its place, at most TEXT_MAX characters."""
    text = result
    if isinstance(result, Mapping):
        text = next((result[name] for name in _TEXTS if isinstance(result.get(name), str)), None)
    if not isinstance(text, str):
        text = msgspec.json.encode(result).decode()
    return text if len(text) <= TEXT_MAX else text[:TEXT_MAX] + "…"
