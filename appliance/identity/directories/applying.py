"""Makes a plan happen inside the running transaction, by the verbs of identity."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from appliance.identity import accounts, groups, memberships
from appliance.identity.directories.plans import Cause, Plan, SyncChange, What, counts_of
from appliance.identity.directories.queries import Standing, account_ids
from appliance.identity.directories.records import DirectoryUser
from appliance.identity.errors import EmailTakenError
from appliance.identity.records import Source


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What really became of a plan.

    Attributes:
        disabled: people who could come in before and cannot any more.
    """

    changes: tuple[SyncChange, ...]
    counts: Mapping[str, int]
    disabled: int


def differences(
    plan: Plan, made: Mapping[str, UUID] | None = None, skipped: Mapping[str, str] | None = None
) -> Iterator[SyncChange]:
    """A plan line by line.

    Args:
        plan: what is, or was, intended.
        made: key -> account of people who are new.
        skipped: key -> code of the reason why somebody got no account.
    """
    made, skipped = made or {}, skipped or {}
    gained = {each.key: each.after for each in plan.regroup}
    for user in plan.create:
        code = skipped.get(user.key, "")
        yield SyncChange(
            what=What.SKIPPED if code else What.CREATED,
            key=user.key,
            account=made.get(user.key),
            cause=code,
            after=() if code else tuple(sorted(gained.get(user.key, ()))),
        )
    for user in plan.refresh:
        yield SyncChange(what=What.REFRESHED, key=user.key)
    for each in plan.disable:
        yield SyncChange(what=What.DISABLED, key=each.account.key, account=each.account.id, cause=each.cause.value)
    for account in plan.enable:
        yield SyncChange(what=What.ENABLED, key=account.key, account=account.id)
    new = {user.key for user in plan.create}
    for regrouping in (each for each in plan.regroup if each.key not in new):
        yield SyncChange(
            what=What.GROUPS,
            key=regrouping.key,
            before=tuple(sorted(regrouping.before - regrouping.after)),
            after=tuple(sorted(regrouping.after - regrouping.before)),
        )


async def apply(source: Source, plan: Plan, standing: Standing, now: datetime) -> Applied:
    """Create, refresh, regroup, enable and disable; the transaction has its turn, and `standing` is of it.

    Accounts come before groups, which are given to accounts, and disabling comes last: whoever could come in as
    owner by a new group may let an old owner go.
    """
    actor = source.actor
    profiles = [_profile(user) for user in plan.create]
    await _name_groups(source, plan, standing, now)
    grouped = await _groups_of_new(source, plan)
    provisioned = await accounts.provision_many(actor, source, profiles, now, grouped)
    refreshed = await accounts.refresh_many(actor, source, [_profile(user) for user in plan.refresh], now)
    enabled = await accounts.enable(actor, source, [account.key for account in plan.enable], now) if plan.enable else 0
    newcomers = [(provisioned.people[key], grouped.get(key, ())) for key in provisioned.made]
    await _regroup(source, plan, standing, newcomers, now)
    counts, people = dict(counts_of(plan)), 0
    for cause in Cause:
        keys = [each.account.key for each in plan.disable if each.cause is cause]
        if keys:
            ended = await accounts.disable(actor, source, keys, now, cause=cause.value)
            people += ended.people
            for name, number in (("sessions", ended.sessions), ("machines", ended.machines)):
                counts[name] = counts.get(name, 0) + number
            counts["spared"] = counts.get("spared", 0) + len(ended.spared)
    counts |= {What.REFRESHED: refreshed, What.ENABLED: enabled, What.SKIPPED: len(provisioned.taken)}
    counts[What.CREATED] = len(plan.create) - len(provisioned.taken)
    known = provisioned.people.keys() - provisioned.made.keys()
    made = provisioned.made | await account_ids(str(source), known)
    skipped = dict.fromkeys(provisioned.taken, EmailTakenError.code)
    return Applied(
        changes=tuple(differences(plan, made, skipped)),
        counts={str(name): number for name, number in counts.items() if number},
        disabled=people,
    )


async def _name_groups(source: Source, plan: Plan, standing: Standing, now: datetime) -> None:
    """Groups that are new or have another name: they come before the accounts that are in them."""
    named = {key: name for key, name in plan.groups.items() if standing.groups.get(key) != name}
    if named:
        await groups.replace_groups(source.actor, source, named, {}, now, is_complete=False)


async def _groups_of_new(source: Source, plan: Plan) -> dict[str, list[UUID]]:
    """The groups of those who are created, as accounts have them."""
    if not plan.create:
        return {}
    ids, new = await memberships.ids_of(source, plan.groups), {user.key for user in plan.create}
    return {each.key: memberships.listed(each.after, ids) for each in plan.regroup if each.key in new}


async def _regroup(
    source: Source, plan: Plan, standing: Standing, newcomers: Collection[memberships.Newcomer], now: datetime
) -> None:
    """Who is in which group."""
    if plan.regroup:
        members = {each.key: each.after for each in plan.regroup if each.key in standing.accounts}
        await groups.replace_groups(source.actor, source, {}, members, now, is_complete=False, newcomers=newcomers)
    if not standing.groups.keys() <= plan.groups.keys():
        await groups.keep_groups(source.actor, source, plan.groups, now)


def _profile(user: DirectoryUser) -> accounts.Profile:
    return accounts.Profile(key=user.key, user_name=user.user_name, display_name=user.display_name, email=user.email)
