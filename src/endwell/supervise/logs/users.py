"""Who writes to which place: those who are alone there, and those who share it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.service import Stream

if TYPE_CHECKING:
    from endwell.model.service import Log, ServiceSpec
    from endwell.supervise.logs.places import Place, Places


class Users:
    """Of all places.

    Args:
        places: where logs go.
    """

    def __init__(self, places: Places) -> None:
        self._places = places
        self._streams: dict[Place, set[tuple[str, int, Stream]]] = {}
        self._labels: set[tuple[Place, str]] = set()

    def __contains__(self, place: Place) -> bool:
        return place in self._streams

    @property
    def width(self) -> int:
        """How many characters the longest name on the container's own output has."""
        return max((len(label) for place, label in self._labels if isinstance(place, Stream)), default=0)

    def of(self, spec: ServiceSpec) -> list[tuple[Stream, Log, Place | None]]:
        """Return where each stream of a replica goes; None: nowhere."""
        return [(stream, log, self._places.of(log, stream)) for stream, log in _logs(spec)]

    def add(self, spec: ServiceSpec) -> list[tuple[Stream, Log, Place | None]]:
        """As `of`, and take note of that."""
        found = self.of(spec)
        for stream, _, place in found:
            if place is not None:
                self._streams.setdefault(place, set()).add((*spec.key, stream))
                self._labels.add((place, spec.label))
        return found

    def alone(self, place: Place) -> bool:
        """Whether one stream of one replica is all that goes there."""
        return len(self._streams[place]) == 1

    def knows(self, place: Place, label: str) -> bool:
        """Whether a replica of this label writes there."""
        return (place, label) in self._labels

    def clear(self) -> None:
        """Forget all."""
        self._streams.clear()
        self._labels.clear()


def _logs(spec: ServiceSpec) -> tuple[tuple[Stream, Log], ...]:
    if spec.stderr is None:
        return ((Stream.STDOUT, spec.stdout),)
    return (Stream.STDOUT, spec.stdout), (Stream.STDERR, spec.stderr)
