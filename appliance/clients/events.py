"""Ledger events of phones and desktops."""

from typing import Final

DEVICE_REGISTERED: Final = "client_device.registered"
SKILL_OBSERVED: Final = "skill.observed"

EVENTS: Final[dict[str, str]] = {
    DEVICE_REGISTERED: "A phone told of itself for the first time; its name is personal.",
    SKILL_OBSERVED: "A desktop told of an instruction file of an agent that is new or has changed.",
}
