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

    def watch(self, call: Callable[[str, bytes], None]) -> None:
        """As `Outlets.watch`; a stream that goes nowhere is not seen, unless readiness is told by it."""
        for stream, reader in self._readers.items():
            reader.taps.append(partial(call, stream))

    def close(self) -> None:
        """As `Outlets.close`."""
        descriptors, self._descriptors = self._descriptors, {}
        for descriptor in descriptors.values():
            os.close(descriptor)

    def ended(self) -> None:
        """As `Outlets.ended`."""
        for reader in self._readers.values():
            reader.ended()
