"""WebAuthn itself: questions as browsers want them, and answers checked. The one place that knows the library.

The library is imported where it is used: it takes half a second, and most processes never meet a passkey.
"""

import base64
from typing import Any, Final

import msgspec

from appliance.identity.passkeys.errors import Cause, RefusedError
from appliance.identity.passkeys.records import Answered, Registered, RelyingParty, StoredKey

ANSWER_MAX: Final = 16_384
_TIMEOUT_MS: Final = 300_000


class _Response(msgspec.Struct):
    """What both answers hold (WebAuthn Level 3, section 5.1.8)."""

    clientDataJSON: str  # noqa: N815 - the standard's name
    userHandle: str | None = None  # noqa: N815 - the standard's name


class Answer(msgspec.Struct):
    """As much of a browser's answer as must be known before it is checked."""

    rawId: str  # noqa: N815 - the standard's name
    response: _Response

    @property
    def credential_id(self) -> bytes:
        """Which key it says it is."""
        return _bytes(self.rawId)

    @property
    def user_handle(self) -> bytes | None:
        """Whose key it says it is; the device may leave that out where we named the key."""
        return _bytes(self.response.userHandle) if self.response.userHandle else None


class _ClientData(msgspec.Struct):
    crossOrigin: bool = False  # noqa: N815 - the standard's name


def registration_options(
    party: RelyingParty, *, challenge: bytes, user: bytes, user_name: str, display_name: str, known: tuple[bytes, ...]
) -> str:
    """The question that makes a new key, which the device can find by itself and gives only to its person."""
    from webauthn import generate_registration_options, options_to_json  # noqa: PLC0415 - see the module
    from webauthn.helpers import structs  # noqa: PLC0415

    selection = structs.AuthenticatorSelectionCriteria(
        resident_key=structs.ResidentKeyRequirement.REQUIRED,
        require_resident_key=True,
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    options = generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=user,
        user_name=user_name,
        user_display_name=display_name,
        challenge=challenge,
        timeout=_TIMEOUT_MS,
        authenticator_selection=selection,
        exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=each) for each in known],
    )
    return options_to_json(options)


def authentication_options(
    party: RelyingParty, *, challenge: bytes, known: tuple[bytes, ...] = (), is_person_known: bool
) -> str:
    """The question that uses a key; `is_person_known`: by password, so that touching the device is enough."""
    from webauthn import generate_authentication_options, options_to_json  # noqa: PLC0415 - see the module
    from webauthn.helpers import structs  # noqa: PLC0415

    wanted = structs.UserVerificationRequirement
    options = generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=_TIMEOUT_MS,
        allow_credentials=[structs.PublicKeyCredentialDescriptor(id=each) for each in known] or None,
        user_verification=wanted.DISCOURAGED if is_person_known else wanted.REQUIRED,
    )
    return options_to_json(options)


def read_answer(text: object) -> Answer:
    """The parts of an answer that say which key it is.

    Raises:
        RefusedError: it is no answer, or was given inside another site's frame.
    """
    if not isinstance(text, str) or not 0 < len(text) <= ANSWER_MAX:
        raise RefusedError(Cause.ANSWER_UNREADABLE)
    try:
        answer = msgspec.json.decode(text.encode(), type=Answer)
        data = msgspec.json.decode(_bytes(answer.response.clientDataJSON), type=_ClientData)
        _ = answer.credential_id, answer.user_handle
    except (msgspec.MsgspecError, ValueError) as problem:
        raise RefusedError(Cause.ANSWER_UNREADABLE) from problem
    if data.crossOrigin:
        raise RefusedError(Cause.FRAMED)
    return answer


def check_registration(party: RelyingParty, answer: str, challenge: bytes) -> Registered:
    """The new key; what its maker says of the device is not asked, so that no device is preferred.

    Raises:
        RefusedError: the answer does not belong to the question, the origin or the key.
    """
    from webauthn import verify_registration_response  # noqa: PLC0415 - see the module

    try:
        found = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except Exception as problem:  # whatever a parser makes of a stranger's bytes, they are refused
        raise _refused(problem) from problem
    return Registered(
        credential_id=found.credential_id,
        public_key=found.credential_public_key,
        sign_count=found.sign_count,
        is_synced=found.credential_backed_up,
    )


def check_authentication(
    party: RelyingParty, answer: str, challenge: bytes, key: StoredKey, *, is_person_known: bool
) -> Answered:
    """The key's use; its counter is for the caller to compare, in the transaction that stores it.

    Raises:
        RefusedError: the answer does not belong to the question, the origin or the key.
    """
    from webauthn import verify_authentication_response  # noqa: PLC0415 - see the module

    try:
        found = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=key.public_key,
            credential_current_sign_count=0,
            require_user_verification=not is_person_known,
        )
    except Exception as problem:  # see check_registration
        raise _refused(problem) from problem
    return Answered(sign_count=found.new_sign_count)


def _refused(problem: Exception) -> RefusedError:
    return RefusedError(Cause.ANSWER_WRONG, f"{type(problem).__name__}: {problem}")


def _bytes(text: Any) -> bytes:  # noqa: ANN401 - somebody's JSON
    """Base64url without padding (RFC 4648 section 5); raises ValueError for everything else."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
