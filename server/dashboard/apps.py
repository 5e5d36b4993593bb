"""Letting apps on phones and desktops in: the page that an app opens in the browser, and a code on the screen."""

from typing import Any, Final
from urllib.parse import quote

from litestar import get, post
from litestar.response import Template

from appliance.identity import codes
from appliance.identity.flows.records import NewCode
from server.authentication import signed_in_of
from server.authorization import requires_own_page, requires_recent_proof, requires_sign_in, requires_step_up
from server.dashboard.dependencies import AnyRequest, appliance_of, fields_of, now_of
from server.dashboard.rendering import page

FLOW_PATH: Final = "/auth/app"
_FLOW: Final = f"{FLOW_PATH}?flow="
_ALONE: Final[dict[str, Any]] = {"signed_in": None}  # a page of the app's, without our rooms around it


def flow_address(origin: str, token: str) -> str:
    """Where an app sends the browser."""
    return f"{origin}{_FLOW}{quote(token)}"


def flow_in(back: str) -> str:
    """The token of an app's sign-in, if that is the page to go on to; empty otherwise."""
    return back.removeprefix(_FLOW) if back.startswith(_FLOW) else ""


@get(FLOW_PATH, include_in_schema=False)
async def show_flow(request: AnyRequest) -> Template:
    """Whether to let the app in, asked of whoever is signed in; everybody else signs in first and comes back."""
    token = request.query_params.get("flow", "")
    offer = await appliance_of(request).app_sign_ins.offer(token, now_of(request))
    person = signed_in_of(request)
    return page(request, "app_flow.html", title="Let an app in", offer=offer, token=token, person=person, **_ALONE)


@post(FLOW_PATH, guards=[requires_sign_in, requires_recent_proof], include_in_schema=False)
async def approve_flow(request: AnyRequest) -> Template:
    """Let the app in, and send the browser back to it with the code; a cookie that somebody took is not enough."""
    token = (await fields_of(request)).get("flow", "")
    code = await appliance_of(request).app_sign_ins.approve(token, signed_in_of(request), now_of(request))
    return _handed_over(request, code.address, is_let_in=True)


@post(f"{FLOW_PATH}/cancel", guards=[requires_own_page], include_in_schema=False)
async def cancel_flow(request: AnyRequest) -> Template:
    """Send the browser back to the app without a code."""
    token = (await fields_of(request)).get("flow", "")
    address = await appliance_of(request).app_sign_ins.cancel(token, now_of(request))
    return _handed_over(request, address, is_let_in=False)


def _handed_over(request: AnyRequest, address: str, *, is_let_in: bool) -> Template:
    """Leads on by itself where the browser lets it; a redirect in answer to a form our own policy would hold back."""
    title = "Back to the app"
    handed = page(request, "app_handover.html", title=title, address=address, is_let_in=is_let_in, **_ALONE)
    handed.headers = {**handed.headers, "Refresh": f"0;url={address}", "Referrer-Policy": "no-referrer"}
    return handed


@get("/account/connect", guards=[requires_sign_in], include_in_schema=False, sync_to_thread=False)
def show_connect(request: AnyRequest) -> Template:
    """How to connect a phone; making the code is an act of its own."""
    return _connect_page(request, None)


@post("/account/connect", guards=[requires_sign_in, requires_step_up], include_in_schema=False)
async def make_code(request: AnyRequest) -> Template:
    """A code for the phone's camera, for a minute."""
    code = await appliance_of(request).app_sign_ins.new_code(signed_in_of(request), now_of(request))
    return _connect_page(request, code)


def _connect_page(request: AnyRequest, code: NewCode | None) -> Template:
    """The address as a picture, the code if there is one, and the key's identifier for people to compare."""
    appliance = appliance_of(request)
    origin = appliance.config.public_origin
    return page(
        request,
        "app_connect.html",
        title="Connect a phone",
        code=code,
        qr_svg=codes.qr_svg(code.address) if code else "",
        origin=origin,
        origin_svg=codes.qr_svg(f"{origin}/approvals"),
        key=appliance.endpoint.key,
    )


handlers = [show_flow, approve_flow, cancel_flow, show_connect, make_code]
