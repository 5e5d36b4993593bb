"""The SQL with which what is known of an agent on a machine is brought up to date."""

from typing import Final

_BY_MACHINE: Final = "(machine_id, agent) WHERE machine_id IS NOT NULL"
_BY_PERSON: Final = "(person_id, hostname, agent) WHERE machine_id IS NULL"
# Reports can begin an alarm, not end one: agents hold the token with which they are sent.
_REPORT: Final = """
INSERT INTO agent_runtime AS r (id, machine_id, person_id, hostname, agent, display_name, executable, platform,
  client_version, is_installed, is_protected, detail, first_seen_at, reported_at, noted_state)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, 'never')
ON CONFLICT {key} DO UPDATE SET
  display_name = excluded.display_name, detail = excluded.detail, reported_at = excluded.reported_at,
  hostname = excluded.hostname,
  executable = coalesce(nullif(excluded.executable, ''), r.executable),
  platform = coalesce(nullif(excluded.platform, ''), r.platform),
  client_version = CASE WHEN r.client_version LIKE 'shim-%' THEN r.client_version
    ELSE coalesce(nullif(excluded.client_version, ''), r.client_version) END,
  is_installed = coalesce(excluded.is_installed, r.is_installed),
  unprotected_since = CASE WHEN NOT excluded.is_protected AND r.is_protected THEN excluded.reported_at
    ELSE r.unprotected_since END,
  is_protected = coalesce(excluded.is_protected, r.is_protected)
"""
REPORT_OF_MACHINE: Final = _REPORT.format(key=_BY_MACHINE)
REPORT_OF_PERSON: Final = _REPORT.format(key=_BY_PERSON)

ACTIVE: Final = f"""
INSERT INTO agent_runtime AS r (id, machine_id, hostname, agent, display_name, first_seen_at, last_activity_at,
  noted_state) VALUES ($1, $2, $3, $4, $5, $6, $6, 'never')
ON CONFLICT {_BY_MACHINE} DO UPDATE SET last_activity_at = greatest(r.last_activity_at, excluded.last_activity_at)
"""  # noqa: S608 - constants only

# Of a machine that is gone nothing is noted. A decision is a moment later than the call that a worker saw, so what
# clients call themselves is taken over from calls that are not much older than the newest.
NOTE_HOOKS: Final = f"""
INSERT INTO agent_runtime AS r (id, machine_id, hostname, agent, display_name, first_seen_at, last_hook_at,
  last_decision_id, config_changed_at, client_version, platform, noted_state)
SELECT f.id, f.machine_id, m.hostname, f.agent, f.name, f.at, f.at, f.decision_id, f.changed_at, f.version, '', 'never'
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::uuid[], $7::timestamptz[],
  $8::text[]) AS f(id, machine_id, agent, name, at, decision_id, changed_at, version)
JOIN machine m ON m.id = f.machine_id ORDER BY f.machine_id, f.agent
ON CONFLICT {_BY_MACHINE} DO UPDATE SET
  last_decision_id = CASE WHEN excluded.last_decision_id IS NULL OR r.last_decision_id > excluded.last_decision_id
    THEN r.last_decision_id ELSE excluded.last_decision_id END,
  client_version = CASE
    WHEN excluded.client_version = '' OR excluded.last_hook_at < r.last_hook_at - interval '30 seconds'
    THEN r.client_version ELSE excluded.client_version END,
  last_hook_at = greatest(r.last_hook_at, excluded.last_hook_at),
  config_changed_at = greatest(r.config_changed_at, excluded.config_changed_at)
"""  # noqa: S608 - constants only
