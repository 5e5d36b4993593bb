"""The ledger for people: checkpoints, entries with their proofs, and verification."""

from urllib.parse import urlencode
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template
from litestar.status_codes import HTTP_303_SEE_OTHER

from appliance.identity.rules import Permission
from appliance.ledger.queries import count_unsealed, entry_detail, list_checkpoints, list_entries
from server.authorization import requires
from server.dashboard.dependencies import AnyRequest, appliance_of, uuid_or_none
from server.dashboard.rendering import page
from server.dashboard.verification import verification_of

PAGE = 50
CHECKPOINTS = 10
_READ = requires(Permission.LEDGER_READ)
_VERIFY = requires(Permission.LEDGER_VERIFY)


@get("/ledger", guards=[_READ], include_in_schema=False)
async def show_ledger(request: AnyRequest) -> Template:
    """The newest checkpoint to keep outside, the key, verification, and the entries."""
    event = request.query_params.get("event", "").strip()[:100].replace("\0", "")
    before = uuid_or_none(request.query_params.get("before", ""))
    entries = await list_entries(before=before, event=event, limit=PAGE + 1)
    checkpoints = await list_checkpoints(limit=CHECKPOINTS)
    return page(
        request,
        "ledger.html",
        title="Ledger",
        entries=entries[:PAGE],
        following=urlencode({"event": event, "before": entries[PAGE - 1].id}) if len(entries) > PAGE else "",
        is_later_page=before is not None,
        event=event,
        checkpoints=checkpoints,
        newest=checkpoints[0] if checkpoints else None,
        unsealed=await count_unsealed(),
        public_key=appliance_of(request).ledger.public_key,
        verification=verification_of(request.app.state),
    )


@get("/ledger/entries/{entry_id:uuid}", guards=[_READ], include_in_schema=False)
async def show_entry(request: AnyRequest, entry_id: FromPath[UUID]) -> Template:
    """One entry as it was hashed, its parts, and the proof that it is in a checkpoint."""
    return page(request, "entry.html", title="Ledger entry", detail=await entry_detail(entry_id))


@post("/ledger/verify", guards=[_VERIFY], include_in_schema=False)
async def start_verification(request: AnyRequest) -> Redirect:
    """Begin a verification, or watch the one that is at work."""
    appliance = appliance_of(request)
    verification_of(request.app.state).start(appliance.ledger, appliance.clock)
    return Redirect("/ledger/verify", status_code=HTTP_303_SEE_OTHER)


@get("/ledger/verify", guards=[_VERIFY], include_in_schema=False, sync_to_thread=False)
def show_verification(request: AnyRequest) -> Template:
    """How far it is, and the last report; with `HX-Request` only that."""
    is_fragment = request.headers.get("HX-Request") == "true"
    return page(
        request,
        "verify_state.html" if is_fragment else "verify.html",
        title="Verify the ledger",
        verification=verification_of(request.app.state),
    )


handlers = [show_ledger, show_entry, start_verification, show_verification]
