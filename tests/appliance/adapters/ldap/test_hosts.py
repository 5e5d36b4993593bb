"""Which host is asked."""

from appliance.adapters.ldap.hosts import Hosts
from appliance.clock import utc_now
from appliance.identity.directories.records import HostState


class _Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _hosts(ticks: _Time) -> Hosts:
    return Hosts(("ldaps://a", "ldaps://b"), 30.0, clock=utc_now, ticks=ticks)


def test_a_failed_host_is_left_alone_for_exactly_as_long_as_configured() -> None:
    """The order of the configuration holds, but hosts that cool down come last."""
    ticks = _Time()
    hosts = _hosts(ticks)
    first, _ = hosts.in_order()
    hosts.failed(first, "no")
    assert [host.url for host in hosts.in_order()] == ["ldaps://b", "ldaps://a"]
    ticks.now += 29.9
    assert [host.url for host in hosts.in_order()] == ["ldaps://b", "ldaps://a"]
    ticks.now += 0.1
    assert [host.url for host in hosts.in_order()] == ["ldaps://a", "ldaps://b"]


def test_when_all_have_failed_each_is_tried_by_one_at_a_time() -> None:
    """A hanging host takes one thread, not all of them; the oldest failure comes first."""
    ticks = _Time()
    hosts = _hosts(ticks)
    first, second = hosts.in_order()
    hosts.failed(second, "no")
    ticks.now += 1
    hosts.failed(first, "no")
    assert hosts.in_order() == (second, first)
    assert (hosts.enter(second), hosts.enter(second)) == (True, False)
    hosts.failed(second, "no")
    assert hosts.enter(second)
    hosts.succeeded(second)
    assert (hosts.enter(second), hosts.enter(second)) == (True, True)


def test_a_host_that_failed_is_tried_by_one_until_it_works() -> None:
    """Also after its cool-down, but a long conversation keeps nobody else from it for ever."""
    ticks = _Time()
    hosts = _hosts(ticks)
    first, second = hosts.in_order()
    hosts.failed(first, "no")
    ticks.now += 30
    assert hosts.in_order() == (first, second)
    assert (hosts.enter(first), hosts.enter(first), hosts.enter(second)) == (True, False, True)
    ticks.now += 10
    assert (hosts.enter(first), hosts.enter(first)) == (True, False)


def test_nobody_needs_to_ask_while_every_host_is_being_tried() -> None:
    """All of them have failed, and for each there is somebody who finds out."""
    ticks = _Time()
    hosts = _hosts(ticks)
    first, second = hosts.in_order()
    hosts.failed(first, "no")
    hosts.failed(second, "no")
    seen = [hosts.are_resting]
    for host in (first, second):
        assert hosts.enter(host)
        seen.append(hosts.are_resting)
    hosts.succeeded(second)
    assert [*seen, hosts.are_resting] == [False, False, True, False]


def test_the_status_tells_what_happened() -> None:
    """Unknown at first, up after a success, cooling after a failure, with the last words kept."""
    ticks = _Time()
    hosts = _hosts(ticks)
    first, second = hosts.in_order()
    assert [status.state for status in hosts.status()] == [HostState.UNKNOWN, HostState.UNKNOWN]
    hosts.succeeded(first)
    hosts.failed(second, "certificate has expired")
    up, cooling = hosts.status()
    assert (up.state, up.last_ok_at is not None, up.last_error) == (HostState.UP, True, "")
    assert (cooling.state, cooling.last_error) == (HostState.COOLING, "certificate has expired")
    assert cooling.cooling_until is not None
    ticks.now += 31
    assert hosts.status()[1].state is HostState.UNKNOWN
