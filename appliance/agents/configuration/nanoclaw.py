"""NanoClaw, which runs Claude Code's engine in a container and reads its settings there."""

from appliance.agents.configuration.claude import hooks
from appliance.agents.configuration.hooks import as_json, only_shim, only_user
from appliance.agents.configuration.records import Configuration, File, Request


def configuration(request: Request) -> Configuration:
    """The settings that the container's agent reads from its home.

    Raises:
        ConfigurationRefusedError: managed settings or HTTP are asked for.
    """
    only_user(request, "nanoclaw")
    only_shim(request, "nanoclaw")
    known = {"UserPromptSubmit", "PreToolUse", "PostToolUse", "SubagentStop", "Stop", "SessionStart", "SessionEnd"}
    kept = {event: groups for event, groups in hooks(request, "nanoclaw").items() if event in known}
    return Configuration(
        agent="nanoclaw",
        files=(File(path="~/.claude/settings.json", content=as_json({"hooks": kept})),),
        cautions=(
            "The agent runs in a container: mount the folder of the shim there, and put this file into its home.",
            "What can write into that home can change these settings.",
        ),
    )
