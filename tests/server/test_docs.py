"""The reference of the API is complete and true."""

import importlib
import pkgutil
from pathlib import Path

import appliance
import server
from server.dashboard.reference import known_errors
from server.errors import STATUS_OF
from tests.server.test_routes import api_routes
from tests.support.web_world import World

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
API = (REFERENCE / "api.md").read_text("utf-8")
ERRORS = (REFERENCE / "errors.md").read_text("utf-8")
HEALTH = (REFERENCE / "metrics-and-health.md").read_text("utf-8")


async def test_every_route_of_the_api_is_told_with_its_permission(world: World) -> None:
    """Method, path and permission stand in the table, and nothing that is not there."""
    rows = {f"| `{method} {path}` | {permission} |" for method, path, permission in api_routes(world.client.app)}
    assert [row for row in sorted(rows) if row not in API] == []
    assert sum(API.count(f"| `{method} /") for method in ("GET", "POST", "PUT", "DELETE")) == len(rows)


def test_every_error_is_told_with_its_status() -> None:
    """Code, status, what failed and what to do, of every error that the appliance and its server can give."""
    for package in (appliance, server):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if "piccolo_migrations" not in module.name:
                importlib.import_module(module.name)
    ours = {code: error for code, error in known_errors().items() if not error.__module__.startswith("installer")}
    rows = {
        f"| `{code}` | {STATUS_OF.get(code, 400)} | {error.summary} | {error.next_step or '-'} |"
        for code, error in ours.items()
    }
    assert sorted(row for row in rows if row not in ERRORS) == []
    assert ERRORS.count("\n| `") == len(rows)


async def test_every_check_of_readiness_is_told(world: World) -> None:
    """Each name that /health/ready gives has its row."""
    checks = (await world.client.get("/health/ready")).json()["checks"]
    assert [name for name in checks if f"| `{name}` |" not in HEALTH] == []
