"""OpenCode: a plug-in that throws whenever a tool must not run.

Source: opencode.ai/docs, pages plugins and config.
"""

from typing import Final

from appliance.agents.configuration.hooks import as_json, only_shim
from appliance.agents.configuration.plug_ins import asking
from appliance.agents.configuration.records import Configuration, File, Request, Scope, System

EVENTS: Final = ("UserPromptSubmit", "tool.execute.before", "tool.execute.after")
_MANAGED: Final = {
    System.LINUX: "/etc/opencode",
    System.MACOS: "/Library/Application Support/opencode",
    System.WINDOWS: r"C:\ProgramData\opencode",
}
_BY_USER: Final = "Whoever uses the agent can take this file away."
_UNREAD: Final = "Releases of OpenCode without managed settings do not read them: watch its coverage."
# Its permission.ask is not used: present releases declare it and never call it (anomalyco/opencode issue 47674), and
# where it is called, tool.execute.before has asked about the same call already.
_LIMITS: Final = (
    "OpenCode's own questions of permission go to its person; those that belong to no tool are not asked about here.",
    "Started with --pure, OpenCode loads no plug-in: watch its coverage.",
)
_PLUG_IN: Final = """
export const OpenLeash = async ({ directory }) => ({
  "chat.message": async (input, output) => {
    const texts = (output.parts ?? []).filter((part) => part.type === "text").map((part) => part.text);
    const call = { sessionID: input.sessionID, cwd: directory, prompt: texts.join("\\n") };
    const answer = await ask("UserPromptSubmit", call);
    if (answer.decision !== "allow") throw new Error(answer.reason ?? "Denied by OpenLeash");
  },
  "tool.execute.before": async (input, output) => {
    const answer = await ask("tool.execute.before", { input, output, cwd: directory });
    if (answer.decision !== "allow") throw new Error(answer.reason ?? "Denied by OpenLeash");
    if (answer.args) output.args = answer.args;
  },
  "tool.execute.after": async (input, output) => {
    const answer = await ask("tool.execute.after", { input, output, cwd: directory });
    if (answer.decision !== "allow") throw new Error(answer.reason ?? "Denied by OpenLeash");
    if (answer.output !== undefined) output.output = answer.output;
  },
});
"""


def configuration(request: Request) -> Configuration:
    """The plug-in, and for managed settings the file that names it.

    Raises:
        ConfigurationRefusedError: HTTP is asked for.
    """
    only_shim(request, "opencode")
    plug_in = asking(request, "opencode") + _PLUG_IN
    if request.scope is Scope.USER:
        files = (File(path="~/.config/opencode/plugin/openleash.js", content=plug_in),)
        return Configuration(agent="opencode", files=files, cautions=(_BY_USER, *_LIMITS))
    folder = _MANAGED[request.system] + ("\\" if request.system is System.WINDOWS else "/")
    path = f"{folder}openleash.js"
    address = "file:///" + path.lstrip("/").replace("\\", "/").replace(" ", "%20")
    settings = as_json({"$schema": "https://opencode.ai/config.json", "plugin": [address]})
    return Configuration(
        agent="opencode",
        files=(
            File(path=path, content=plug_in),
            File(path=f"{folder}opencode.json", content=settings),
        ),
        cautions=(_UNREAD, *_LIMITS),
    )
