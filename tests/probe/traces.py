"""What a run of ours may leave behind, found by a mark in the environment of its own processes alone."""

from __future__ import annotations

import os
import secrets
import select
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from endwell.records import dataclass, field
from endwell.system import tracefs

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "ENDWELL_TEST_MARK"


@dataclass(frozen=True, slots=True)
class Traces:
    """The traces of one run, whose temporary files go to `directory`."""

    directory: Path
    mark: str = field(default_factory=lambda: secrets.token_hex(8))
    mounts: frozenset[str] = field(default_factory=lambda: frozenset(_mounts()))
    instances: frozenset[str] = field(default_factory=lambda: frozenset(_instances()))

    @property
    def environment(self) -> dict[str, str]:
        """What our own process gets."""
        return {**os.environ, NAME: self.mark, "TMPDIR": str(self.directory)}

    @property
    def options(self) -> tuple[str, ...]:
        """What gives the mark to the container."""
        return ("--env", f"{NAME}={self.mark}")

    def processes(self) -> set[int]:
        """Return who carries the mark, but for ourselves."""
        wanted = f"{NAME}={self.mark}".encode()
        found = set()
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.add(int(entry.name))
        return found - {os.getpid()}

    def left(self, pid: int) -> list[str]:
        """Return what is left of a run whose own process was `pid`, and which has ended."""
        return [
            *(f"process {one}: {_command(one)}" for one in self.processes()),
            *(f"mount {one}" for one in _mounts() - self.mounts),
            *(
                f"instance {one}"
                for one in _instances() - self.instances
                if one.startswith(f"{tracefs.PREFIX}-{pid}-")
            ),
            *(f"file {one}" for one in self.directory.iterdir()),
        ]

    def wait_until_gone(self, limit: float = 20.0) -> None:
        """Return when nobody carries the mark any more: the kernel ends them by itself, in its own time."""
        for pid in self.processes():
            with suppress(OSError):
                descriptor = os.pidfd_open(pid)
                try:
                    poll = select.poll()
                    poll.register(descriptor, select.POLLIN)
                    assert poll.poll(limit * 1000), f"{pid} is still there: {_command(pid)}"
                finally:
                    os.close(descriptor)


def instances() -> set[str]:
    """Return the trace instances of endwell's, of everybody."""
    return _instances()


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
    return "?"


def _mounts() -> set[str]:
    """Return the mounts of the kinds we make."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return {line for line in lines if line.partition(" - ")[2].split()[0] in {"proc", "tracefs"}}


def _instances() -> set[str]:
    return set(_names()) if os.geteuid() == 0 else set()


def _names() -> Iterator[str]:
    root = tracefs._mount()
    try:
        directory = os.open("instances", os.O_RDONLY | os.O_DIRECTORY, dir_fd=root)
        try:
            found = os.listdir(directory)  # noqa: PTH208  pathlib knows no descriptors
            yield from (one for one in found if one.startswith(tracefs.PREFIX))
        finally:
            os.close(directory)
    finally:
        os.close(root)
