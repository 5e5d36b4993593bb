"""Which addresses are kept to send to later."""

import pytest

from appliance.adapters.outbound.urls import host_of, is_listed

INSIDE = ("ntfy.corp.example", "127.0.0.1:8080", "*.lab.example", "*.lab.example:8443", "[::1]:81")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://hooks.example.org/x?y=1", "hooks.example.org"),
        ("https://HOOKS.example.org.:8443/", "hooks.example.org"),
        ("https://93.184.216.34/", "93.184.216.34"), ("https://[2606:2800:220:1::1]/", "2606:2800:220:1::1"),
        ("http://ntfy.corp.example/topic", "ntfy.corp.example"), ("http://127.0.0.1:8080/", "127.0.0.1"),
        ("https://a.lab.example/", "a.lab.example"), ("https://a.lab.example:8443/", "a.lab.example"),
        ("http://ntfy.corp.example:80/", "ntfy.corp.example"), ("https://ntfy.corp.example/", "ntfy.corp.example"),
        ("http://[::1]:81/", "::1"),
    ],
)  # fmt: skip
def test_what_can_be_sent_to_is_kept(url: str, host: str) -> None:
    """Public hosts by https, and those that the settings let inside, also by http."""
    assert host_of(url, private_hosts=INSIDE) == host


@pytest.mark.parametrize(
    "url",
    [
        "", "x", "file:///etc/passwd", "ftp://example.org/", "javascript:alert(1)", "https://", "https:///x",
        "http://hooks.example.org/", "https://user:secret@example.org/", "https://example.org/#x",
        "https://example.org:0/", "https://localhost/", "https://db.localhost/", "https://intranet/",
        "https://127.0.0.2/", "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/",
        "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[::ffff:a9fe:a9fe]/", "https://[64:ff9b::7f00:1]/",
        "https://10.0.0.1/", "https://192.168.1.1/", "https://169.254.169.254/", "https://[fd00:ec2::254]/",
        "https://100.100.100.200/", "https://0.0.0.0/", "https://224.0.0.1/", "https://[fe80::1%25eth0]/",
        "https://example.org/\r\nX: y", "https://exa mple.org/", "https://example.org\\@127.0.0.1/",
        "https://\u2460\u2461\u2466.0.0.1/", "https://example.org/" + "a" * 3000, "https://example.org:99999/",
        "https://[::1", "https://ntfy.corp.example.evil.example:x/",
        "http://ntfy.corp.example:8080/", "http://ntfy.corp.example:443/", "http://127.0.0.1/",
        "https://127.0.0.1:8443/", "http://127.0.0.1:5432/", "http://a.lab.example:22/", "http://[::1]/",
    ],
)  # fmt: skip
def test_what_leads_inside_or_nowhere_is_refused(url: str) -> None:
    """In every notation, also where some hosts are let inside."""
    with pytest.raises(ValueError, match=r"is|holds|writes|cannot|Port|Invalid"):
        host_of(url, private_hosts=INSIDE)


def test_a_list_of_hosts_takes_no_others() -> None:
    """A star stands for names below, not for the name itself, and not for names that only end alike."""
    hosts = ("push.example.org", "*.push.example.net")
    assert is_listed("https://PUSH.example.org./", hosts)
    assert is_listed("https://a.b.push.example.net/", hosts)
    for other in ("push.example.net", "evilpush.example.net", "push.example.org.evil.example", "example.org"):
        assert not is_listed(f"https://{other}/", hosts)
        with pytest.raises(ValueError, match="do not list"):
            host_of(f"https://{other}/", private_hosts=(), hosts=hosts)


def test_a_listed_host_is_listed_with_one_port() -> None:
    """That of the scheme, or those that the list names: nothing else that listens there is for us."""
    hosts = ("push.example.org", "*.example.net:8443")
    for url in ("https://push.example.org:443/", "http://push.example.org:80/", "https://a.example.net:8443/"):
        assert is_listed(url, hosts)
    for url in (
        "https://push.example.org:80/", "https://push.example.org:22/", "http://push.example.org:443/",
        "https://a.example.net/", "https://a.example.net:8444/", "https://push.example.org:x/", "https://[::1",
    ):  # fmt: skip
        assert not is_listed(url, hosts)
    with pytest.raises(ValueError, match="do not list"):
        host_of("https://push.example.org:9200/", private_hosts=(), hosts=hosts)
