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
$release = '2'
$pair = "$Agent $Event_"
$denies = @(
  @(@('claude UserPromptSubmit', 'claude UserPromptExpansion', 'copilot UserPromptSubmit', 'copilot PostToolUse', 'copilot Stop', 'copilot SubagentStart', 'copilot SubagentStop', 'copilot SessionStart', 'copilot SessionEnd', 'copilot Notification', 'gemini Stop', 'nanoclaw UserPromptSubmit', 'vscode UserPromptSubmit'), '{"decision":"block","reason":"@REASON@","continue":false,"stopReason":"@REASON@"}')
  @(@('claude PreToolUse', 'nanoclaw PreToolUse', 'vscode PreToolUse'), '{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"@REASON@"}}')
  @(@('claude PostToolUse', 'claude Stop', 'claude SubagentStart', 'claude SubagentStop', 'claude SessionStart', 'claude SessionEnd', 'claude Notification', 'claude PostToolUseFailure', 'claude PostToolBatch', 'claude PermissionDenied', 'claude Setup', 'claude InstructionsLoaded', 'claude StopFailure', 'claude TeammateIdle', 'claude TaskCreated', 'claude TaskCompleted', 'claude WorktreeRemove', 'claude CwdChanged', 'claude FileChanged', 'claude PostCompact', 'codex Stop', 'codex SubagentStart', 'codex SubagentStop', 'codex SessionStart', 'codex SessionEnd', 'codex Notification', 'codex PreCompact', 'codex PostCompact', 'copilot sessionStart', 'copilot sessionEnd', 'copilot userPromptSubmitted', 'copilot userPromptTransformed', 'copilot postToolUseFailure', 'copilot errorOccurred', 'copilot agentStop', 'copilot subagentStart', 'copilot subagentStop', 'copilot notification', 'copilot preCompact', 'copilot PostToolUseFailure', 'copilot ErrorOccurred', 'copilot PreCompact', 'gemini AfterAgent', 'nanoclaw PostToolUse', 'nanoclaw Stop', 'nanoclaw SubagentStart', 'nanoclaw SubagentStop', 'nanoclaw SessionStart', 'nanoclaw SessionEnd', 'nanoclaw Notification', 'vscode PostToolUse', 'vscode Stop', 'vscode SubagentStart', 'vscode SubagentStop', 'vscode SessionStart', 'vscode PreCompact'), '{"continue":false,"stopReason":"@REASON@"}')
  @(@('claude PermissionRequest', 'codex PermissionRequest'), '{"hookSpecificOutput":{"hookEventName":"PermissionRequest","decision":{"behavior":"deny","message":"@REASON@"}}}')
  @(@('claude ConfigChange', 'claude PreCompact', 'codex UserPromptSubmit', 'codex PostToolUse', 'cursor PostToolUse', 'cursor Stop', 'cursor SubagentStart', 'cursor SubagentStop', 'cursor SessionStart', 'cursor SessionEnd', 'cursor Notification', 'gemini UserPromptSubmit', 'gemini PreToolUse', 'gemini PostToolUse', 'gemini SubagentStart', 'gemini SubagentStop', 'gemini SessionStart', 'gemini SessionEnd', 'gemini Notification', 'opencode UserPromptSubmit', 'opencode PreToolUse', 'opencode PostToolUse', 'opencode Stop', 'opencode SubagentStart', 'opencode SubagentStop', 'opencode SessionStart', 'opencode SessionEnd', 'opencode Notification', 'opencode tool.execute.before', 'opencode tool.execute.after', 'openclaw UserPromptSubmit', 'openclaw PreToolUse', 'openclaw PostToolUse', 'openclaw Stop', 'openclaw SubagentStart', 'openclaw SubagentStop', 'openclaw SessionStart', 'openclaw SessionEnd', 'openclaw Notification'), '{"decision":"block","reason":"@REASON@"}')
  @(@('claude Elicitation'), '{"hookSpecificOutput":{"hookEventName":"Elicitation","action":"decline"}}')
  @(@('claude ElicitationResult'), '{"hookSpecificOutput":{"hookEventName":"ElicitationResult","action":"decline"}}')
  @(@('codex PreToolUse'), '{"decision":"block","reason":"@REASON@","hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"@REASON@"}}')
  @(@('copilot PreToolUse', 'copilot preToolUse'), '{"permissionDecision":"deny","permissionDecisionReason":"@REASON@"}')
  @(@('copilot permissionRequest', 'copilot PermissionRequest'), '{"behavior":"deny","message":"@REASON@"}')
  @(@('copilot postToolUse'), '{"modifiedResult":{"resultType":"success","textResultForLlm":"@REASON@"}}')
  @(@('cursor UserPromptSubmit'), '{"decision":"block","reason":"@REASON@","continue":false,"user_message":"@REASON@"}')
  @(@('cursor PreToolUse'), '{"decision":"block","reason":"@REASON@","permission":"deny","user_message":"@REASON@","agent_message":"@REASON@"}')
  @(@('cursor beforeShellExecution', 'cursor beforeMCPExecution', 'cursor beforeReadFile', 'cursor beforeTabFileRead', 'cursor subagentStart', 'cursor preToolUse'), '{"permission":"deny","user_message":"@REASON@","agent_message":"@REASON@"}')
  @(@('cursor beforeSubmitPrompt', 'cursor sessionStart'), '{"continue":false,"user_message":"@REASON@"}')
  @(@('cursor postToolUse'), '{"additional_context":"@REASON@"}')
  @(@('cursor postToolUseFailure', 'cursor afterShellExecution', 'cursor afterMCPExecution', 'cursor afterFileEdit', 'cursor afterTabFileEdit', 'cursor afterAgentResponse', 'cursor afterAgentThought', 'cursor subagentStop', 'cursor stop', 'cursor sessionEnd', 'cursor preCompact'), '{"user_message":"@REASON@"}')
  @(@('gemini BeforeTool', 'gemini AfterTool', 'gemini BeforeAgent', 'gemini BeforeModel', 'gemini AfterModel'), '{"decision":"deny","reason":"@REASON@"}')
  @(@('gemini BeforeToolSelection'), '{"hookSpecificOutput":{"hookEventName":"BeforeToolSelection","toolConfig":{"mode":"NONE"}}}')
  @(@('gemini PreCompress'), '{"systemMessage":"@REASON@"}')
  @(@('opencode permission.ask'), '{"decision":"block","reason":"@REASON@","status":"deny"}')
  @(@('cline UserPromptSubmit', 'cline PostToolUse', 'cline TaskStart', 'cline TaskResume', 'cline TaskCancel', 'cline TaskComplete', 'cline PreCompact', 'cline PreToolUse'), '{"cancel":true,"errorMessage":"@REASON@"}')
)
$limits = @(
  @(@('claude UserPromptSubmit', 'claude PreToolUse', 'claude PostToolUse', 'claude Stop', 'claude SubagentStart', 'claude SubagentStop', 'claude SessionStart', 'claude SessionEnd', 'claude Notification', 'claude PermissionRequest', 'claude UserPromptExpansion', 'claude ConfigChange', 'claude PreCompact', 'claude Elicitation', 'claude ElicitationResult', 'claude PostToolUseFailure', 'claude PostToolBatch', 'claude PermissionDenied', 'claude Setup', 'claude InstructionsLoaded', 'claude StopFailure', 'claude TeammateIdle', 'claude TaskCreated', 'claude TaskCompleted', 'claude WorktreeRemove', 'claude CwdChanged', 'claude FileChanged', 'claude PostCompact', 'codex UserPromptSubmit', 'codex PreToolUse', 'codex PostToolUse', 'codex Stop', 'codex SubagentStart', 'codex SubagentStop', 'codex SessionStart', 'codex SessionEnd', 'codex Notification', 'codex PermissionRequest', 'codex PreCompact', 'codex PostCompact', 'copilot UserPromptSubmit', 'copilot PreToolUse', 'copilot PostToolUse', 'copilot Stop', 'copilot SubagentStart', 'copilot SubagentStop', 'copilot SessionStart', 'copilot SessionEnd', 'copilot Notification', 'copilot postToolUse', 'cursor UserPromptSubmit', 'cursor PreToolUse', 'cursor PostToolUse', 'cursor Stop', 'cursor SubagentStart', 'cursor SubagentStop', 'cursor SessionStart', 'cursor SessionEnd', 'cursor Notification', 'cursor sessionStart', 'cursor postToolUse', 'cursor postToolUseFailure', 'cursor afterShellExecution', 'cursor afterMCPExecution', 'cursor afterFileEdit', 'cursor afterTabFileEdit', 'cursor afterAgentResponse', 'cursor afterAgentThought', 'cursor subagentStop', 'cursor stop', 'cursor sessionEnd', 'cursor preCompact', 'opencode UserPromptSubmit', 'opencode PreToolUse', 'opencode PostToolUse', 'opencode Stop', 'opencode SubagentStart', 'opencode SubagentStop', 'opencode SessionStart', 'opencode SessionEnd', 'opencode Notification', 'opencode tool.execute.before', 'opencode permission.ask', 'opencode tool.execute.after', 'openclaw UserPromptSubmit', 'openclaw PreToolUse', 'openclaw PostToolUse', 'openclaw Stop', 'openclaw SubagentStart', 'openclaw SubagentStop', 'openclaw SessionStart', 'openclaw SessionEnd', 'openclaw Notification', 'nanoclaw UserPromptSubmit', 'nanoclaw PreToolUse', 'nanoclaw PostToolUse', 'nanoclaw Stop', 'nanoclaw SubagentStart', 'nanoclaw SubagentStop', 'nanoclaw SessionStart', 'nanoclaw SessionEnd', 'nanoclaw Notification'), '593')
  @(@('copilot sessionStart', 'copilot sessionEnd', 'copilot userPromptSubmitted', 'copilot userPromptTransformed', 'copilot postToolUseFailure', 'copilot errorOccurred', 'copilot agentStop', 'copilot subagentStart', 'copilot subagentStop', 'copilot notification', 'copilot preCompact', 'copilot PostToolUseFailure', 'copilot ErrorOccurred', 'copilot PreCompact', 'copilot preToolUse', 'copilot permissionRequest', 'copilot PermissionRequest', 'cline UserPromptSubmit', 'cline PostToolUse', 'cline TaskStart', 'cline TaskResume', 'cline TaskCancel', 'cline TaskComplete', 'cline PreCompact', 'cline PreToolUse', 'vscode PreToolUse', 'vscode UserPromptSubmit', 'vscode PostToolUse', 'vscode Stop', 'vscode SubagentStart', 'vscode SubagentStop', 'vscode SessionStart', 'vscode PreCompact'), '28')
  @(@('cursor beforeShellExecution', 'cursor beforeMCPExecution', 'cursor beforeReadFile', 'cursor beforeTabFileRead', 'cursor subagentStart', 'cursor preToolUse', 'cursor beforeSubmitPrompt', 'gemini UserPromptSubmit', 'gemini PreToolUse', 'gemini PostToolUse', 'gemini Stop', 'gemini SubagentStart', 'gemini SubagentStop', 'gemini SessionStart', 'gemini SessionEnd', 'gemini Notification', 'gemini BeforeTool', 'gemini AfterTool', 'gemini BeforeAgent', 'gemini AfterAgent', 'gemini BeforeModel', 'gemini BeforeToolSelection', 'gemini AfterModel', 'gemini PreCompress'), '58')
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
    $seconds = [int]$Timeout - 2
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
  $client.MaxResponseContentBufferSize = 33554432
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
