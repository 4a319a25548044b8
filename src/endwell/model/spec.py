"""What is to be run: a container in Docker's words."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from endwell.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from endwell.model.signals import Signal

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """A container before it is started; None and empty mean the image's own value, or Docker's default.

    Args:
        command: what runs as PID 1: the words after the entrypoint, or all of them where there is no image.
        image: the name of the image; empty where the engine needs none.
        entrypoint: instead of the image's.
        init: an init and its options that stands in front of all of it.
        environment: in addition to PATH and HOME, and to the image's.
        directory: the working directory.
        user: a name or number, or two with a colon between them.
        terminal: whether it has a terminal of its own, as with `docker run -t`.
        interactive: whether standard input stays open, as with `docker run -i`; otherwise it is /dev/null.
        stop_signal: instead of the image's, and of SIGTERM.
        grace: seconds from the stop signal to SIGKILL; None means the engine's own, 10 s.
        mounts: files and directories of the host that it sees, read-only, under the same path.
        network: the engine's name of a network: none, host.
    """

    command: tuple[str, ...] = ()
    image: str = ""
    entrypoint: tuple[str, ...] | None = None
    init: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    directory: str | None = None
    user: str | None = None
    terminal: bool = False
    interactive: bool = False
    stop_signal: Signal | None = None
    grace: float | None = None
    mounts: tuple[str, ...] = ()
    network: str | None = None
