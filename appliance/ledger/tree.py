"""The Merkle tree of RFC 6962 section 2.1: hashes, growing roots, and proofs that outsiders can check."""

from collections.abc import Iterable, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
Range = tuple[int, int]  # leaves [start, end)


def leaf_hash(data: bytes) -> bytes:
    """Hash of a leaf; the prefix keeps a leaf from passing for an inner node."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The roots of the perfect subtrees that make up a tree, largest first: enough to grow it and to know its root."""

    def __init__(self, size: int = 0, nodes: Iterable[bytes] = ()) -> None:
        self.size = size
        self._nodes = list(nodes)
        if len(self._nodes) != size.bit_count() or any(len(node) != HASH_BYTES for node in self._nodes):
            message = f"{len(self._nodes)} nodes cannot be the frontier of {size} leaves"
            raise ValueError(message)

    @classmethod
    def from_state(cls, size: int, state: bytes) -> "Frontier":
        """The frontier of `size` leaves that `state()` wrote; ValueError if it cannot be that."""
        return cls(size, (state[at : at + HASH_BYTES] for at in range(0, len(state), HASH_BYTES)))

    def state(self) -> bytes:
        """32 bytes per node, largest subtree first."""
        return b"".join(self._nodes)

    def append(self, leaf: bytes) -> None:
        """Add the hash of one leaf at the right."""
        node, size, nodes = leaf, self.size, self._nodes
        while size & 1:
            node = sha256(b"\x01" + nodes.pop() + node).digest()
            size >>= 1
        nodes.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The root of the tree as it is now."""
        if not self._nodes:
            return EMPTY_ROOT
        root = self._nodes[-1]
        for node in reversed(self._nodes[:-1]):
            root = node_hash(node, root)
        return root

    def ranges(self) -> dict[Range, bytes]:
        """Each subtree's leaves and its root."""
        found, start, rest = {}, 0, self.size
        for node in self._nodes:
            width = 1 << (rest.bit_length() - 1)
            found[start, start + width] = node
            start, rest = start + width, rest - width
        return found


def split(start: int, end: int) -> int:
    """Where RFC 6962 divides the leaves [start, end), at least two: after the largest power of two below it."""
    return start + (1 << ((end - start - 1).bit_length() - 1))


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The subtrees whose roots prove that leaf `index` is in a tree of `size`, from the leaf up."""
    start, end, path = 0, size, []
    while end - start > 1:
        middle = split(start, end)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start = middle
    return path[::-1]


def consistency_ranges(old: int, new: int) -> list[Range]:
    """The subtrees whose roots prove that a tree of `new` leaves begins with one of `old` (RFC 6962 section 2.1.2)."""
    if old in {0, new}:
        return []
    start, end, path, is_whole = 0, new, [], True
    while old != end:
        middle = split(start, end)
        if old <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((start, middle))
            start, is_whole = middle, False
    if not is_whole:
        path.append((start, end))
    return path[::-1]


def root_from_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to (RFC 9162 section 2.1.3.2); None if the path has the wrong length."""
    if not 0 <= index < size:
        return None
    node, last, root = index, size - 1, leaf
    for step in path:
        if last == 0:
            return None
        if node & 1 or node == last:
            root = node_hash(step, root)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            root = node_hash(root, step)
        node, last = node >> 1, last >> 1
    return root if last == 0 else None


def is_consistent(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether `path` proves that the tree of `new` leaves begins with that of `old` (RFC 9162 section 2.1.4.2)."""
    if old == new:
        return not path and old_root == new_root
    if old == 0:
        return not path and old_root == EMPTY_ROOT
    if not 0 < old < new:
        return False
    steps = list(path) if old & (old - 1) else [old_root, *path]
    if not steps:
        return False
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, step)
        node, last = node >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root
