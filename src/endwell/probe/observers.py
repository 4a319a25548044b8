"""Which observer watches a container: the best one that works here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from endwell.engine.interruptions import for_threads
from endwell.model.timeline import Witness
from endwell.probe.observer import Observation, ObserverError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from endwell.probe.observer import Observer

NAMES = ("auto", "tracefs", "seccomp")
# What one back end advises where the other one would do.
OTHERWISE = re.compile(r"(, or|;) take --observer seccomp")


class NoObserver:
    """Sees nothing: for a control run, and where nothing else is possible."""

    name = "none"
    listener = None
    born = 0

    def follow(self, pid: int, argv: Sequence[str] = ()) -> None:
        """Do nothing."""

    def entered(self, pid: int, argv: Sequence[str]) -> None:
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
        ObserverError: the one that was asked for, or every one, does not work here.
    """
    if name == "none":
        return NoObserver()
    with for_threads():
        return _of_an_engine(name, engine) if engine != "local" else _local(name)


def _local(name: str) -> Observer:
    """Either will do."""
    if name != "auto":
        return _make(name).__enter__()
    refused: list[str] = []
    for one in ("tracefs", "seccomp"):
        try:
            return _make(one).__enter__()
        except ObserverError as error:
            refused.append(str(error))
    raise ObserverError("; and ".join(refused))


def _of_an_engine(name: str, engine: str) -> Observer:
    """Seccomp is not for containers that an engine starts."""
    if name == "seccomp":
        raise ObserverError(
            f"cannot observe a container of {engine} with seccomp: its filter has to be in place before the "
            "start; run as root (sudo), for tracefs"
        )
    try:
        return _make("tracefs").__enter__()
    except ObserverError as error:
        why = OTHERWISE.sub("", str(error)).removeprefix("cannot observe ")
        raise ObserverError(f"cannot observe a container of {engine} {why}") from error


def _make(name: str) -> Observer:
    if name == "tracefs":
        from endwell.probe.tracefs import TracefsObserver  # noqa: PLC0415  one back end is loaded, not both

        return TracefsObserver()
    from endwell.probe.seccomp import SeccompObserver  # noqa: PLC0415  likewise

    return SeccompObserver()
