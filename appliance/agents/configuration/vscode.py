"""VS Code's own agent, which reads hooks from the repository that is open.

Source: code.visualstudio.com/docs, page agent hooks.
"""

from typing import Final

from appliance.agents.configuration.hooks import TIMEOUT_SECONDS, as_json, grouped, only_shim, only_user
from appliance.agents.configuration.records import Configuration, File, Request

EVENTS: Final = ("UserPromptSubmit", "PreToolUse", "PostToolUse", "SubagentStop", "Stop", "SessionStart")


def configuration(request: Request) -> Configuration:
    """One file for each repository.

    Raises:
        ConfigurationRefusedError: managed settings or HTTP are asked for.
    """
    only_user(request, "vscode")
    only_shim(request, "vscode")
    content = as_json({"hooks": grouped(request, "vscode", EVENTS, timeout=TIMEOUT_SECONDS)})
    return Configuration(
        agent="vscode",
        files=(File(path=".github/hooks/openleash-vscode.json", content=content),),
        cautions=(
            "The file belongs into each repository, and whoever can change that can take it away.",
            "VS Code only warns when a hook is killed, and goes on.",
        ),
    )
