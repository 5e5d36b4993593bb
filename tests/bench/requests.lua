-- Hook bodies as Claude Code sends them before a tool: shell, files, searches, web and MCP; no two are the same.
-- Environment: BENCH_TOKEN (machine token), BENCH_RUN (distinguishes runs), BENCH_PAUSE_MS (before each call). Prints one line of JSON at the end.
local run = os.getenv("BENCH_RUN") or "0"
local pause = tonumber(os.getenv("BENCH_PAUSE_MS") or "0")
local number = 0
local line = "    total_%d = total_%d + price * quantity  -- row %d\\n"

local function code(lines)
  local parts = {}
  for row = 1, lines do parts[row] = string.format(line, number, number, row) end
  return table.concat(parts)
end

local function shell(command)
  return function()
    return "Bash", string.format('{"command":"' .. command .. '","description":"Step %d of the change"}', number, number)
  end
end

local tools = {
  shell("ls -la /src/app/module%d"),
  shell("git status --short packages/part%d"),
  function()
    return "Read", string.format('{"file_path":"/src/billing/invoice_%d.py","offset":%d,"limit":200}', number, number % 900)
  end,
  shell("python -m pytest tests/test_case_%d.py -q --maxfail=1"),
  function()
    return "Edit", string.format('{"file_path":"/src/billing/report_%d.py","old_string":"%s","new_string":"%s"}',
      number, code(4), code(6))
  end,
  shell("grep -rn needle%d src/ | sort | uniq -c | head -20"),
  function()
    return "mcp__tracker__create_issue", string.format(
      '{"title":"Totals differ in invoice %d","body":"Seen in run %s: row %d shows two sums.","labels":["billing","bug"]}',
      number, run, number)
  end,
  shell("git commit -m 'Correct the totals of invoice %d'"),
  function()
    return "Grep", string.format('{"pattern":"total_%d","path":"/src/billing","output_mode":"content"}', number)
  end,
  shell("npm test -- --grep case%d"),
  function()
    return "Write", string.format('{"file_path":"/src/billing/test_invoice_%d.py","content":"%s"}', number, code(24))
  end,
  shell("echo done %d && make build"),
  function()
    return "mcp__docs__search", string.format('{"query":"rounding of invoice %d","limit":10}', number)
  end,
  shell("cat src/file%d.py | head -20"),
  function() return "Glob", string.format('{"pattern":"src/**/*_%d.py"}', number) end,
  shell("cd packages/part%d && npm run lint"),
}

function init(arguments)
  math.randomseed(tonumber(run) or 0)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["x-openleash-api-version"] = "2026-05-22.local-hook-evaluate.v1"
  wrk.path = "/v1/hooks/claude/PreToolUse?user_token=" .. os.getenv("BENCH_TOKEN")
end

-- Without it wrk asks no clock between two calls.
if pause > 0 then
  function delay() return pause end
end

function request()
  number = number + 1
  local tool, input = tools[number % #tools + 1]()
  return wrk.format(nil, nil, nil, string.format(
    '{"session_id":"%s-%d","transcript_path":"/home/ada/.claude/projects/billing/%s.jsonl","cwd":"/src/billing",'
      .. '"permission_mode":"bypassPermissions","hook_event_name":"PreToolUse","tool_name":"%s","tool_input":%s,'
      .. '"tool_use_id":"toolu_%s_%d_%d"}',
    run, number % 64, run, tool, input, run, number, math.random(1000000000)))
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"replies":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"max_us":%d,"not_200":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
