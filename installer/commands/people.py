"""`leashctl people`: owner link, invitations, roles, and sessions for scripts."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec
import typer

from appliance.identity.account_queries import accounts_of_person
from appliance.identity.errors import AccountUnknownError
from appliance.identity.records import NewLink, PeopleFilter, Person, Role
from appliance.ledger.records import Actor, ActorKind
from installer.context import CommandLine

if TYPE_CHECKING:
    from appliance.bootstrap import Appliance

people_app = typer.Typer(
    help="Owner link, invitations, roles and sessions.", no_args_is_help=True, rich_markup_mode=None
)
session_app = typer.Typer(help="Sessions of scripts.", no_args_is_help=True, rich_markup_mode=None)
people_app.add_typer(session_app, name="session")

OPERATOR = Actor(kind=ActorKind.OPERATOR, id="leashctl")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before changing anything.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change; change nothing.")]
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The person's e-mail address, or identifier.")]
Whose = Annotated[str, typer.Option("--person", metavar="EMAIL", help="The person's e-mail address, or identifier.")]
RoleName = Annotated[Role, typer.Argument(metavar="ROLE", help=f"One of {', '.join(Role)}.")]
T = TypeVar("T")


@people_app.command("owner-link")
def owner_link(
    ctx: typer.Context,
    *,
    another: Annotated[bool, typer.Option("--another", help="Also if there is an owner already.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a one-time link by which somebody becomes an owner; older owner links stop working."""

    async def work(appliance: "Appliance") -> None:
        links = appliance.identity.links
        link = await links.create_owner_link(OPERATOR, now=appliance.clock(), is_another=another)
        _show_link(appliance, link, as_json=as_json)

    _run(ctx, work)


@people_app.command("invite")
def invite(
    ctx: typer.Context,
    *,
    email: Annotated[str, typer.Option(help="Where the person is reached; also the name to sign in with.")],
    name: Annotated[str, typer.Option(help="What others call the person.")],
    role: Annotated[Role, typer.Option(help="The first role; more are granted afterwards.")],
    as_json: AsJson = False,
) -> None:
    """Add a person, and make the one-time link by which they set password and authenticator."""

    async def work(appliance: "Appliance") -> None:
        link = await appliance.identity.people.invite(
            OPERATOR, display_name=name, email=email, role=role, now=appliance.clock()
        )
        _show_link(appliance, link, as_json=as_json)

    _run(ctx, work)


@people_app.command("list")
def list_people(
    ctx: typer.Context,
    *,
    text: Annotated[str, typer.Option(help="Only whose name, address or user name has this in it.")] = "",
    role: Annotated[Role | None, typer.Option(help="Only who has this role everywhere, by whatever way.")] = None,
    source: Annotated[str, typer.Option(metavar="SOURCE", help="Only accounts of it, such as directory:corp.")] = "",
    after: Annotated[str, typer.Option(metavar="EMAIL", help="Go on behind this person.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 200,
    as_json: AsJson = False,
) -> None:
    """List people by name, with roles and state, a page at a time."""

    async def work(appliance: "Appliance") -> tuple[Person, ...]:
        known = appliance.identity.people
        last = (await known.find(after)).id if after else None
        wanted = PeopleFilter(text=text, role=role, source=source, after=last, limit=limit + 1)
        return await known.list(wanted)

    found = _run(ctx, work)
    people = found[:limit]
    if len(found) > limit:
        typer.echo(f"There are more: --after {_name(people[-1])}", err=True)
    if as_json:
        _print_json([_plain(person) for person in people])
        return
    for person in people:
        roles = ",".join(sorted(person.roles)) or "-"
        typer.echo(f"{_name(person):<40} {_state(person):<9} {roles:<24} {person.display_name}")


@people_app.command("grant")
def grant(ctx: typer.Context, email: Email, role: RoleName) -> None:
    """Give a person a role."""

    async def work(appliance: "Appliance") -> None:
        person = await appliance.identity.people.find(email)
        await appliance.identity.people.grant_role(OPERATOR, person.id, role, appliance.clock())

    _run(ctx, work)


@people_app.command("take")
def take(ctx: typer.Context, email: Email, role: RoleName, *, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Take a role from a person."""

    async def work(appliance: "Appliance") -> None:
        person = await appliance.identity.people.find(email)
        if _goes_on(f"{_name(person)} loses the role {role.value}", yes=yes, dry_run=dry_run):
            await appliance.identity.people.revoke_role(OPERATOR, person.id, role, appliance.clock())

    _run(ctx, work)


@people_app.command("disable")
def disable(ctx: typer.Context, email: Email, *, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Let a person in no more; every session of theirs ends, and their machines are denied."""

    async def work(appliance: "Appliance") -> None:
        person = await appliance.identity.people.find(email)
        if _goes_on(f"{_name(person)} is let in no more", yes=yes, dry_run=dry_run):
            await appliance.identity.people.disable(OPERATOR, person.id, appliance.clock())

    _run(ctx, work)


@people_app.command("enable")
def enable(ctx: typer.Context, email: Email) -> None:
    """Let a disabled person in again."""

    async def work(appliance: "Appliance") -> None:
        person = await appliance.identity.people.find(email)
        await appliance.identity.people.enable(OPERATOR, person.id, appliance.clock())

    _run(ctx, work)


@people_app.command("unlink")
def unlink(
    ctx: typer.Context,
    email: Email,
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Its source, or its identifier if it has several.")],
    *,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Take an account of a directory or provider from a person; every session of theirs ends.

    The source is not told: as long as it shows the user, it makes a new person of them.
    """

    async def work(appliance: "Appliance") -> None:
        people = appliance.identity.people
        person = await people.find(email)
        known = await accounts_of_person(person.id)
        found = [each for each in known if account in {str(each.id), str(each.source)}]
        if len(found) != 1:
            raise AccountUnknownError(f"{len(found)} accounts of this person are called {account}")
        change = f"{_name(person)} loses the account {found[0].user_name} of {found[0].source}"
        if _goes_on(change, yes=yes, dry_run=dry_run):
            ended = await people.unlink(OPERATOR, person.id, found[0].id, appliance.clock())
            if as_json:
                _print_json({"account": str(found[0].id), "sessions": ended})

    _run(ctx, work)


@people_app.command("reset")
def reset(
    ctx: typer.Context, email: Email, *, yes: Yes = False, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Remove a person's password, authenticator and sessions, and make a one-time link for new ones."""

    async def work(appliance: "Appliance") -> None:
        person = await appliance.identity.people.find(email)
        if _goes_on(f"{_name(person)} loses password, authenticator and sessions", yes=yes, dry_run=dry_run):
            link = await appliance.identity.people.reset_credential(OPERATOR, person.id, appliance.clock())
            _show_link(appliance, link, as_json=as_json)

    _run(ctx, work)


@session_app.command("create")
def create_session(
    ctx: typer.Context,
    *,
    person: Whose,
    minutes: Annotated[int, typer.Option(min=1, help="How long it lives.")] = 60,
    as_json: AsJson = False,
) -> None:
    """Make a session by which a script acts as a person; send its token as bearer token."""

    async def work(appliance: "Appliance") -> None:
        whose = await appliance.identity.people.find(person)
        made = await appliance.identity.sessions.create_script_session(OPERATOR, whose.id, minutes, appliance.clock())
        if as_json:
            _print_json({"token": made.token, "expires_at": made.expires_at.isoformat(), "id": str(made.session_id)})
            return
        typer.echo(made.token)
        typer.echo(f"It is shown only now, and works until {made.expires_at:%Y-%m-%d %H:%M} UTC.", err=True)

    _run(ctx, work)


@session_app.command("revoke-all")
def revoke_sessions(
    ctx: typer.Context, *, person: Whose, yes: Yes = False, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """End every session of a person, in browsers too."""

    async def work(appliance: "Appliance") -> None:
        whose = await appliance.identity.people.find(person)
        if not _goes_on(f"Every session of {_name(whose)} ends", yes=yes, dry_run=dry_run):
            return
        ended = await appliance.identity.sessions.revoke_all(OPERATOR, whose.id, appliance.clock())
        if as_json:
            _print_json({"ended": ended})
            return
        typer.echo(f"{ended} ended.")

    _run(ctx, work)


def _run(ctx: typer.Context, work: Callable[["Appliance"], Awaitable[T]]) -> T:
    """Do some work with the configured appliance."""
    line: CommandLine = ctx.obj

    async def run() -> T:
        async with line.open() as appliance:
            return await work(appliance)

    return asyncio.run(run())


def _goes_on(change: str, *, yes: bool, dry_run: bool) -> bool:
    """Say what is about to happen; whether it should."""
    typer.echo(f"{change}.", err=True)
    return not dry_run and (yes or typer.confirm("Do this?", abort=True, err=True))


def _show_link(appliance: "Appliance", link: NewLink, *, as_json: bool) -> None:
    url = f"{appliance.config.public_origin}/claim/{link.token}"
    if as_json:
        person = str(link.person_id) if link.person_id else None
        expires_at = link.expires_at.isoformat()
        _print_json({"url": url, "token": link.token, "expires_at": expires_at, "person": person})
        return
    typer.echo(url)
    typer.echo(f"It works once, until {link.expires_at:%Y-%m-%d %H:%M} UTC, and is shown only now.", err=True)


def _plain(person: Person) -> dict[str, Any]:
    sets = {name: sorted(getattr(person, name)) for name in ("roles", "direct_roles", "groups", "sources")}
    scoped = msgspec.to_builtins(sorted(person.scoped))
    return {**msgspec.to_builtins(person), **sets, "scoped": scoped, "state": _state(person)}


def _name(person: Person) -> str:
    """What the person is found by."""
    return person.email or str(person.id)


def _state(person: Person) -> str:
    if person.is_disabled:
        return "disabled"
    if person.is_sealed:
        return "sealed"
    return "active" if person.can_come_in else "invited"


def _print_json(value: Any) -> None:  # noqa: ANN401 - any JSON value
    typer.echo(msgspec.json.encode(value).decode())
