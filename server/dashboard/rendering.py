"""Turns a template into a page: what every page knows, and the filters that all templates use."""

from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar.datastructures import Cookie
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Template
from litestar.template import TemplateConfig
from markupsafe import Markup

from appliance.identity.records import SignedIn
from appliance.identity.rules import Permission, permissions_of
from server.authentication import authentication_of, csrf_token
from server.dashboard.assets import is_there, static_url
from server.dashboard.banner import open_until
from server.dashboard.dependencies import AnyRequest, appliance_of
from server.dashboard.live import TOPICS
from server.dashboard.visible import visible

# same-origin rather than no-referrer: with the latter a browser sends `Origin: null` with our own forms.
PAGE_HEADERS: Final = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin", "Vary": "Cookie, HX-Request"}


class Room(NamedTuple):
    """A place in the navigation; shown to whoever holds one of the permissions, or to everybody."""

    path: str
    name: str
    icon: str
    permissions: frozenset[Permission] = frozenset()


ROOMS: Final = (
    Room("/", "Overview", "overview"),
    Room("/approvals", "Approvals", "approvals"),
    Room("/decisions", "Decisions", "decisions", frozenset({Permission.DECISIONS_READ, Permission.DECISIONS_READ_OWN})),
    Room("/policies", "Policies", "policies", frozenset({Permission.POLICIES_READ})),
    Room("/agents", "Agents", "agents", frozenset({Permission.AGENTS_READ})),
    Room("/ledger", "Ledger", "ledger", frozenset({Permission.LEDGER_READ})),
    Room("/people", "People", "people", frozenset({Permission.PEOPLE_READ})),
    Room("/groups", "Groups", "groups", frozenset({Permission.PEOPLE_READ})),
    Room("/notifications", "Notifications", "notifications", frozenset({Permission.SETTINGS_READ})),
    Room("/directories", "Directories", "directories", frozenset({Permission.SETTINGS_READ})),
)


def page(
    request: AnyRequest,
    name: str,
    *,
    title: str,
    status_code: int = 200,
    cookies: tuple[Cookie, ...] = (),
    **context: Any,  # noqa: ANN401 - whatever the template shows
) -> Template:
    """A template with what every page knows: who is signed in, what that permits, the form token, the rooms."""
    user = request.scope.get("user")
    signed_in = user if isinstance(user, SignedIn) else None
    granted = permissions_of(signed_in.roles) if signed_in else frozenset()
    common = {
        "title": title,
        "site": appliance_of(request).config.title,
        "path": request.scope["path"],
        "signed_in": signed_in,
        "break_glass_until": open_until(request) if signed_in else None,
        "can": {permission.value for permission in granted},
        "csrf": _csrf(request, signed_in),
        "rooms": [room for room in ROOMS if signed_in and (not room.permissions or room.permissions & granted)],
    }
    return Template(
        name,
        context={**common, **context},
        status_code=status_code,
        headers=PAGE_HEADERS,
        cookies=list(cookies),
        media_type="text/html",
    )


def _csrf(request: AnyRequest, signed_in: SignedIn | None) -> str:
    if signed_in is None:
        return ""
    return csrf_token(authentication_of(request).identity.csrf_key, signed_in.session_id)


def when(moment: datetime | None) -> Markup:
    """A moment in UTC, which the script adds the reader's own time to; a dash for none."""
    if moment is None:
        return Markup("&ndash;")
    return Markup('<time datetime="{}">{}</time>').format(
        moment.isoformat(timespec="seconds"), moment.strftime("%Y-%m-%d %H:%M:%S UTC")
    )


def until(moment: datetime) -> Markup:
    """A moment to come, which the script counts down to."""
    return Markup('<time class="countdown" datetime="{}" data-countdown>{}</time>').format(
        moment.isoformat(timespec="seconds"), moment.strftime("%Y-%m-%d %H:%M:%S UTC")
    )


def count(number: int, one: str, many: str) -> str:
    """A number with its noun: `1 ask`, `2 asks`."""
    return f"{number:,} {one if number == 1 else many}"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"visible": visible, "when": when, "until": until, "count": count}
    environment.globals |= {"static": static_url, "is_there": is_there, "topics": TOPICS}
    return environment


template_config: Final = TemplateConfig(instance=JinjaTemplateEngine.from_environment(_environment()))
