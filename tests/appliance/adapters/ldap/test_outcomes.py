"""What the answers to a bind mean."""

import pytest

from appliance.adapters.ldap import outcomes
from appliance.adapters.ldap.failures import HostFailedError
from appliance.adapters.ldap.session import Bound
from appliance.identity.directories.errors import DirectoryMisconfiguredError
from appliance.identity.directories.records import RefusalCause
from tests.support.stub_directory import integer, tlv


def _bound(code: int, said: str = "", policy: bytes | None = None) -> Bound:
    return Bound(code=code, said=said, policy=policy)


def _policy(error: int) -> bytes:
    return tlv(0x30, integer(error, 0x81))


@pytest.mark.parametrize(
    ("sub_code", "cause"),
    [
        ("525", RefusalCause.UNKNOWN),
        ("52e", RefusalCause.WRONG),
        ("530", RefusalCause.DISABLED),
        ("531", RefusalCause.DISABLED),
        ("532", RefusalCause.EXPIRED),
        ("533", RefusalCause.DISABLED),
        ("701", RefusalCause.EXPIRED),
        ("773", RefusalCause.MUST_CHANGE),
        ("775", RefusalCause.LOCKED),
        ("9999", RefusalCause.WRONG),
    ],
)
def test_active_directory_tells_the_cause_in_its_words(sub_code: str, cause: RefusalCause) -> None:
    """Each sub-code, and for one that nobody knows, wrong."""
    said = f"80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data {sub_code}, v2580"
    assert outcomes.cause(_bound(49, said)) is cause


@pytest.mark.parametrize(
    ("error", "cause"), [(0, RefusalCause.EXPIRED), (1, RefusalCause.LOCKED), (2, RefusalCause.MUST_CHANGE)]
)
def test_the_policy_control_tells_the_cause(error: int, cause: RefusalCause) -> None:
    """With a refusal, and also with a success: whoever must change the password is not let in."""
    assert outcomes.cause(_bound(49, policy=_policy(error))) is cause
    assert outcomes.cause(_bound(0, policy=_policy(error))) is cause


@pytest.mark.parametrize(
    "policy", [None, b"", b"\x30\x00", tlv(0x30, tlv(0xA0, integer(5, 0x81))), b"\xff", _policy(77)]
)
def test_warnings_and_rubbish_in_the_control_change_nothing(policy: bytes | None) -> None:
    """Days left and logins of grace let people in; a control that nobody can read is as none."""
    assert outcomes.cause(_bound(0, policy=policy)) is None
    assert outcomes.cause(_bound(49, policy=policy)) is RefusalCause.WRONG


def test_only_success_is_success() -> None:
    """No other code than 0 lets anybody in."""
    for code in range(1, 200):
        try:
            assert outcomes.cause(_bound(code)) is not None
        except (HostFailedError, DirectoryMisconfiguredError):
            continue
