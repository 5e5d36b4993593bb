"""Directories and providers: how they stand, a test for each part, and what their runs changed."""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.status_codes import HTTP_303_SEE_OTHER

from appliance.errors import LeashError
from appliance.identity.directories import queries
from appliance.identity.directories.errors import RunUnknownError
from appliance.identity.directories.plans import Run, RunKind
from appliance.identity.directories.records import ProbeSection
from appliance.identity.directories.service import Directories
from appliance.identity.directories.showing import lines_of_preview, lines_of_run
from appliance.identity.rules import Permission
from appliance.ledger.records import Actor
from server.authentication import origin_of, signed_in_of
from server.authorization import requires, requires_step_up
from server.dashboard.dependencies import AnyRequest, appliance_of, attempted, fields_of, now_of, uuid_or_none
from server.dashboard.directory_cards import bars_of, directory_cards, provider_cards, writer_cards
from server.dashboard.people import ChangeUnknownError
from server.dashboard.rendering import page
from server.errors import status_of

LINES_MAX: Final = 500
# What parts show where there is nothing to tell.
_NOTHING: Final[dict[str, Any]] = {
    "fields": {}, "problem": None, "tests": (), "trial": None, "preview": None, "lines": (), "hidden_lines": 0,
}  # fmt: skip
_READ = requires(Permission.SETTINGS_READ)
_MANAGE = requires(Permission.PEOPLE_MANAGE)
Change = Callable[[Directories, Actor, UUID], Awaitable[Run]]
CHANGES: Final[dict[str, Change]] = {
    "confirm": lambda directories, actor, run: directories.confirm_run(actor, run),
    "reject": lambda directories, actor, run: directories.reject_run(actor, run),
    "undo": lambda directories, actor, run: directories.undo_run(actor, run),
}


class SectionUnknownError(LeashError):
    """A form named no part of a directory."""

    code = "directory_section_unknown"
    summary = "A directory has no such part"
    next_step = "Reload the page and press one of its buttons."


@get("/directories", guards=[_READ], include_in_schema=False)
async def show_directories(request: AnyRequest) -> Template:
    """Every directory, provider and SCIM client."""
    return await _directories_page(request)


@post("/directories/{name:str}/test", status_code=200, guards=[_MANAGE], include_in_schema=False)
async def test_section(request: AnyRequest, name: FromPath[str]) -> Template:
    """Try one part of a directory."""
    fields = await fields_of(request)
    made = await attempted(_probe(request, name, fields))
    is_error = isinstance(made, LeashError)
    return await _said(
        request, "directory_said.html", name, fields=fields,
        problem=made if is_error else None, tests=() if is_error else (made,),
    )  # fmt: skip


async def _probe(request: AnyRequest, name: str, fields: dict[str, str]) -> dict[str, Any]:
    try:
        section = ProbeSection(fields.get("section", ""))
    except ValueError as problem:
        raise SectionUnknownError from problem
    result = await appliance_of(request).directories.port(name).probe(section, fields.get("user", ""))
    return {
        "section": section.value.replace("_", " "),
        "is_ok": result.is_ok,
        "said": result.said,
        "next_step": result.next_step,
        "seconds": result.seconds,
    }


@post("/directories/{name:str}/sign-in", status_code=200, guards=[_MANAGE], include_in_schema=False)
async def try_sign_in(request: AnyRequest, name: FromPath[str]) -> Template:
    """Try a name and password; nobody comes in by it, and the password is kept nowhere."""
    fields = await fields_of(request)
    user, password = fields.get("user", ""), fields.pop("password", "")
    trials, actor = appliance_of(request).trials, signed_in_of(request).actor
    made = await attempted(trials.sign_in(actor, name, user, password, origin_of(request), now_of(request)))
    is_error = isinstance(made, LeashError)
    return await _said(
        request, "directory_sign_in.html", name, fields=fields,
        problem=made if is_error else None, trial=None if is_error else made,
    )  # fmt: skip


@post("/directories/{name:str}/compare", status_code=200, guards=[_MANAGE], include_in_schema=False)
async def compare(request: AnyRequest, name: FromPath[str]) -> Template:
    """What a run would change now; nothing is changed."""
    made = await attempted(appliance_of(request).directories.preview(name))
    if isinstance(made, LeashError):
        return await _said(request, "directory_said.html", name, problem=made)
    lines = await lines_of_preview(made)
    return await _said(
        request, "directory_said.html", name, preview=made, lines=lines[:LINES_MAX], hidden_lines=len(lines[LINES_MAX:])
    )


@post("/directories/{name:str}/sync", guards=[_MANAGE], include_in_schema=False)
async def sync(request: AnyRequest, name: FromPath[str]) -> Response[Any]:
    """Begin to bring the directory's people up to its state; the run's page tells how it goes on."""
    kind = RunKind.FULL if (await fields_of(request)).get("kind") == RunKind.FULL.value else None
    made = await attempted(appliance_of(request).directories.start(signed_in_of(request).actor, name, kind))
    if isinstance(made, LeashError):
        return await _directories_page(request, about=name, problem=made)
    return Redirect(f"/directories/{name}/runs/{made.id}", status_code=HTTP_303_SEE_OTHER)


@post("/directories/providers/{name:str}/test", status_code=200, guards=[_MANAGE], include_in_schema=False)
async def test_provider(request: AnyRequest, name: FromPath[str]) -> Template:
    """Try discovery, keys and clock of a provider."""
    made = await attempted(appliance_of(request).providers.probe(name, now_of(request)))
    if isinstance(made, LeashError):
        return await _said(request, "directory_said.html", f"providers/{name}", problem=made)
    tests = [
        {"section": each.section, "is_ok": each.is_good, "said": each.said, "next_step": each.next_step, "seconds": 0.0}
        for each in made
    ]
    return await _said(request, "directory_said.html", f"providers/{name}", tests=tests)


@get("/directories/{name:str}/runs", guards=[_READ], include_in_schema=False)
async def show_runs(request: AnyRequest, name: FromPath[str]) -> Template:
    """The history of a directory, newest first."""
    directories = appliance_of(request).directories
    label = directories.label(name)
    before = uuid_or_none(request.query_params.get("before", ""))
    runs = await queries.runs(directory=name, before=before)
    return page(
        request,
        "directory_runs.html",
        title=f"Runs of {label}",
        directory=name,
        label=label,
        runs=runs,
        bars=bars_of(runs),
        status=await queries.status_of(name),
        following=runs[-1].id if len(runs) == queries.PAGE else None,
    )


@get("/directories/{name:str}/runs/{run_id:uuid}", guards=[_READ], include_in_schema=False)
async def show_run(request: AnyRequest, name: FromPath[str], run_id: FromPath[UUID]) -> Template | Response[str]:
    """One run: how it goes, what it changed, or would change as long as it is held."""
    try:
        return await _run_page(request, name, run_id)
    except RunUnknownError:
        if request.headers.get("HX-Request") != "true":
            raise
        # Somebody has looked on while it ended; what it would do was waiting for a person already.
        return Response("", headers={"HX-Redirect": f"/directories/{name}/runs"})


@post(
    "/directories/{name:str}/runs/{run_id:uuid}/{change:str}",
    guards=[_MANAGE, requires_step_up],
    include_in_schema=False,
)
async def decide(
    request: AnyRequest, name: FromPath[str], run_id: FromPath[UUID], change: FromPath[str]
) -> Response[Any]:
    """Let a held run happen, refuse it, or take back what a run did."""
    made = await attempted(_decide(request, name, run_id, change))
    if isinstance(made, LeashError):
        return await _run_page(request, name, run_id, made)
    return Redirect(f"/directories/{name}/runs/{run_id}?done={change}", status_code=HTTP_303_SEE_OTHER)


async def _decide(request: AnyRequest, name: str, run_id: UUID, change: str) -> Run:
    if change not in CHANGES:
        raise ChangeUnknownError
    await _run_of(name, run_id)
    return await CHANGES[change](appliance_of(request).directories, signed_in_of(request).actor, run_id)


async def _run_of(name: str, run_id: UUID) -> Run:
    """The run, if it is of this directory.

    Raises:
        RunUnknownError: it is not.
    """
    run = await queries.run_by_id(run_id)
    if run.directory != name:
        raise RunUnknownError
    return run


async def _run_page(request: AnyRequest, name: str, run_id: UUID, problem: LeashError | None = None) -> Template:
    run = await _run_of(name, run_id)
    lines = await lines_of_run(run, limit=LINES_MAX)
    return page(
        request,
        "directory_run.html",
        title=f"Run of {name}",
        status_code=status_of(problem) if problem else 200,
        run=run,
        lines=lines,
        is_cut=len(lines) == LINES_MAX,
        problem=problem,
        done=request.query_params.get("done", ""),
    )


async def _said(request: AnyRequest, part: str, name: str, **told: Any) -> Template:  # noqa: ANN401 - of the template
    """What came of a test: with `HX-Request` only that, for the open page; else in the page."""
    if request.headers.get("HX-Request") == "true":
        return page(request, part, title="", card=name, **(_NOTHING | told))
    return await _directories_page(request, about=name, part=part, **(_NOTHING | told))


async def _directories_page(request: AnyRequest, about: str = "", part: str = "", **told: Any) -> Template:  # noqa: ANN401 - of the template
    """The page; `about` is the card that something is told in, by one of the parts."""
    appliance, problem = appliance_of(request), told.get("problem")
    return page(
        request,
        "directories.html",
        title="Directories",
        status_code=status_of(problem) if problem else 200,
        directories=await directory_cards(appliance),
        providers=await provider_cards(appliance),
        writers=await writer_cards(now_of(request)),
        statements=await appliance.directories.statements(),
        about=about,
        part=part,
        **(_NOTHING | told),
    )


handlers = [
    show_directories, test_section, try_sign_in, compare, sync, test_provider, show_runs, show_run, decide,
]  # fmt: skip
