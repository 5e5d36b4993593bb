"""The Merkle tree against the published vectors, and its proofs against all small trees."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.ledger.proofs import proof_path
from appliance.ledger.tree import (
    EMPTY_ROOT,
    Frontier,
    consistency_ranges,
    inclusion_ranges,
    is_consistent,
    leaf_hash,
    node_hash,
    root_from_inclusion,
    split,
)

# The eight leaves of the reference tree of Certificate Transparency (RFC 6962), and its roots of size 1 to 8.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
LARGEST = 33


def tree_of(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, word for word."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    middle = split(0, len(leaves))
    return node_hash(tree_of(leaves[:middle]), tree_of(leaves[middle:]))


def grown(leaves: list[bytes]) -> Frontier:
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf_hash(leaf))
    return frontier


def numbered(count: int) -> list[bytes]:
    return [str(number).encode() for number in range(count)]


def test_the_empty_tree_is_the_hash_of_nothing() -> None:
    """RFC 6962 section 2.1."""
    assert Frontier().root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_reference_tree(size: int) -> None:
    """Sizes one to eight."""
    assert grown(LEAVES[:size]).root().hex() == tree_of(LEAVES[:size]).hex() == ROOTS[size - 1]


def test_proofs_are_those_of_the_reference_tree() -> None:
    """Known inclusion paths (leaf 0 of 8, leaf 5 of 8, leaf 2 of 3) and consistency proofs (1 to 8, 6 to 8, 2 to 5)."""

    def hashes(ranges: list[tuple[int, int]]) -> list[str]:
        return [tree_of(LEAVES[start:end]).hex()[:8] for start, end in ranges]

    assert hashes(inclusion_ranges(0, 8)) == ["96a296d2", "5f083f0a", "6b47aaf2"]
    assert hashes(inclusion_ranges(5, 8)) == ["bc1a0643", "ca854ea1", "d37ee418"]
    assert hashes(inclusion_ranges(2, 3)) == ["fac54203"]
    assert hashes(consistency_ranges(1, 8)) == ["96a296d2", "5f083f0a", "6b47aaf2"]
    assert hashes(consistency_ranges(6, 8)) == ["0ebc5d34", "ca854ea1", "d37ee418"]
    assert hashes(consistency_ranges(2, 5)) == ["5f083f0a", "bc1a0643"]


def test_a_frontier_grows_from_its_state_as_if_it_had_never_stopped() -> None:
    """Every size and every later size give the same root as the definition."""
    leaves = numbered(LARGEST)
    for size in range(LARGEST):
        resumed = Frontier.from_state(size, grown(leaves[:size]).state())
        for leaf in leaves[size:]:
            resumed.append(leaf_hash(leaf))
        assert resumed.root() == tree_of(leaves)


@pytest.mark.parametrize(("size", "state"), [(1, b""), (0, b"x" * 32), (3, b"x" * 32), (2, b"x" * 31)])
def test_a_state_that_cannot_be_a_frontier_is_refused(size: int, state: bytes) -> None:
    """Too few nodes, too many, cut ones."""
    with pytest.raises(ValueError, match="cannot be the frontier"):
        Frontier.from_state(size, state)


def test_every_leaf_is_proved_in_every_tree_and_no_other_leaf_is() -> None:
    """All sizes to 33; a wrong index, size, leaf or step leads elsewhere."""
    leaves = numbered(LARGEST)
    for size in range(1, LARGEST + 1):
        root = tree_of(leaves[:size])
        for index in range(size):
            path = [tree_of(leaves[start:end]) for start, end in inclusion_ranges(index, size)]
            leaf = leaf_hash(leaves[index])
            assert root_from_inclusion(index, size, leaf, path) == root
            assert root_from_inclusion(index, size, leaf_hash(b"other"), path) != root
            assert root_from_inclusion(index, size, leaf, [*path, root]) is None
            assert not path or root_from_inclusion(index, size, leaf, path[:-1]) != root
            others = set(range(size)) - {index}
            assert not any(root_from_inclusion(other, size, leaf, path) == root for other in others)
    assert root_from_inclusion(1, 1, leaf_hash(b""), []) is None
    assert root_from_inclusion(-1, 1, leaf_hash(b""), []) is None


def test_paths_come_from_any_earlier_frontier_and_the_leaves_after_it() -> None:
    """What `entry_detail` reads is enough for every leaf, wherever the sealer stopped before."""
    leaves = numbered(LARGEST)
    hashes = [leaf_hash(leaf) for leaf in leaves]
    for size in (1, 2, 7, 8, 20, LARGEST):
        for index in range(size):
            wanted = tuple(tree_of(leaves[start:end]) for start, end in inclusion_ranges(index, size))
            for before in range(index + 1):
                assert proof_path(index, size, grown(leaves[:before]), hashes[before:size]) == wanted


def test_a_path_over_missing_leaves_is_refused() -> None:
    """A gap must not become a proof of something else."""
    hashes = [leaf_hash(leaf) for leaf in numbered(8)]
    with pytest.raises(LookupError):
        proof_path(2, 8, Frontier(), hashes[:7])


@given(st.integers(0, 200), st.integers(0, 200))
def test_a_tree_is_consistent_with_its_own_past_only(old: int, new: int) -> None:
    """Proofs of any two sizes; another past is refused."""
    old, new = sorted((old, new))
    leaves = numbered(new)
    path = [tree_of(leaves[start:end]) for start, end in consistency_ranges(old, new)]
    old_root, new_root = tree_of(leaves[:old]), tree_of(leaves)
    assert is_consistent(old, new, old_root, new_root, path)
    assert not is_consistent(old, new, leaf_hash(b"x"), new_root, path)
    assert not is_consistent(old, new, old_root, leaf_hash(b"x"), path) or old == 0
    assert not is_consistent(old, new, old_root, new_root, [*path, new_root])
    if path:
        assert not is_consistent(old, new, old_root, new_root, path[:-1])


def test_impossible_consistency_is_refused() -> None:
    """A shrinking tree, a negative size, a proof without steps."""
    root = tree_of(numbered(4))
    assert not is_consistent(5, 4, root, root, [])
    assert not is_consistent(-1, 4, root, root, [root])
    assert not is_consistent(3, 4, root, root, [])


@given(st.integers(0, 2**40))
def test_the_ranges_of_a_frontier_cover_the_tree(size: int) -> None:
    """Without gap, largest first."""
    frontier = Frontier(size, [bytes(32)] * size.bit_count())
    ranges = list(frontier.ranges())
    assert sum(end - start for start, end in ranges) == size
    assert all(first[1] == second[0] for first, second in pairwise(ranges))
