"""One shape for every failure, for machines and for people."""

import msgspec
import pytest
from litestar.exceptions import NotFoundException

from appliance.database.errors import DatabaseUnreachableError
from appliance.errors import LeashError
from appliance.identity.errors import PermissionMissingError, SignInThrottledError
from server.dashboard.reference import known_errors
from server.errors import STATUS_OF, headers_of, leash_error_of, problem_of, status_of
from server.http_errors import ContractVersionError, NotFoundError
from tests.support.web_world import World

# What an agent is told in its own words, always with status 200.
AGENTS = {
    "shutting_down", "decision_error", "decision_not_recorded", "decision_timeout", "too_many_pending",
    "hook_body_slow", "hook_caller_gone", "hook_rate_limited", "hook_refused", "hook_version_refused",
    "machine_token_refused", "body_too_deep",
}  # fmt: skip
ALWAYS = {
    "type", "title", "status", "detail", "instance", "code", "next_step", "correlation_id", "error", "message",
}  # fmt: skip


async def test_every_failure_is_told_in_the_same_shape(world: World) -> None:
    """Problem JSON with the status in it, and the two texts that published clients show."""
    replies = [
        await world.client.get("/v1/no-such"),
        await world.client.put("/v1/account"),
        await world.client.get("/v1/account"),
        await world.as_script(world.member, "GET", "/v1/people"),
        await world.as_script(world.owner, "GET", "/v1/policies/999"),
        await world.as_script(world.owner, "GET", "/v1/machines?limit=0"),
        await world.as_script(world.owner, "POST", "/v1/policies", {"text": "permit (", "extra": 1}),
        await world.client.post("/v1/enroll", json={"deploymentToken": "x", "hostname": "h"}),
    ]
    assert [reply.status_code for reply in replies] == [404, 405, 401, 403, 404, 400, 400, 401]
    for reply in replies:
        told = reply.json()
        assert reply.headers["content-type"] == "application/problem+json; charset=utf-8"
        assert set(told) >= ALWAYS
        assert told["status"] == reply.status_code
        assert told["correlation_id"] == reply.headers["x-request-id"]
        assert told["error"] == told["message"]
        assert told["error"].endswith(".")


async def test_a_person_reads_a_page_in_which_nothing_is_markup(world: World) -> None:
    """What the visitor wrote into the address is shown as text, or not at all."""
    evil = "/policies/versions/<script>alert(1)</script>"
    page = await world.as_browser(world.owner, "GET", evil, {"accept": "text/html", "x-request-id": "number-4711"})
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    assert "<script>alert" not in page.text
    assert "number-4711" in page.text
    assert "What to do next" in page.text


async def test_the_api_never_answers_with_a_page(world: World) -> None:
    """Whatever the client says that it accepts."""
    reply = await world.client.get("/v1/no-such", headers={"accept": "text/html"})
    assert reply.headers["content-type"].startswith("application/problem+json")


async def test_an_unexpected_failure_tells_nothing_of_its_cause(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 with the number under which the log has the rest."""

    async def fail(*_: object) -> None:
        message = "password=hunter2 at /srv/secret.py"
        raise ZeroDivisionError(message)

    monkeypatch.setattr(world.client.app.state.readiness, "checks", fail)
    reply = await world.client.get("/health/ready")
    assert (reply.status_code, reply.json()["code"]) == (500, "internal_error")
    assert "hunter2" not in reply.text
    assert "secret.py" not in reply.text


def test_every_error_has_a_next_step_and_a_fitting_status() -> None:
    """Every code in the map belongs to an error, and whatever is not told to be ours is the caller's: 4xx."""
    errors = known_errors()
    assert set(STATUS_OF) <= set(errors)
    for code, error in errors.items():
        status = STATUS_OF.get(code, 400)
        assert 400 <= status < 600 or (status == 200 and code in AGENTS), code
        assert error.summary, code


def test_of_a_fault_of_ours_only_the_kind_is_told() -> None:
    """The detail of a 5xx may name hosts and files: it belongs into the log."""
    problem = problem_of(DatabaseUnreachableError("no route to db-7.internal"), "id")
    assert (problem.status, problem.detail) == (503, "The database cannot be reached")
    assert "db-7" not in msgspec.json.encode(problem).decode()


@pytest.mark.parametrize(
    ("failure", "code", "status"),
    [
        (NotFoundException(), "not_found", 404),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates"), "request_invalid", 400),
        (ConnectionRefusedError(), "not_ready", 503),
        (TimeoutError(), "not_ready", 503),
        (KeyError("x"), "internal_error", 500),
        (PermissionMissingError(), "permission_missing", 403),
    ],
)
def test_every_exception_becomes_one_of_our_errors(failure: Exception, code: str, status: int) -> None:
    """Whatever is raised below has a code and a status."""
    error = leash_error_of(failure)
    assert (error.code, status_of(error)) == (code, status)


def test_headers_tell_how_to_go_on() -> None:
    """When to try again, which methods there are, how to authenticate."""
    throttled = SignInThrottledError(17)
    assert headers_of(throttled, throttled)["Retry-After"] == "17"
    assert "Retry-After" not in headers_of(NotFoundError(), NotFoundError())


def test_a_version_problem_has_the_members_that_clients_read() -> None:
    """As the contract of the published clients says."""
    told = msgspec.to_builtins(problem_of(ContractVersionError("mobileState", "a.v1", "b.v2"), "id"))
    assert told["error"] == "contract version not supported"
    assert (told["function"], told["expectedVersion"], told["receivedVersion"]) == ("mobileState", "a.v1", "b.v2")
    assert told["status"] == 426


def test_an_error_without_a_detail_says_its_summary() -> None:
    """No failure is told in empty words."""
    assert problem_of(LeashError(), "id").error
