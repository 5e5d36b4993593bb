"""OpenClaw: a plug-in whose hook blocks whenever a tool must not run.

Source: docs.openclaw.ai, page plugin hooks.
"""

from typing import Final

from appliance.agents.configuration.hooks import as_json, only_shim, only_user
from appliance.agents.configuration.plug_ins import asking
from appliance.agents.configuration.records import Configuration, File, Request

EVENTS: Final = ("UserPromptSubmit", "PreToolUse", "PostToolUse")
# The most that OpenClaw lets an operator grant a hook; the shim answers before that.
_HOOK_SECONDS: Final = 600
_SHIM_SECONDS: Final = 590
_FOLDER: Final = "~/.openclaw/extensions/openleash"
_PLUG_IN: Final = """
const about = (event, context) => ({
  tool_name: event.toolName,
  tool_input: event.params,
  tool_use_id: event.toolCallId ?? context?.toolCallId,
  session_id: context?.sessionKey ?? context?.sessionId,
  workspaceDir: context?.workspaceDir,
});

const denial = async (name, call) => {
  try {
    const answer = await ask(name, call);
    return { answer, reason: answer.decision === "allow" ? undefined : (answer.reason ?? "Denied by OpenLeash") };
  } catch (problem) {
    return { reason: String(problem?.message ?? problem) };
  }
};

export default {
  id: "openleash",
  name: "OpenLeash",
  register(api) {
    const first = { priority: 1000, timeoutMs: %d };
    api.on(
      "before_tool_call",
      async (event, context) => {
        const { answer, reason } = await denial("PreToolUse", about(event, context));
        if (reason !== undefined) return { block: true, blockReason: reason };
        return answer.updatedInput ? { params: answer.updatedInput } : undefined;
      },
      first,
    );
    api.on(
      "before_agent_run",
      async (event, context) => {
        const { reason } = await denial("UserPromptSubmit", { ...about({}, context), prompt: event.prompt });
        return reason === undefined ? { outcome: "pass" } : { outcome: "block", reason, message: reason };
      },
      first,
    );
    api.on("after_tool_call", async (event, context) => {
      await denial("PostToolUse", { ...about(event, context), result: event.result, error: event.error });
    });
  },
};
"""
_PROMPTS: Final = (
    "Prompts are asked about only by releases that have before_agent_run, and only if openclaw.json has"
    " plugins.entries.openleash.hooks.allowConversationAccess set to true."
)
_CAUTIONS: Final = (
    "Whoever runs the gateway can switch the plug-in off, or give its hooks less time.",
    _PROMPTS,
    "What comes after a tool is recorded only: OpenClaw neither stops there nor takes a masked result.",
)


def configuration(request: Request) -> Configuration:
    """A folder with the plug-in.

    Raises:
        ConfigurationRefusedError: managed settings or HTTP are asked for.
    """
    only_user(request, "openclaw")
    only_shim(request, "openclaw")
    manifest = {"id": "openleash", "name": "OpenLeash", "configSchema": {"type": "object", "properties": {}}}
    package = {"name": "openleash", "version": "1.0.0", "type": "module", "openclaw": {"extensions": ["./index.js"]}}
    plug_in = asking(request, "openclaw", seconds=_SHIM_SECONDS) + _PLUG_IN % (1_000 * _HOOK_SECONDS)
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
        cautions=_CAUTIONS,
    )
