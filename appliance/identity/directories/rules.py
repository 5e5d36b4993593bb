"""What follows from a reading of a directory: who is created, changed, disabled, enabled or left alone."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from hashlib import blake2b

from appliance.identity.directories.errors import DirectoryIncompleteError
from appliance.identity.directories.nesting import (
    TOKEN_BYTES,
    KeyTokens,
    MemberTokens,
    dn_token,
    groups_of_people,
    resolved,
)
from appliance.identity.directories.plans import (
    Brake,
    Cause,
    Disabling,
    Entry,
    Known,
    Plan,
    Regrouping,
    SyncChange,
    What,
)
from appliance.identity.directories.records import Change, DirectoryGroup, DirectoryUser
from appliance.identity.rules import shown

NAME_MAX = 400

Entries = Mapping[str, Entry]
Accounts = Mapping[str, Known]


def plan(
    accounts: Accounts,
    groups: Mapping[str, str],
    members: Mapping[str, frozenset[str]],
    entries: Entries,
    change: Change,
    *,
    started_at: datetime,
    depth: int = 10,
    creates_people: bool = True,
) -> Plan:
    """The difference between what stands here and what the directory says.

    Args:
        accounts: of this directory, by key.
        groups: key -> name of the directory's groups as they stand here.
        members: account key -> keys of its groups, as they stand here.
        entries: what is remembered of the last reading, by key.
        change: the new reading.
        started_at: when the reading began; whoever came after that cannot be missing from it.
        depth: how deep groups in groups are followed.
        creates_people: whether somebody without an account gets one.
    """
    tokens = KeyTokens()
    after = _entries_after(entries, change, tokens)
    told = {user.key: user for user in change.users}
    disable = _disabled(accounts, entries, change, told, started_at)
    create = tuple(
        user for user in told.values() if creates_people and not user.is_disabled and user.key not in accounts
    )
    names = {entry.key: entry.name for entry in after.values() if entry.is_group}
    return Plan(
        create=create,
        refresh=tuple(
            user
            for user in told.values()
            if not user.is_disabled and user.key in accounts and _is_news(entries.get(user.key), user)
        ),
        disable=disable,
        enable=tuple(
            accounts[key]
            for key, user in told.items()
            if key in accounts and (accounts[key].is_disabled or accounts[key].is_spared) and not user.is_disabled
        ),
        regroup=_regrouped(
            [*_told_of(accounts, entries, after, change, started_at), *(user.key for user in create)],
            members,
            groups_of_people(after.values(), depth, tokens),
        ),
        groups=names,
        are_groups_changed=names != dict(groups),
        remember=tuple(entry for key, entry in after.items() if entries.get(key) != entry),
        forget=tuple(key for key in entries if key not in after),
    )


def check_reading(accounts: Accounts, entries: Entries, change: Change) -> None:
    """Refuse to believe that nobody is there: a filter, a base or a right is wrong far more often.

    Raises:
        DirectoryIncompleteError: people are known here, and the reading has none at all.
    """
    remembered = {key for key, entry in entries.items() if not entry.is_group}
    enabled = {key for key, account in accounts.items() if not account.is_disabled}
    known, is_empty = remembered | enabled, not change.users
    if not change.is_complete:
        is_empty = is_empty and remembered.isdisjoint(change.present)
    if known and is_empty:
        raise DirectoryIncompleteError(f"The directory shows nobody, and {len(known)} people of it are known here")


def needs_everything(remembered: Collection[str], unmet: Collection[str], change: Change) -> bool:
    """Whether only a full reading tells how it stands with somebody.

    So it is if somebody came in without a change of their own; and if a sign-in made the account of somebody whom the
    directory disabled or deleted after it had taken their password: no later change tells of them.
    """
    told = {user.key for user in change.users}
    is_shown = change.present <= told.union(remembered, (group.key for group in change.groups))
    return not change.is_complete and not (is_shown and told.issuperset(unmet))


def is_quiet(remembered: Collection[str], change: Change) -> bool:
    """Whether nothing happened since the last reading."""
    is_told = change.is_complete or change.users or change.groups or change.gone
    return not is_told and change.present == remembered


def held_by(
    brake: Brake, planned: Plan, accounts: Accounts, groups: Mapping[str, str], undone: Collection[str] = ()
) -> str:
    """Why a person must look at it before it happens; empty if it may happen. Exactly at the limits it still may.

    `undone` are keys of people to whom somebody gave back what the last run took.
    """
    disabled, enabled = len(planned.disable), sum(not account.is_disabled for account in accounts.values())
    found = []
    if disabled > brake.people:
        found.append(f"It would disable {disabled} people; brake_people is {brake.people}")
    elif disabled * 100 > brake.percent * enabled:
        found.append(f"It would disable {disabled} of {enabled} people; brake_percent is {brake.percent}")
    if gone := groups_all_gone(planned, groups):
        found.append(f"The directory shows none of {gone} groups any more")
    again = {each.account.key for each in planned.disable} | {
        each.key for each in planned.regroup if each.before - each.after
    }
    if repeated := len(again.intersection(undone)):
        found.append(f"It would take from {repeated} people what somebody gave back by undoing a run")
    return ". ".join(found)


def groups_all_gone(planned: Plan, groups: Mapping[str, str]) -> int:
    """How many groups there are of which the reading shows not a single one any more; else 0."""
    return 0 if planned.groups else len(groups)


def is_no_more_than(
    planned: Plan, groups: Mapping[str, str], shown: Iterable[SyncChange], *, showed_no_group: bool
) -> bool:
    """Whether nothing would be taken now that is not among what somebody has looked at.

    Whoever was shown to lose access may lose groups with it.
    """
    leaving = {each.account.key for each in planned.disable}
    disabled, lost = set[str](), dict[str, frozenset[str]]()
    for change in shown:
        if change.what is What.DISABLED:
            disabled.add(change.key)
        elif change.what is What.GROUPS:
            lost[change.key] = frozenset(change.before)
    if not leaving <= disabled or (groups_all_gone(planned, groups) and not showed_no_group):
        return False
    nothing = frozenset[str]()
    return all(
        each.before - each.after <= lost.get(each.key, nothing) for each in planned.regroup if each.key not in leaving
    )


def profile_digest(user: DirectoryUser) -> bytes:
    """Equal as long as the directory says the same of somebody's name and address."""
    text = f"{user.user_name}\0{user.display_name}\0{user.email}"
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=TOKEN_BYTES).digest()


def _is_news(entry: Entry | None, user: DirectoryUser) -> bool:
    return entry is None or entry.profile != profile_digest(user)


def _disabled(
    accounts: Accounts, entries: Entries, change: Change, told: Mapping[str, DirectoryUser], started_at: datetime
) -> tuple[Disabling, ...]:
    """Enabled people whom the directory disabled, or who are gone beyond doubt."""
    deleted, found = frozenset(change.gone), []
    for key, account in accounts.items():
        if account.is_disabled:
            continue
        user = told.get(key)
        if user is not None and user.is_disabled:
            found.append(Disabling(account=account, cause=Cause.DISABLED))
        elif user is None and _is_gone(account, entries, change, deleted, started_at):
            found.append(Disabling(account=account, cause=Cause.GONE))
    return tuple(found)


def _is_gone(account: Known, entries: Entries, change: Change, deleted: Collection[str], started_at: datetime) -> bool:
    """Whether the reading shows that there is no such entry any more.

    Only a complete one says that of somebody whom no sync has met, and none of somebody who came while it ran.
    """
    if change.is_complete:
        return account.seen_at < started_at
    return account.key not in change.present and (account.key in entries or account.key in deleted)


def _told_of(
    accounts: Accounts, entries: Entries, after: Entries, change: Change, started_at: datetime
) -> Iterator[str]:
    """Keys of accounts of whose groups the reading knows: also that there are none any more."""
    deleted = frozenset(change.gone)
    for key, account in accounts.items():
        if key in after or _is_gone(account, entries, change, deleted, started_at):
            yield key


def _entries_after(entries: Entries, change: Change, keys: KeyTokens) -> dict[str, Entry]:
    """What is to be remembered after the change, members known by key wherever that is possible."""
    after = {} if change.is_complete else {key: entry for key, entry in entries.items() if key in change.present}
    members = MemberTokens({each.dn: keys[each.key] for told in (change.users, change.groups) for each in told})
    for user in change.users:
        # Nothing is taken over of somebody who is disabled; what is new about them is news when they come back.
        profile = b"" if user.is_disabled else profile_digest(user)
        after[user.key] = Entry(user.key, is_group=False, dn=dn_token(user.dn), profile=profile)
    for group in change.groups:
        after[group.key] = _group_entry(group, members)
    if change.is_complete:
        return after  # everybody whom a group could name by key is among the told
    return after | resolved(after, {group.key for group in change.groups}, keys)


def _group_entry(group: DirectoryGroup, tokens: MemberTokens) -> Entry:
    members = frozenset(map(tokens.__getitem__, group.member_dns))
    name = shown(group.name, NAME_MAX).strip() or group.key
    return Entry(key=group.key, is_group=True, dn=dn_token(group.dn), name=name, members=members)


def _regrouped(
    keys: Collection[str], members: Mapping[str, frozenset[str]], now: Mapping[str, frozenset[str]]
) -> tuple[Regrouping, ...]:
    nothing = frozenset[str]()
    return tuple(
        Regrouping(key=key, before=members.get(key, nothing), after=now.get(key, nothing))
        for key in keys
        if members.get(key, nothing) != now.get(key, nothing)
    )
