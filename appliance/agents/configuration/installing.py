"""The commands that install the shim: fetched from the service, compared with its checksum, given address and token."""

import msgspec

from appliance.agents.configuration.hooks import shim_folder, shim_path
from appliance.agents.configuration.records import Configuration, Request, Scope, System, Transport
from appliance.agents.shim.release import shim_checksum

# In parentheses, so that a shell into which this is pasted reads all of it before the first question.
_UNIX = """\
# Asks for a deployment token of the service, from `leashctl agents token create` or the page Agents.
(
set -eu
sh -p -c : 2>/dev/null || {{ echo 'The sh of this machine does not know -p: install dash as sh first' >&2; exit 1; }}
fresh=$(mktemp)
curl -fsS {origin}/shim/openleash-hook.sh -o "$fresh"
echo "{checksum}  $fresh" | {check} -c -
{sudo}mkdir -p "{library}" "{folder}"
{sudo}install -m 0755 "$fresh" "{path}"
rm "$fresh"
printf '%s\\n' {origin} | {sudo}tee "{folder}/endpoint" >/dev/null
printf 'Deployment token: ' >&2
read -r deployment
token=$(printf '{{"deploymentToken":"%s","hostname":"%s","platform":"{platform}"}}' "$deployment" "$(hostname)" |
  curl -fsS -H 'content-type: application/json' --data-binary @- {origin}/v1/enroll |
  sed -n 's/.*"token": *"\\(ol_[A-Za-z0-9_-]*\\)".*/\\1/p')
test -n "$token"
umask 077
{keep}
)
"""
_KEEP_MANAGED = """\
{sudo}mkdir -p -m 0755 "{folder}/tokens"
{sudo}install -m 0600 -o "$(id -un)" /dev/null "{folder}/tokens/$(id -un)"
printf '%s\\n' "$token" >"{folder}/tokens/$(id -un)"\
"""
_KEEP_OWN = """printf '%s\\n' "$token" >"{folder}/token\""""
_WINDOWS = """\
# Asks for a deployment token of the service, from `leashctl agents token create` or the page Agents.{as_administrator}
$ErrorActionPreference = 'Stop'
[Net.ServicePointManager]::SecurityProtocol = 'Tls12'
$shim = "{path}"
$folder = "{folder}"
New-Item -ItemType Directory -Force (Split-Path $shim), "$folder\\tokens" | Out-Null
Invoke-WebRequest -UseBasicParsing {origin}/shim/openleash-hook.ps1 -OutFile "$shim.new"
if ((Get-FileHash "$shim.new").Hash -ne '{checksum}') {{ throw 'The shim is not the one that the service named' }}
Move-Item -Force "$shim.new" $shim
[IO.File]::WriteAllText("$folder\\endpoint", "{origin}`n")
$body = @{{ deploymentToken = (Read-Host 'Deployment token'); hostname = $env:COMPUTERNAME; platform = 'win32' }}
$made = Invoke-RestMethod -Method Post {origin}/v1/enroll -ContentType 'application/json' -Body ($body | ConvertTo-Json)
$token = "$folder\\tokens\\$env:USERNAME"
[IO.File]::WriteAllText($token, "$($made.token)`n")
icacls $token /inheritance:r /grant:r "${{env:USERNAME}}:(R,W,D)" 'SYSTEM:(F)' | Out-Null
"""


def installed(made: Configuration, request: Request) -> Configuration:
    """The configuration with the commands that its hooks need; HTTP hooks need none."""
    if request.transport is Transport.HTTP:
        return made
    windows = request.system is System.WINDOWS
    return msgspec.structs.replace(made, install=_on_windows(request) if windows else _on_unix(request))


def _on_unix(request: Request) -> str:
    is_managed, path, folder = request.scope is Scope.MANAGED, shim_path(request), shim_folder(request)
    sudo = "sudo " if is_managed else ""
    keep = (_KEEP_MANAGED if is_managed else _KEEP_OWN).format(sudo=sudo, folder=folder)
    return _UNIX.format(
        origin=request.origin,
        checksum=shim_checksum("openleash-hook.sh"),
        check="shasum -a 256" if request.system is System.MACOS else "sha256sum",
        platform="darwin" if request.system is System.MACOS else "linux",
        sudo=sudo,
        library=path.rpartition("/")[0],
        path=path,
        folder=folder,
        keep=keep,
    )


def _on_windows(request: Request) -> str:
    return _WINDOWS.format(
        origin=request.origin,
        checksum=shim_checksum("openleash-hook.ps1"),
        path=shim_path(request),
        folder=shim_folder(request),
        as_administrator=" Run it as administrator." if request.scope is Scope.MANAGED else "",
    )
