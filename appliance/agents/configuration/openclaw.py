"""OpenClaw: a plug-in whose hook blocks whenever a tool must not run.

Source: docs.openclaw.ai, page plugin hooks.
"""

from typing import Final

from appliance.agents.configuration.hooks import TIMEOUT_SECONDS, as_json, only_shim, only_user
from appliance.agents.configuration.plug_ins import asking
from appliance.agents.configuration.records import Configuration, File, Request

EVENTS: Final = ("PreToolUse",)
_FOLDER: Final = "~/.openclaw/extensions/openleash"
_PLUG_IN: Final = """
export default {
  id: "openleash",
  name: "OpenLeash",
  register(api) {
    api.on(
      "before_tool_call",
      async (event, context) => {
        try {
          const answer = await ask("PreToolUse", {
            tool_name: event.toolName,
            tool_input: event.params,
            session_id: context?.sessionKey ?? context?.sessionId,
          });
          if (answer.decision !== "allow") return { block: true, blockReason: answer.reason ?? "Denied by OpenLeash" };
          return answer.updatedInput ? { params: answer.updatedInput } : undefined;
        } catch (problem) {
          return { block: true, blockReason: String(problem?.message ?? problem) };
        }
      },
      { priority: 1000, timeoutMs: %d },
    );
  },
};
"""


def configuration(request: Request) -> Configuration:
    """A folder with the plug-in.

    Raises:
        ConfigurationRefusedError: managed settings or HTTP are asked for.
    """
    only_user(request, "openclaw")
    only_shim(request, "openclaw")
    manifest = {"id": "openleash", "name": "OpenLeash", "configSchema": {"type": "object", "properties": {}}}
    package = {"name": "openleash", "version": "1.0.0", "type": "module", "openclaw": {"extensions": ["./index.js"]}}
    plug_in = asking(request, "openclaw") + _PLUG_IN % (1_000 * TIMEOUT_SECONDS + 5_000)
    return Configuration(
        agent="openclaw",
        files=(
            File(
                path=f"{_FOLDER}/index.js",
                content=plug_in,
            ),
            File(path=f"{_FOLDER}/package.json", content=as_json(package)),
            File(path=f"{_FOLDER}/openclaw.plugin.json", content=as_json(manifest)),
        ),
        cautions=("Whoever runs the gateway can switch the plug-in off.",),
    )
