"""Reading BER: what is an LDAP message is understood, and everything else is one kind of error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.adapters.ldap import ber
from tests.support.stub_directory import entry, integer, outcome, tlv


def _message(tag: int, body: bytes, number: int = 7) -> bytes:
    return tlv(0x30, integer(number), tlv(tag, body))


def test_an_entry_is_read_whole() -> None:
    """Names of attributes come in lower case, values as bytes, in the long form of lengths too."""
    tag, body = entry("uid=ida,dc=x", uid="ida", MAIL=["a@x", "b@x"], jpegPhoto=b"\xff" * 300)
    message = ber.message(_message(tag, body))
    assert (message.number, message.operation) == (7, ber.ENTRY)
    assert ber.entry(message.body) == (
        "uid=ida,dc=x",
        {"uid": [b"ida"], "mail": [b"a@x", b"b@x"], "jpegphoto": [b"\xff" * 300]},
    )


def test_an_outcome_tells_code_words_and_referrals() -> None:
    """The parts of a result that we use."""
    _, body = outcome(ber.DONE, 10, "go there", "ldap://x/")
    assert ber.result(body) == ber.Result(code=10, said="go there", referrals=("ldap://x/",))


@pytest.mark.parametrize(
    "data", [b"", b"\x30", b"\x30\x00", b"\x30\x80", b"\x31\x03\x02\x01\x01", b"\x30\x05\x02\x01\x01\x61\x7f", b"GET /"]
)
def test_what_is_no_message_is_malformed(data: bytes) -> None:
    """Too short, indefinite, of another type, or longer than its envelope."""
    with pytest.raises(ber.MalformedError):
        ber.message(data)


@given(st.binary(max_size=200))
def test_no_bytes_do_anything_but_be_malformed(data: bytes) -> None:
    """Whatever a host sends, reading it ends, with a value or with the one error."""
    for read in (ber.message, ber.entry, ber.result, ber.children, ber.strings):
        try:
            read(data)
        except ber.MalformedError:
            continue


@given(st.data())
def test_a_damaged_entry_is_never_a_crash(data: st.DataObject) -> None:
    """One byte changed anywhere in an entry: it is read or refused."""
    _, body = entry("uid=ida,dc=x", uid="ida", mail=["a@x", "b@x"])
    place = data.draw(st.integers(0, len(body) - 1))
    changed = body[:place] + bytes([data.draw(st.integers(0, 255))]) + body[place + 1 :]
    try:
        name, attributes = ber.entry(changed)
    except ber.MalformedError:
        return
    assert isinstance(name, str)
    assert all(isinstance(value, bytes) for values in attributes.values() for value in values)
