"""What backups need of the outside."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

from appliance.backups.records import Stored


class Readable(Protocol):
    """Something that is read from the beginning to the end, once."""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; empty at the end."""
        ...


class Store(Protocol):
    """A place outside of the database where whole objects are kept; every method blocks, and is called in a thread.

    Every method raises StoreUnreachableError if the store does not answer and StoreRefusedError if it refuses.
    """

    @property
    def place(self) -> str:
        """What to call it towards people; holds no secret."""
        ...

    def put(self, name: str, content: Readable) -> int:
        """Keep an object under a name that is free or is replaced, whole or not at all; the bytes stored.

        What `content` raises while it is read is raised again, and then nothing is kept.
        """
        ...

    def get(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Read an object.

        Raises:
            ObjectMissingError: there is none of this name.
        """
        ...

    def list(self, prefix: str) -> Iterator[Stored]:
        """Objects whose names begin so, in the order of their names."""
        ...

    def delete(self, names: Iterable[str]) -> int:
        """Delete objects with the credential that may; how many are gone. One that is not there counts as gone."""
        ...

    @property
    def may_delete(self) -> bool:
        """Whether there is a credential for deleting."""
        ...
