"""`leashctl groups`: the groups of directories, providers and SCIM clients, and what they are granted."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from appliance.identity.group_grants import Grant, grants_of
from appliance.identity.groups import Group
from appliance.identity.records import GroupFilter
from appliance.ledger.records import Actor, ActorKind
from installer.console import print_json
from installer.context import CommandLine

if TYPE_CHECKING:
    from appliance.bootstrap import Appliance

groups_app = typer.Typer(
    help="Groups of directories and providers, and their grants.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
OPERATOR = Actor(kind=ActorKind.OPERATOR, id="leashctl")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before changing anything.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change; change nothing.")]
GroupText = Annotated[
    str, typer.Argument(metavar="GROUP", help="Identifier, directory:NAME/GROUP, or a name that only one group has.")
]
RoleText = Annotated[str, typer.Argument(metavar="ROLE", help="A role, or an approver group such as group:payments.")]
Project = Annotated[
    str,
    typer.Option(
        metavar="PATTERN",
        help="Only for agents that work in this folder or below; * stands for anything. Empty is everywhere.",
    ),
]
T = TypeVar("T")


@groups_app.command("list")
def list_groups(
    ctx: typer.Context,
    *,
    text: Annotated[str, typer.Option(help="Only whose name has this in it, or whose key it is.")] = "",
    source: Annotated[str, typer.Option(metavar="SOURCE", help="Only groups of it, such as directory:corp.")] = "",
    granted: Annotated[bool, typer.Option("--granted", help="Only groups that are granted something.")] = False,
    after: Annotated[str, typer.Option(metavar="GROUP", help="Go on behind this group.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 200,
    as_json: AsJson = False,
) -> None:
    """List groups by source and name, with number of members and what each is granted, a page at a time."""

    async def work(appliance: "Appliance") -> tuple[tuple[Group, ...], tuple[Grant, ...]]:
        group_grants = appliance.identity.group_grants
        last = (await group_grants.find(after)).id if after else None
        wanted = GroupFilter(text=text, source=source, is_granted=granted, after=last, limit=limit + 1)
        found = await group_grants.groups(wanted)
        return found, await group_grants.of(found)

    found, grants = _run(ctx, work)
    groups = found[:limit]
    if len(found) > limit:
        typer.echo(f"There are more: --after {groups[-1].id}", err=True)
    if as_json:
        print_json([_plain(group, grants) for group in groups])
        return
    for group in groups:
        what = ", ".join(_words(each["role"], each["project"]) for each in grants_of(grants, group)) or "-"
        state = "gone" if group.is_gone else f"{group.members} members"
        typer.echo(f"{f'{group.source}/{group.name}':<48} {state:<14} {what}")


@groups_app.command("grant")
def grant(
    ctx: typer.Context, group: GroupText, role: RoleText, *, project: Project = "", as_json: AsJson = False
) -> None:
    """Grant a role, or membership of an approver group, to whoever is in a group."""

    async def work(appliance: "Appliance") -> None:
        found = await appliance.identity.group_grants.find(group)
        await appliance.identity.group_grants.grant(OPERATOR, found.id, role, appliance.clock(), project=project)
        await _show(appliance, found, as_json=as_json)

    _run(ctx, work)


@groups_app.command("revoke")
def revoke(
    ctx: typer.Context,
    group: GroupText,
    role: RoleText,
    *,
    project: Project = "",
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Take a grant from a group; roles that were assigned to its members themselves stay."""

    async def work(appliance: "Appliance") -> None:
        found = await appliance.identity.group_grants.find(group)
        typer.echo(f"{found.source}/{found.name} loses {_words(role, project)}.", err=True)
        if not dry_run and (yes or typer.confirm("Do this?", abort=True, err=True)):
            await appliance.identity.group_grants.revoke(OPERATOR, found.id, role, appliance.clock(), project=project)
            await _show(appliance, found, as_json=as_json)

    _run(ctx, work)


def _run(ctx: typer.Context, work: Callable[["Appliance"], Awaitable[T]]) -> T:
    """Do some work with the configured appliance."""
    line: CommandLine = ctx.obj

    async def run() -> T:
        async with line.open() as appliance:
            return await work(appliance)

    return asyncio.run(run())


async def _show(appliance: "Appliance", group: Group, *, as_json: bool) -> None:
    if as_json:
        print_json(_plain(group, await appliance.identity.group_grants.of([group])))


def _plain(group: Group, grants: tuple[Grant, ...]) -> dict[str, object]:
    return {
        "id": str(group.id),
        "source": str(group.source),
        "key": group.key,
        "name": group.name,
        "is_gone": group.is_gone,
        "members": group.members,
        "grants": grants_of(grants, group),
    }


def _words(role: str, project: str) -> str:
    return f"{role} in {project}" if project else role
