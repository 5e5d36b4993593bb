"""Instruction files of agents ("skills") that desktops tell of."""

import re
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from appliance.agents.rules import one_line
from appliance.clients import events
from appliance.clients.records import SKILLS_MAX, SkillReport, Viewer
from appliance.database.connection import current_connection
from appliance.database.identifiers import uuid7
from appliance.database.transaction import transaction
from appliance.ledger.records import Actor, ActorKind, LedgerEntry
from appliance.ledger.service import append
from appliance.protection.service import Protection

_LIMITS: Final = {"agent": 64, "scope": 32, "project": 1024, "name": 200, "path": 1024, "purpose": 500, "status": 32}
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_RISK_MAX: Final = 100
_OBSERVE: Final = """
WITH before AS (SELECT content_hash FROM skill_observation WHERE owner_id = $2 AND agent = $5 AND path = $9)
INSERT INTO skill_observation (id, owner_id, machine_id, person_id, agent, scope, project, name, path, content_hash,
  purpose, status, risk_score, first_seen_at, last_seen_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)
ON CONFLICT (owner_id, agent, md5(path)) DO UPDATE SET scope = excluded.scope, project = excluded.project,
  name = excluded.name, content_hash = excluded.content_hash, purpose = excluded.purpose, status = excluded.status,
  risk_score = excluded.risk_score, last_seen_at = excluded.last_seen_at
RETURNING id, (SELECT content_hash FROM before) AS hash_before
"""
_MAKE_ROOM: Final = """
DELETE FROM skill_observation WHERE id IN (
  SELECT id FROM skill_observation WHERE owner_id = $1 ORDER BY last_seen_at DESC, id DESC OFFSET $2)
"""


async def observe_skill(viewer: Viewer, report: SkillReport, protection: Protection, now: datetime) -> UUID:
    """Write down what a desktop has seen; in the ledger when it is new, or its content has changed.

    Only names, places and the hash are kept, each with secrets masked: the content stays on the machine.
    """
    kept = _prepared(report, protection)
    owner = viewer.machine_id or viewer.person_id
    async with transaction():
        values = (kept.agent, kept.scope, kept.project, kept.name, kept.path, kept.content_hash, kept.purpose)
        row = await current_connection().fetchrow(
            _OBSERVE, uuid7(), owner, viewer.machine_id, viewer.person_id, *values, kept.status, kept.risk_score, now
        )
        skill: UUID = row["id"]
        if row["hash_before"] != kept.content_hash:
            await current_connection().execute(_MAKE_ROOM, owner, SKILLS_MAX)
            await _record(viewer, skill, kept, now)
    return skill


def _prepared(report: SkillReport, protection: Protection) -> SkillReport:
    texts = {
        name: one_line(protection.mask_text(getattr(report, name)[: 4 * limit]), limit)
        for name, limit in _LIMITS.items()
    }
    digest = report.content_hash.strip().lower()
    risk = max(0, min(report.risk_score, _RISK_MAX))
    return SkillReport(**texts, content_hash=digest if _HASH.fullmatch(digest) else "", risk_score=risk)


async def _record(viewer: Viewer, skill: UUID, kept: SkillReport, now: datetime) -> None:
    actor = viewer.answerer.actor if viewer.answerer else Actor(kind=ActorKind.MACHINE, id=str(viewer.machine_id))
    facts = {"content_hash": kept.content_hash, "risk_score": kept.risk_score}
    payload = {name: value for name, value in msgspec.to_builtins(kept).items() if name not in facts}
    entry = LedgerEntry(
        event=events.SKILL_OBSERVED, actor=actor, subject=f"skill:{skill}", facts=facts, payload=payload
    )
    await append(entry, now=now)
