"""The plain form: a decision and its reason, as OpenClaw reads it through the published clients' plug-in."""

from collections.abc import Mapping
from typing import Final

from appliance.actions.records import Moment
from appliance.agents.dialects import words
from appliance.agents.dialects.dialect import BEFORE_TOOL, PUBLISHED_EVENTS, Dialect, Event

PLAIN_EVENTS: Final[Mapping[str, Event]] = {
    **{name: Event(moment, words.allow, words.block) for name, moment in PUBLISHED_EVENTS.items()},
    BEFORE_TOOL: Event(Moment.BEFORE_TOOL, words.allow, words.block, words.with_input),
}

OPENCLAW = Dialect(events=PLAIN_EVENTS)
