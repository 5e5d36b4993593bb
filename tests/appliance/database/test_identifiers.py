"""Identifiers are UUIDv7: they sort by the time they were made."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from uuid import RFC_4122

from appliance.database.identifiers import uuid7, uuid7s


def test_an_identifier_is_a_version_7_uuid_of_this_moment() -> None:
    """RFC 9562 section 5.7: version, variant and milliseconds."""
    before = time.time_ns() // 1_000_000
    made = uuid7()
    after = time.time_ns() // 1_000_000
    assert (made.version, made.variant) == (7, RFC_4122)
    assert before <= made.int >> 80 <= after


def test_identifiers_sort_by_their_milliseconds() -> None:
    """As numbers and as text, which is how the database and JSON compare them."""
    made = [uuid7(milliseconds) for milliseconds in (0, 1, 1_800_000_000_000, 1_800_000_000_001, 2**48 - 1)]
    assert made == sorted(made)
    assert [str(one) for one in made] == sorted(str(one) for one in made)
    assert uuid7(2**48).int >> 80 == 0


def test_identifiers_of_one_millisecond_ascend() -> None:
    """So entries of one commit keep their order; version and variant are always there."""
    made = [uuid7(1) for _ in range(20_000)]
    assert made == sorted(set(made))
    assert {(one.version, one.variant, one.int >> 80) for one in made} == {(7, RFC_4122, 1)}


def test_identifiers_cannot_be_guessed_from_one_another() -> None:
    """Random to begin with, raised by random steps, in threads too."""
    first = {uuid7(stamp).int & (1 << 62) - 1 for stamp in range(1000)}
    assert len(first) == 1000
    made = [uuid7(2).int & (1 << 62) - 1 for _ in range(1000)]
    assert len({later - earlier for earlier, later in pairwise(made)}) > 990
    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(lambda _: uuid7(3), range(20_000)))) == 20_000


def test_many_at_once_go_on_where_single_ones_ended() -> None:
    """A batch of one moment keeps its order, before and after single ones of the same."""
    before = uuid7(1_000_000)
    many = uuid7s(1000, 1_000_000)
    after = uuid7(1_000_000)
    assert [before, *many, after] == sorted({before, *many, after})
    assert {(each.version, each.int >> 80) for each in many} == {(7, 1_000_000)}
    assert uuid7s(0) == []
