# OpenLeash: asks the private cloud whether an agent may go on. Built by `python -m appliance.agents.shim.build`.
#
#   powershell -NoProfile -ExecutionPolicy Bypass -File openleash-hook.ps1 AGENT EVENT [DIRECTORY [TIMEOUT]]
#
# DIRECTORY is %ProgramData%\OpenLeash unless it is given. It holds `endpoint` (the service's https address) and
# `token` or `tokens\USER` (the machine's token, which only its user, SYSTEM and administrators may read). TIMEOUT is
# the one that the agent's settings give this hook, in seconds.
# Whatever fails here is the agent's own deny. For Windows PowerShell 5.1 and PowerShell 7.
param([string]$Agent = '', [string]$Event_ = '', [string]$Place = '', [string]$Timeout = '')
# A project could have named a folder with commands of its own; those that are used here load from PowerShell's.
$env:PSModulePath = "$PSHOME\Modules"
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2
$release = '@RELEASE@'
$pair = "$Agent $Event_"
$denies = @(
@DENIES@
)
$limits = @(
@SECONDS@
)

function Find-Row($rows) {
  foreach ($row in $rows) { if ($row[0] -ccontains $pair) { return $row[1] } }
  return $null
}

function Write-Out([string]$text) {
  $bytes = (New-Object System.Text.UTF8Encoding($false)).GetBytes($text + "`n")
  $out = [Console]::OpenStandardOutput()
  $out.Write($bytes, 0, $bytes.Length)
  $out.Flush()
}

function Deny([string]$why) {
  $reason = "OpenLeash could not be asked, so this is denied: $why."
  $deny = Find-Row $denies
  if ($null -eq $deny) { [Console]::Error.WriteLine($reason); exit 2 }
  try { Write-Out ($deny.Replace('@REASON@', $reason)) } catch { exit 2 }
  exit 0
}

$why = 'the call to the service failed'
try {
  $body = New-Object System.IO.MemoryStream
  [Console]::OpenStandardInput().CopyTo($body)
  $seconds = Find-Row $limits
  if ($null -eq $seconds) { $why = 'the agent has no such event here'; throw $why }
  $query = ''
  if ($Timeout -ne '') {
    $why = 'the timeout of the hook is none'
    if ($Timeout -cnotmatch '^[1-9][0-9]{1,2}$') { throw $why }
    $seconds = [int]$Timeout - @MARGIN@
    $query = "&timeout_seconds=$Timeout"
  }
  if ($Place -eq '') { $Place = Join-Path ([Environment]::GetFolderPath('CommonApplicationData')) 'OpenLeash' }
  $why = 'the address of the service cannot be read'
  $endpoint = ([System.IO.File]::ReadAllLines((Join-Path $Place 'endpoint')))[0]
  $uri = New-Object System.Uri($endpoint)
  $isLocal = $uri.Scheme -ceq 'http' -and ($uri.Host -ceq '127.0.0.1' -or $uri.Host -ceq 'localhost')
  if ($uri.Scheme -cne 'https' -and -not $isLocal) { throw $why }
  $why = 'the token cannot be read'
  $file = Join-Path $Place 'token'
  if (-not (Test-Path -LiteralPath $file)) { $file = Join-Path (Join-Path $Place 'tokens') ([Environment]::UserName) }
  $token = ([System.IO.File]::ReadAllLines($file))[0]
  $why = 'the token can be read by others'
  $mine = [System.Security.Principal.WindowsIdentity]::GetCurrent().User.Value
  $allowed = @($mine, 'S-1-5-18', 'S-1-5-32-544')
  foreach ($rule in (Get-Acl -LiteralPath $file).Access) {
    $who = $rule.IdentityReference.Translate([System.Security.Principal.SecurityIdentifier]).Value
    if ($rule.AccessControlType -eq 'Allow' -and $allowed -cnotcontains $who) { throw $why }
  }
  $why = 'the token is none'
  if ($token -cnotmatch '^[A-Za-z0-9_-]+$') { throw $why }
  $why = 'the service cannot be reached, is not trusted, or did not answer in time'
  Add-Type -AssemblyName System.Net.Http
  [System.Net.ServicePointManager]::SecurityProtocol = [System.Net.SecurityProtocolType]::Tls12
  $handler = New-Object System.Net.Http.HttpClientHandler
  $handler.AllowAutoRedirect = $false
  if ($isLocal) { $handler.UseProxy = $false }
  $client = New-Object System.Net.Http.HttpClient($handler)
  $client.Timeout = [TimeSpan]::FromSeconds([int]$seconds)
  $client.MaxResponseContentBufferSize = @BYTES@
  $mark = (Get-FileHash -LiteralPath $PSCommandPath -Algorithm SHA256).Hash.ToLowerInvariant().Substring(0, 12)
  $url = $endpoint.TrimEnd('/') + "/v1/hooks/$Agent/${Event_}?client_version=shim-$release-$mark$query"
  $request = New-Object System.Net.Http.HttpRequestMessage([System.Net.Http.HttpMethod]::Post, $url)
  $request.Headers.ExpectContinue = $false
  [void]$request.Headers.TryAddWithoutValidation('Authorization', "Bearer $token")
  [void]$request.Headers.TryAddWithoutValidation('User-Agent', "openleash-hook/$release")
  $request.Content = New-Object System.Net.Http.ByteArrayContent(, $body.ToArray())
  [void]$request.Content.Headers.TryAddWithoutValidation('Content-Type', 'application/json')
  $reply = $client.SendAsync($request).GetAwaiter().GetResult()
  $why = 'the service answered with an error'
  if ([int]$reply.StatusCode -ne 200) { throw $why }
  $why = 'something else than the service has answered'
  if ($reply.Content.Headers.ContentType.MediaType -cne 'application/json') { throw $why }
  $why = 'the answer of the service is not whole'
  $bytes = $reply.Content.ReadAsByteArrayAsync().GetAwaiter().GetResult()
  $text = (New-Object System.Text.UTF8Encoding($false, $true)).GetString($bytes)
  if (-not ($text.StartsWith('{') -and $text.EndsWith('}'))) { throw $why }
  $why = 'the answer cannot be written'
  Write-Out $text
  exit 0
} catch {
  Deny $why
}
