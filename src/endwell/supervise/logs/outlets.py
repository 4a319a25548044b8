"""What one process gets for its descriptors 1 and 2, when both are read by us."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.supervise.logs.reader import Reader


class PipeOutlets:
    """The `Outlets` of one process: the ends of pipes, or /dev/null for what goes nowhere."""

    def __init__(self) -> None:
        self._done: list[Callable[[], None]] = []
        self._descriptors: dict[str, int] = {}
        self._readers: dict[str, Reader] = {}

    @property
    def stdout(self) -> int:
        """As `Outlets.stdout`."""
        return self._descriptors["stdout"]

    @property
    def stderr(self) -> int:
        """As `Outlets.stderr`."""
        return self._descriptors.get("stderr", self.stdout)

    def add(self, stream: str, descriptor: int, reader: Reader | None) -> None:
        """Take one stream's end, and who reads it; without stderr that goes with stdout."""
        self._descriptors[stream] = descriptor
        if reader is not None:
            self._readers[stream] = reader

    def watch(self, call: Callable[[str, bytes], None], done: Callable[[], None] | None = None) -> None:
        """As `Outlets.watch`; a stream that goes nowhere is not seen, unless readiness is told by it."""
        if done is not None:
            self._done.append(done)
        for stream, reader in self._readers.items():
            reader.taps.append(partial(call, stream))

    def heed(self, stream: str, call: Callable[[bytes], None]) -> None:
        """As `Outlets.heed`."""
        if (reader := self._readers.get(stream)) is not None:
            reader.messages.append(call)

    def follow(self, stream: str, call: Callable[[bytes], None]) -> None:
        """As `Outlets.follow`."""
        if (reader := self._readers.get(stream)) is not None:
            reader.followers.append(call)

    def close(self) -> None:
        """As `Outlets.close`."""
        descriptors, self._descriptors = self._descriptors, {}
        for descriptor in descriptors.values():
            os.close(descriptor)

    def ended(self) -> None:
        """As `Outlets.ended`."""
        for reader in self._readers.values():
            reader.ended()
        for done in self._done:
            done()
