"""What a person may do by all ways together, as SQL over `person p`: assigned roles, and those of groups."""

from typing import Final

from appliance.identity.records import Role

GROUP_PREFIX: Final = "group:"
_ROLES: Final = ", ".join(f"'{role.value}'" for role in Role)
# An account that its source disabled gives nothing, even where the person has another way in.
_MEMBERSHIPS: Final = "external_account a CROSS JOIN LATERAL unnest(a.groups) AS m(identity_group)"
_GRANTS: Final = f"""
SELECT g.role, g.project FROM {_MEMBERSHIPS} JOIN group_grant g ON g.identity_group = m.identity_group
WHERE a.person = p.id AND NOT a.is_disabled"""  # noqa: S608 - constants
# Sources let several groups have one name; it names none of them then, or whoever may make groups there could have the
# rights of any. OFFSET 0 keeps the plan: group by group, also right after the first sync, when there are no statistics.
_NAMED: Final = """
SELECT n.source || '/' || n.name AS name FROM identity_group n WHERE n.id = m.identity_group AND NOT EXISTS (
  SELECT FROM identity_group o WHERE o.source = n.source AND o.name = n.name AND o.id <> n.id AND NOT o.is_gone
  OFFSET 0) OFFSET 0"""
# From a role to whoever has it everywhere, by any way: of few people among very many. {role} is a parameter.
HOLDERS: Final = """SELECT r.person FROM person_role r WHERE r.role = {role}
  UNION ALL SELECT a.person FROM external_account a JOIN group_grant g ON g.identity_group = ANY(a.groups)
    WHERE g.role = {role} AND g.project = '' AND NOT a.is_disabled"""
DIRECT: Final = "ARRAY(SELECT r.role FROM person_role r WHERE r.person = p.id)"
ROLES: Final = f"""ARRAY(SELECT r.role FROM person_role r WHERE r.person = p.id
  UNION SELECT e.role FROM ({_GRANTS}) e WHERE e.project = '' AND e.role IN ({_ROLES}))"""  # noqa: S608 - constants
# Role and project in turn, because an array of records would need a type of its own.
SCOPED: Final = f"""ARRAY(SELECT unnest(ARRAY[e.role, e.project]) FROM ({_GRANTS}) e
  WHERE e.project <> '')"""  # noqa: S608 - constants
GROUPS: Final = f"""ARRAY(SELECT substr(e.role, {len(GROUP_PREFIX) + 1}) FROM ({_GRANTS}) e
    WHERE e.project = '' AND starts_with(e.role, '{GROUP_PREFIX}')
  UNION SELECT s.name FROM {_MEMBERSHIPS} CROSS JOIN LATERAL ({_NAMED}) s
    WHERE a.person = p.id AND NOT a.is_disabled)"""  # noqa: S608 - constants
SOURCES: Final = "ARRAY(SELECT a.source FROM external_account a WHERE a.person = p.id AND NOT a.is_disabled)"
IS_OWNER_BY_GROUP: Final = f"""EXISTS (SELECT FROM ({_GRANTS}) e
  WHERE e.role = 'owner' AND e.project = '')"""
IS_OWNER: Final = f"""(EXISTS (SELECT FROM person_role r WHERE r.person = p.id AND r.role = 'owner')
  OR {IS_OWNER_BY_GROUP})"""
CAN_COME_IN: Final = """(NOT p.is_disabled AND NOT p.is_sealed AND (
  EXISTS (SELECT FROM local_credential c WHERE c.person = p.id)
  OR EXISTS (SELECT FROM external_account a
    WHERE a.person = p.id AND NOT a.is_disabled AND a.source NOT LIKE 'scim:%')))"""  # SCIM lets nobody sign in
# The same the other way round as HOLDERS: from roles and approver groups, which are $1, for all projects or some.
HOLDS_ANY: Final = """p.id IN (SELECT r.person FROM person_role r WHERE r.role = ANY($1)
  UNION ALL SELECT a.person FROM external_account a JOIN group_grant g ON g.identity_group = ANY(a.groups)
    WHERE g.role = ANY($1) AND NOT a.is_disabled)"""
