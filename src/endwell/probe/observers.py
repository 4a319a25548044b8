"""Which observer watches a container: the best one that works here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.timeline import Witness
from endwell.probe.observer import Observation, ObserverError

if TYPE_CHECKING:
    from typing import Self

    from endwell.probe.observer import Observer

NAMES = ("auto", "tracefs", "seccomp")


class NoObserver:
    """Sees nothing: for a control run, and where nothing else is possible."""

    name = "none"
    listener = None
    born = 0

    def follow(self, pid: int) -> None:
        """Do nothing."""

    def hurry(self) -> None:
        """Do nothing."""

    def finish(self) -> Observation:
        """Return no event."""
        return Observation((), Witness("none", 0, ("it saw no process, only the container's own end",)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Do nothing."""


def enter(name: str, engine: str) -> Observer:
    """Return an observer that is ready to watch; `auto` takes the first one that works with the engine.

    Raises:
        ObserverError: the one that was asked for does not work here.
    """
    if name == "none":
        return NoObserver()
    refused: list[str] = []
    for one in ("tracefs", "seccomp") if name == "auto" else (name,):
        try:
            return _enter(one, engine)
        except ObserverError as error:
            if name != "auto":
                raise
            refused.append(str(error))
    raise ObserverError("; and ".join(refused))


def _enter(name: str, engine: str) -> Observer:
    if name == "tracefs":
        from endwell.probe.tracefs import TracefsObserver  # noqa: PLC0415  one back end is loaded, not both

        return TracefsObserver().__enter__()
    if engine != "local":
        raise ObserverError(
            f"cannot observe a container of {engine} with seccomp: its filter has to be in place before the "
            "start; run as root, for tracefs"
        )
    from endwell.probe.seccomp import SeccompObserver  # noqa: PLC0415  likewise

    return SeccompObserver().__enter__()
