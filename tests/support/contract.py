"""The clients' contract as tables: what is sent on each row, and what is read of the answer."""

from typing import Any, Final, NamedTuple

from tests.support.shapes import ANYTHING, Shape

VERSIONS: Final = {
    "mobileBootstrap": "2026-05-22.mobile-bootstrap.v1",
    "mobileAuthStart": "2026-05-22.mobile-auth-start.v1",
    "mobileAuthExchange": "2026-05-22.mobile-auth-exchange.v1",
    "mobileDeviceRegister": "2026-05-22.mobile-device-register.v1",
    "mobileState": "2026-05-22.mobile-state.v1",
    "agentMonitoring": "2026-05-22.mobile-state.v1",
    "mobileDecisionResolve": "2026-05-22.mobile-decision-resolve.v1",
    "clientEvents": "2026-07-27.client-events.v1",
    "clientNotifications": "2026-06-28.client-notifications.v1",
    "tenantPluginsRead": "2026-06-20.tenant-plugins-read.v1",
    "adminPluginsWrite": "2026-06-20.admin-plugins-write.v1",
    "authAccountOutcomes": "2026-06-24.auth-account-outcomes.v1",
    "tenantEnroll": "2026-05-16.tenant-enroll.v1",
    "desktopEnroll": "2026-06-03.desktop-enroll.v1",
    "localHookEvaluate": "2026-05-22.local-hook-evaluate.v1",
    "tenantHookEvaluate": "2026-05-22.tenant-hook-evaluate.v1",
    "sessionMonitoring": "2026-07-29.session-monitoring.v1",
    "tenantSkillObservation": "2026-05-27.tenant-skill-observation.v1",
    "mobileModelKey": "2026-05-23.mobile-model-key.v1",
    "clientUpdateCheck": "2026-05-16.client-update-check.v1",
    "clientUpdateLatest": "2026-05-16.client-update-latest.v1",
    "health": "2026-05-16.health.v1",
}
UNKNOWN_ASK: Final = "018f0000-0000-7000-8000-000000000000"
PLUGIN: Final = "/v1/plugins/openleash.dlp"
UPDATE: Final = {
    "app": "openleash-personal", "version": "0.36.57", "platform": "darwin", "arch": "arm64", "channel": "stable",
    "installMode": "personal", "updateSource": "daily",
}  # fmt: skip
MACHINE: Final = {"hostname": "rows-mbp", "platform": "darwin", "osRelease": "24.5.0", "clientVersion": "0.36.58"}
AGENT: Final = {"kind": "codex", "displayName": "OpenAI Codex", "executablePath": "/usr/local/bin/codex"}
PAUSE: Final = {"agentKind": "codex", "sessionIds": ["s-88"], "expiresAt": "2026-08-20T09:30:00Z"}
DEVICE: Final = {
    "platform": "ios", "pushToken": "local-polling:1780000000000000", "deviceName": "localhost", "appVersion": "1.0.0",
}  # fmt: skip
EXCHANGE: Final = {
    "redirectUri": "openleash://auth/callback", "audience": "individual", "authorizationCode": "c9",
    "providerType": "oidc", "organizationId": None, "provisionUser": False,
}  # fmt: skip
START: Final = {
    "redirectUri": "openleash://auth/callback", "audience": "individual", "providerType": "oidc",
    "organizationId": None,
}  # fmt: skip
SKILL: Final = {
    "agentKind": "codex", "skillName": "deploy", "skillPath": "/home/ida/.codex/skills/deploy/SKILL.md",
    "scope": "user", "projectPath": None, "contentHash": "ab" * 32, "riskScore": 12.5,
}  # fmt: skip
EVENT: Final[dict[str, Any]] = {
    "source": "local_proxy", "provider": "openai", "idempotencyKey": "k-rows", "correlationId": "c-rows",
    "request": {
        "computer": {"hostname": "rows-mbp"}, "agent": {"kind": "codex", "displayName": "OpenAI Codex"},
        "event": {"eventName": "UserPromptSubmit", "sessionId": "s-1", "prompt": "Hello"},
    },
}  # fmt: skip

_ANSWER = frozenset({"allow", "deny"})
_POLICY = {"policy_name": str, "explanation?": str}
ACTIVITY: Final = {
    "id": str, "summary?": str, "decision?": str, "resolution?": _ANSWER, "event_name?": str, "agent_name?": str,
    "project_path?": str, "created_at?": str, "triggered_policies?": [_POLICY],
    "payload?": {"tool?": {"input?": {"file_path?": str, "path?": str, "command?": str, "url?": str}}},
}  # fmt: skip
APPROVAL: Final = {
    "id": str, "summary?": str, "agent_name?": str, "agent_kind?": str, "project_name?": str, "project_path?": str,
    "primary_policy?": str, "policy_title?": str, "plugin_name?": str, "purpose_summary?": str, "quote?": str,
    "triggered_policies?": [_POLICY], "recent_context?": [{"role": str, "content": str}],
    "attention_kind?": frozenset({"approval", "question", "plan_review"}), "created_at?": str,
    "interaction?": {
        "type": str, "questions?": [{"question": str, "multiSelect?": bool, "options?": [{"label": str}]}],
        "markdown?": str, "originalInput?": dict,
    },
}  # fmt: skip
ATTENTION: Final = {
    "id": str, "kind": str, "state": frozenset({"waiting", "resolved"}), "decisionId": str, "title": str, "body": str,
    "createdAt": str,
}  # fmt: skip
AGENTS: Final = {
    "kind": str, "display_name?": str, "hostname?": str, "installed?": bool, "desired_monitored?": True,
    "decision?": str, "resolution?": _ANSWER, "activity_at?": str,
    "sessions?": [
        {"title?": str, "duration_seconds?": int, "event_count?": int, "events?": [ACTIVITY], "mcp_servers?": [str]}
    ],
}  # fmt: skip
PLUGINS: Final = {
    "id": str, "displayName?": str, "settings?": {"enabled": bool},
    "organizationPolicy?": {"mandatory": bool, "configLocked": bool},
}  # fmt: skip
OUTCOME: Final = {"id": str}
METRICS: Final = {
    f"{span}_{unit}": int for span in ("today", "last24h", "week", "month") for unit in ("sessions", "seconds")
}
STATE: Final = {
    "pendingApprovals": [APPROVAL], "attentionEvents": [ATTENTION], "agents": [AGENTS], "recentActivity": [ACTIVITY],
    "user": {"name?": str, "display_name?": str, "displayName?": str, "email?": str}, "organization": {"name": str},
    "historyPagination": {"hasMore": bool}, "sessionMetrics": METRICS, "plugins": [PLUGINS], "outcomes": [OUTCOME],
    "clientConfig": {"managedByOrganization": True}, "sessionMonitoringPauses": [dict],
}  # fmt: skip
NOTIFICATIONS: Final = {
    "serverTime": str, "pendingApprovals": [APPROVAL], "attentionEvents": [ATTENTION], "recentActivity": [ACTIVITY],
    "blockedEvents": [ACTIVITY], "islandContributions": list,
}  # fmt: skip
HISTORY: Final = {"history": [ACTIVITY], "pagination": {"hasMore": bool}}
ENROLLED: Final = {
    "token": str, "apiUrl": str, "tenantUrl": str, "mode": frozenset({"enterprise", "private"}),
    "user": {"email": str, "display_name": str}, "computer": {"id": str, "hostname": str},
}  # fmt: skip
REFUSED: Final = {"error": str, "message": str}  # what the clients show of a refusal


class Row(NamedTuple):
    """One call of somebody who is signed in, or of a machine by its own token (`ol_…`).

    Attributes:
        function: empty for calls that are sent without the headers.
        session, machine: the status for a person's session and for a machine's token.
    """

    function: str
    method: str
    path: str
    body: Any
    session: int
    machine: int
    shape: Shape = ANYTHING


LOOK: Final = Row("mobileState", "GET", "/v1/mobile/state", None, 200, 200, STATE)
POLL: Final = Row("clientNotifications", "GET", "/v1/client/notifications", None, 200, 200, NOTIFICATIONS)
ROWS: Final = (
    LOOK,
    POLL,
    Row("mobileState", "GET", "/v1/client/history?page=1&limit=10", None, 200, 200, HISTORY),
    Row("mobileState", "GET", "/v1/client/history?page=2&limit=10", None, 200, 200, HISTORY),
    Row("mobileState", "GET", "/v1/client/history?page=1&limit=80&agentKind=claude-code", None, 200, 200, HISTORY),
    Row("tenantPluginsRead", "GET", "/v1/plugins", None, 200, 200, {"plugins": [PLUGINS]}),
    Row("authAccountOutcomes", "GET", "/v1/outcomes?limit=50", None, 200, 200, {"outcomes": [OUTCOME]}),
    Row("authAccountOutcomes", "GET", "/v1/outcomes?limit=80", None, 200, 200, {"outcomes": [OUTCOME]}),
    Row("", "GET", "/v1/client/overview", None, 200, 200,
        {"outcomes": [OUTCOME], "viewModel": dict, "activitySummary": dict}),
    Row("mobileDeviceRegister", "POST", "/v1/mobile/devices", DEVICE, 200, 401, {"device": {"id": str}}),
    Row("agentMonitoring", "POST", "/v1/agents/claude-code/monitoring", {"monitored": True}, 200, 200),
    Row("mobileState", "POST", "/v1/agents/codex/monitoring", {"monitored": True}, 200, 200),
    Row("agentMonitoring", "POST", "/v1/agents/codex/monitoring", {"monitored": False}, 403, 403, REFUSED),
    Row("adminPluginsWrite", "POST", f"{PLUGIN}/install", {}, 403, 403, REFUSED),
    Row("adminPluginsWrite", "POST", f"{PLUGIN}/uninstall", {}, 403, 403, REFUSED),
    Row("adminPluginsWrite", "POST", f"{PLUGIN}/settings", {"enabled": False, "config": {}}, 403, 403, REFUSED),
    Row("", "POST", f"{PLUGIN}/settings", {"enabled": False, "config": {}}, 403, 403, REFUSED),
    Row("sessionMonitoring", "POST", "/v1/session-monitoring", PAUSE, 403, 403, REFUSED),
    Row("sessionMonitoring", "DELETE", "/v1/session-monitoring",
        {"agentKind": "codex", "sessionIds": ["s-88"]}, 403, 403, REFUSED),
    Row("tenantSkillObservation", "POST", "/v1/skills/observations", SKILL, 200, 200),
    Row("mobileModelKey", "POST", "/v1/mobile/model-key", {"provider": "openai", "apiKey": "sk-x"}, 403, 403, REFUSED),
    Row("", "POST", "/v1/plugin-runtime/verify", {}, 200, 200),
    Row("desktopEnroll", "POST", "/v1/desktop/enroll", {**MACHINE, "agents": [AGENT]}, 201, 401, ENROLLED),
    Row("desktopEnroll", "POST", "/v1/desktop/agents",
        {**MACHINE, "agents": [{**AGENT, "installed": True, "protected": True, "detail": "hooks"}]}, 200, 200),
    Row("", "POST", "/v1/agent-events", EVENT, 403, 200, {"decision": "allow", "finalPrompt": str}),
    Row("mobileDecisionResolve", "POST", f"/v1/mobile/decisions/{UNKNOWN_ASK}/resolve",
        {"resolution": "allow"}, 404, 403, REFUSED),
)  # fmt: skip
# What somebody sends who is not signed in yet, and the status of the answer if the version is spoken.
OPEN: Final = (
    Row("health", "GET", "/health", None, 200, 200),
    Row("mobileBootstrap", "GET", "/v1/mobile/bootstrap", None, 200, 200),
    Row("mobileAuthStart", "POST", "/v1/mobile/auth/start", START, 200, 200),
    Row("mobileAuthExchange", "POST", "/v1/mobile/auth/exchange", EXCHANGE, 401, 401),
    Row("tenantEnroll", "POST", "/v1/enroll", {**MACHINE, "deploymentToken": "ol_deploy_k"}, 401, 401),
    Row("clientUpdateCheck", "POST", "/api/updates/check", UPDATE, 200, 200),
    Row("clientUpdateLatest", "GET", "/api/updates/latest", None, 200, 200),
)
STREAM: Final = Row("clientEvents", "GET", "/v1/client/events", None, 200, 200)
