"""The one map from errors to HTTP: status codes, and the one shape in which a failure is told (RFC 9457)."""

from collections.abc import Mapping
from typing import Any, Final

import asyncpg
import msgspec
from litestar.exceptions import HTTPException

from appliance.database.connection import UNREACHABLE
from appliance.errors import LeashError
from server import http_errors

# Whatever is not named here is the caller's mistake: 400.
STATUS_OF: Final[Mapping[str, int]] = {
    "internal_error": 500,
    # HTTP itself
    "not_found": 404,
    "method_not_allowed": 405,
    "request_too_large": 413,
    "request_too_slow": 408,
    "rate_limited": 429,
    "streams_too_many": 429,
    "host_unknown": 421,
    "contract_version_unsupported": 426,
    "not_ready": 503,
    # database
    "database_error": 503,
    "database_unreachable": 503,
    "database_version_unsupported": 503,
    "database_role_too_powerful": 503,
    "database_setup_refused": 503,
    "schema_newer": 503,
    "schema_older": 503,
    "embedded_database_failed": 503,
    # ledger
    "ledger_error": 500,
    "value_not_canonical": 422,
    "ledger_entry_unknown": 404,
    "ledger_checkpoint_missing": 404,
    "ledger_forked": 503,
    "ledger_key_unusable": 503,
    # endpoint
    "endpoint_error": 400,
    "endpoint_profile_invalid": 422,
    "endpoint_payload_unknown": 404,
    # identity
    "sign_in_required": 401,
    "sign_in_refused": 401,
    "local_sign_in_off": 403,
    "sign_in_throttled": 429,
    "sign_in_busy": 503,
    "permission_missing": 403,
    "request_forged": 403,
    "role_change_refused": 403,
    "person_unknown": 404,
    "person_ambiguous": 409,
    "account_unknown": 404,
    "group_unknown": 404,
    "unlink_refused": 409,
    "session_unknown": 404,
    "owner_exists": 409,
    "email_taken": 409,
    "last_owner": 409,
    "person_disabled": 409,
    "link_invalid": 410,
    "claim_invalid": 410,
    "code_refused": 422,
    "seal_broken": 500,
    "provider_unknown": 404,
    "provider_unavailable": 503,
    "sign_in_flow_invalid": 410,
    "provider_sign_in_refused": 401,
    "provider_sign_in_cancelled": 401,
    "step_up_refused": 403,
    "step_up_required": 403,
    "step_up_failed": 422,
    "kept_act_unknown": 410,
    "passkey_refused": 401,
    "passkey_unknown": 404,
    "passkey_taken": 409,
    "passkey_credential_missing": 409,
    "passkeys_unavailable": 409,
    "unseal_refused": 401,
    "unsealing_unknown": 410,
    "unsealing_unconfirmed": 409,
    "confirmation_refused": 403,
    "sealed_elsewhere": 409,
    "seal_refused": 409,
    "nobody_sealed": 404,
    "directory_unknown": 404,
    "directory_unavailable": 503,
    "directory_misconfigured": 503,
    "directory_sign_in_refused": 401,
    "directory_incomplete": 503,
    "sync_run_unknown": 404,
    "sync_run_closed": 409,
    "sync_run_outgrown": 409,
    "sync_busy": 409,
    "sync_off": 409,
    "app_flow_invalid": 410,
    "app_code_refused": 401,
    "app_not_let_in": 403,
    # provisioning
    "provisioning_token_refused": 401,
    "provisioning_token_unknown": 404,
    "scim_resource_unknown": 404,
    "scim_not_unique": 409,
    "scim_last_owner": 409,
    "scim_version_mismatch": 412,
    "scim_not_implemented": 501,
    # agents
    "hook_body_too_large": 413,
    "deployment_token_unknown": 404,
    "machine_unknown": 404,
    "agent_runtime_unknown": 404,
    "deployment_token_refused": 401,
    "deployment_token_expired": 401,
    "deployment_token_revoked": 401,
    "deployment_token_used_up": 401,
    "email_domain_refused": 403,
    "email_elsewhere": 409,
    "enrolment_by_script": 403,
    "enrolment_unproven": 403,
    "machines_too_many": 409,
    # policy
    "policy_invalid": 422,
    "policy_conflict": 409,
    "policy_version_unknown": 404,
    "policy_draft_unknown": 404,
    # approvals
    "ask_unknown": 404,
    "ask_closed": 409,
    "ask_expired": 410,
    "response_refused": 422,
    "self_approval_refused": 403,
    "answerer_not_allowed": 403,
    "answer_proof_missing": 403,
    "answer_number_missing": 403,
    "answer_number_wrong": 403,
    "binding_mismatch": 409,
    # notifications
    "notification_preferences_refused": 422,
    "notification_address_refused": 422,
    "notification_addresses_too_many": 409,
    "notification_channel_off": 409,
    "notification_address_unknown": 404,
    "webhook_unknown": 404,
    "webhook_refused": 422,
    "on_call_refused": 422,
    "delivery_unknown": 404,
    # clients
    "machine_may_not_answer": 403,
    "monitoring_managed": 403,
    "protection_managed": 403,
    "protection_unknown": 404,
    "model_key_not_kept": 403,
    "machine_token_needed": 403,
    # updates
    "update_manifest_refused": 503,
    "update_file_unknown": 404,
    "update_range_refused": 416,
    "update_downloads_busy": 503,
    # what only agents are told, in their own words
    "shutting_down": 200,
    "decision_error": 200,
    "decision_not_recorded": 200,
    "decision_timeout": 200,
    "too_many_pending": 200,
    "hook_body_slow": 200,
    "hook_caller_gone": 200,
    "hook_rate_limited": 200,
    "hook_refused": 200,
    "hook_version_refused": 200,
    "machine_token_refused": 200,
    "body_too_deep": 200,
}
_SERVER_FAULT: Final = 500


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A failure as it is answered: application/problem+json, and the words that published clients look for.

    Attributes:
        type: where the code is explained, relative to this service.
        title: what kind of failure it is.
        status: the HTTP status once more.
        detail: what failed this time.
        instance: this one failure, as a URN.
        code: stable name of the kind.
        next_step: what the reader can do.
        correlation_id: what the service's log has for this request.
        error, message: detail and next step in one, for clients that show a text.
        problems: what is wrong in a policy text, with line numbers.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    next_step: str
    correlation_id: str
    error: str
    message: str
    problems: tuple[Any, ...] = ()
    function: str = ""
    expected_version: str = msgspec.field(default="", name="expectedVersion")
    received_version: str = msgspec.field(default="", name="receivedVersion")


def status_of(problem: LeashError) -> int:
    """The HTTP status of an error."""
    return STATUS_OF.get(problem.code, 400)


def leash_error_of(failure: Exception) -> LeashError:
    """Any exception as an error of ours; what nobody expected is an internal error without details."""
    if isinstance(failure, LeashError):
        return failure
    if isinstance(failure, HTTPException):
        return _of_litestar(failure)
    if isinstance(failure, asyncpg.DataError | UnicodeError):  # a text or number that the database cannot hold
        return http_errors.RequestInvalidError("A value in the request cannot be used")
    if isinstance(failure, UNREACHABLE):
        return LeashDatabaseError()
    return LeashError()


class LeashDatabaseError(http_errors.NotReadyError):
    """The database failed under a request."""

    summary = "The database does not answer"


def _of_litestar(failure: HTTPException) -> LeashError:
    told = str(failure.detail)
    match failure.status_code:
        case 404:
            return http_errors.NotFoundError()
        case 405:
            return http_errors.MethodNotAllowedError()
        case 413:
            return http_errors.RequestTooLargeError()
        case status if status >= _SERVER_FAULT:
            return LeashError()
        case _:
            return http_errors.RequestInvalidError(_with_fields(told, failure.extra))


def _with_fields(told: str, extra: object) -> str:
    """Litestar's sentence with the fields that it names; their values are left out."""
    fields = [each for each in extra if isinstance(each, Mapping)] if isinstance(extra, list) else []
    named = "; ".join(f"{each.get('key', 'body')}: {each.get('message', 'is wrong')}" for each in fields)
    summary = http_errors.RequestInvalidError.summary
    return f"{summary}: {named}" if named else f"{summary}: {told}"


def problem_of(error: LeashError, correlation_id: str) -> ProblemDetails:
    """How an error is told; of a fault of ours only its kind."""
    status = status_of(error)
    is_ours = status >= _SERVER_FAULT and not isinstance(error, http_errors.HttpError)
    detail = error.summary if is_ours else error.detail
    stop = "" if detail[-1:] in {".", "!", "?"} else "."
    words = f"{detail}{stop} {error.next_step}".strip() if error.next_step else detail
    problem = ProblemDetails(
        type=f"/reference#error-{error.code}",
        title=error.summary,
        status=status,
        detail=detail,
        instance=f"urn:leash:request:{correlation_id}",
        code=error.code,
        next_step=error.next_step,
        correlation_id=correlation_id,
        error=words,
        message=words,
        problems=tuple(getattr(error, "problems", ())),
    )
    if isinstance(error, http_errors.ContractVersionError):
        return msgspec.structs.replace(
            problem,
            error=error.summary,
            function=error.function,
            expected_version=error.expected,
            received_version=error.received,
        )
    return problem


def headers_of(error: LeashError, failure: Exception) -> dict[str, str]:
    """Headers that belong to the status: how to authenticate, what is allowed, when to try again."""
    status = status_of(error)
    headers: dict[str, str] = {"Cache-Control": "no-store"}
    if status == 401:  # noqa: PLR2004 - RFC 9110 15.5.2
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(failure, HTTPException) and failure.headers:
        headers |= {name: value for name, value in failure.headers.items() if name.lower() == "allow"}
    retry_after = getattr(error, "retry_after_seconds", None)
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return headers
