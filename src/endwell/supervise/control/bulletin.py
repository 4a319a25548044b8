"""What is new, for those among the clients who wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from endwell.machine.act import Act


class Bulletin:
    """A listener of the supervisor's, with listeners of its own that come and go."""

    def __init__(self) -> None:
        self._readers: dict[Callable[[Act], None], None] = {}
        self._watchers: dict[Callable[[], None], None] = {}
        self._last: dict[Callable[[], None], None] = {}

    def __call__(self, act: Act) -> None:
        """Take what is new."""
        for reader in tuple(self._readers):
            if reader in self._readers:
                reader(act)

    def read(self, reader: Callable[[Act], None]) -> Callable[[], None]:
        """Tell somebody what is new from now on; returns what ends that."""
        self._readers[reader] = None
        return lambda: self._forget(reader)

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Tell somebody when a client has asked for something that may be no news; returns what ends that."""
        self._watchers[watcher] = None
        return lambda: self._forget_watcher(watcher)

    def at_end(self, call: Callable[[], None]) -> Callable[[], None]:
        """Tell somebody when all is over and all output was read; returns what ends that."""
        self._last[call] = None
        return lambda: self._forget_last(call)

    def end(self) -> None:
        """All is over."""
        for call in tuple(self._last):
            if call in self._last:
                call()

    def asked(self) -> None:
        """Take note that a client has had its way."""
        for watcher in tuple(self._watchers):
            if watcher in self._watchers:
                watcher()

    def _forget(self, reader: Callable[[Act], None]) -> None:
        self._readers.pop(reader, None)

    def _forget_last(self, call: Callable[[], None]) -> None:
        self._last.pop(call, None)

    def _forget_watcher(self, watcher: Callable[[], None]) -> None:
        self._watchers.pop(watcher, None)
