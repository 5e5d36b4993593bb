"""What plug-ins in JavaScript have in common: they run the shim, and whatever it cannot say stops the tool."""

import json

from appliance.agents.configuration.hooks import (
    LOADER_VARIABLES,
    POWERSHELL,
    SHELL_VARIABLES,
    TIMEOUT_SECONDS,
    shim_folder,
    shim_path,
)
from appliance.agents.configuration.records import Request, System

_SHIM = """\
// OpenLeash: asks the private cloud before a tool runs. Whatever fails here stops the tool.
import {{ spawn }} from "node:child_process";
import {{ homedir }} from "node:os";

const place = (path) => path.replace(/^\\$HOME/, () => homedir());
// What a project's .env could have set, so that the shim runs something else.
const without = {variables};
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !without.includes(name)));

const ask = (event, call) =>
  new Promise((resolve, reject) => {{
    const words = {words}.map(place);
    const child = spawn(words[0], [...words.slice(1), "{agent}", event, place({folder}), "{seconds}"], {{
      stdio: ["pipe", "pipe", "ignore"],
      windowsHide: true,
      env,
    }});
    let said = "";
    const late = setTimeout(() => child.kill(), {milliseconds});
    child.on("error", reject);
    child.stdin.on("error", () => {{}});
    child.stdout.setEncoding("utf8").on("data", (piece) => {{ said += piece; }});
    child.on("close", (code) => {{
      clearTimeout(late);
      try {{
        const answer = JSON.parse(said);
        if (code !== 0 || typeof answer?.decision !== "string") throw new Error();
        resolve(answer);
      }} catch {{
        reject(new Error("OpenLeash could not be asked, so this is denied"));
      }}
    }});
    child.stdin.end(JSON.stringify(call));
  }});
"""


def asking(request: Request, agent: str, *, seconds: int = TIMEOUT_SECONDS) -> str:
    """The function `ask(event, call)`: the service's answer, or an exception for everything that is none.

    After `seconds` there is none.
    """
    path = shim_path(request)
    words = [*POWERSHELL, path] if request.system is System.WINDOWS else [path]
    return _SHIM.format(
        agent=agent,
        words=json.dumps(words),
        variables=json.dumps(sorted((*SHELL_VARIABLES, *LOADER_VARIABLES))),
        folder=json.dumps(shim_folder(request)),
        seconds=seconds,
        milliseconds=seconds * 1_000,
    )
