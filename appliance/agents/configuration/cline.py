"""Cline, whose hooks are files that are named by their event.

Source: docs.cline.bot, page hooks.
"""

from typing import Final

from appliance.agents.configuration.errors import ConfigurationRefusedError
from appliance.agents.configuration.hooks import command, only_shim, only_user
from appliance.agents.configuration.records import Configuration, File, Request, System

EVENTS: Final = ("UserPromptSubmit", "PreToolUse", "PostToolUse", "TaskStart", "TaskResume")
# Cline gives a hook 30 seconds, and has no setting for it.
CLINE_SECONDS: Final = 30


def configuration(request: Request) -> Configuration:
    """One script per event, for every project of the user.

    Raises:
        ConfigurationRefusedError: managed settings, HTTP or Windows are asked for.
    """
    only_user(request, "cline")
    only_shim(request, "cline")
    if request.system is System.WINDOWS:
        raise ConfigurationRefusedError("Cline's hooks on Windows are not covered: use it in WSL, as on linux")
    files = [
        File(
            path=f"~/Documents/Cline/Hooks/{event}",
            content=f"#!/bin/sh -p\nexec {command(request, 'cline', event, seconds=CLINE_SECONDS)}\n",
            mode="0755",
        )
        for event in EVENTS
    ]
    return Configuration(
        agent="cline",
        files=tuple(files),
        cautions=(
            "Hooks must be switched on in Cline's settings, and whoever uses it can switch them off.",
            "People have 25 seconds to answer; after that the call is denied, and joins the ask when it is repeated.",
        ),
    )
