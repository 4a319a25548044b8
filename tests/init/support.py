"""An endwell-init under observation: where it runs, what its command says, and how it ends.

Nothing here waits for time: a test waits for lines of the command, for words on the standard error, or for
the end. Every init lives in a PID namespace of its own, so that nothing of a test outlives it.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import os
import select
import shlex
import signal
import subprocess
import sys
import termios
import time
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import pytest

from endwell.records import dataclass
from tests.init import namespaces
from tests.init.builds import ROOT, shipped
from tests.init.namespaces import Proc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PATIENCE: Final = 10.0
"""Seconds after which a fact will not come any more; a passing test never waits for it."""
PRELUDE: Final = Path(__file__).parent / "guests" / "prelude.py"


class Place(Enum):
    """What the init is to its PID namespace."""

    PID_1 = "PID 1"
    BELOW = "below another PID 1"


everywhere: Final = pytest.mark.parametrize("place", list(Place), ids=[place.value for place in Place])
needs_root: Final = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: other users, mounts or cgroups")


def guest(body: str) -> tuple[str, ...]:
    """The command that runs `body` with the words of guests/prelude.py."""
    return (sys.executable, "-I", "-S", "-c", f"{PRELUDE.read_text()}\n{body}")


def shell(script: str) -> tuple[str, ...]:
    """The command that runs a shell script."""
    return ("/bin/sh", "-c", script)


@functools.cache
def compiled(name: str) -> str:
    """The path of a guest written in C, compiled."""
    source = PRELUDE.with_name(f"{name}.c")
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    target = ROOT / ".pytest_cache" / "builds" / digest[:16] / name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        growing = target.with_name(f"growing-{os.getpid()}")  # another test run may be building the same
        compiler = shlex.split(os.environ.get("CC", "cc"))
        flags = ("-O1", "-static", "-Wall", "-Wextra")
        subprocess.run([*compiler, *flags, str(source), "-o", str(growing)], check=True)
        growing.replace(target)
    return str(target)


class Ended(NamedTuple):
    """An init that has ended: its exit status (negative: the signal that ended it), and what was written."""

    status: int
    out: str
    err: str


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What the caller of the init has prepared; a descriptor that is None is ours: a pipe, or /dev/null."""

    place: Place = Place.PID_1
    proc: Proc = Proc.OWN
    environment: Mapping[str, str] | None = None
    directory: Path | None = None
    stdin: int | None = None
    stdout: int | None = None
    stderr: int | None = None
    keep: Sequence[int] = ()
    terminal: int | None = None
    prepare: Callable[[], None] | None = None
    program: str | None = None  # instead of the init, which is then among the words


class Init:
    """One run of endwell-init with these words; the keyword arguments are those of `Situation`.

    Args:
        words: options, and the command.
    """

    def __init__(self, *words: str, **given: object) -> None:
        situation = Situation(**given)  # type: ignore[arg-type]
        self.out = b""
        self.err = b""
        self._consumed: list[str] = []
        self._result: int | None = None
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        self._streams = {out_read: "out", err_read: "err"}
        null = os.open(os.devnull, os.O_RDWR)
        ours = (null, out_write, err_write)
        if situation.terminal is not None:
            ours = (situation.terminal,) * 3
        theirs = (situation.stdin, situation.stdout, situation.stderr)
        standard = [ours[i] if theirs[i] is None else theirs[i] for i in range(3)]
        path = situation.program or str(shipped())
        argv = [path, *words]

        program = os.open(path, os.O_RDONLY)  # whoever the init will be, it may not be able to see the path

        def become() -> None:
            self._prepare(situation, standard)
            os.execve(program, argv, self._environment(situation))  # noqa: S606

        self._member = namespaces.start(become, proc=situation.proc, below=situation.place is Place.BELOW)
        self.pid = self._member.pid
        for descriptor in (out_write, err_write, null, program):
            os.close(descriptor)

    @staticmethod
    def _environment(situation: Situation) -> dict[str, str]:
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **(situation.environment or {})}

    @staticmethod
    def _prepare(situation: Situation, standard: Sequence[int | None]) -> None:
        namespaces.close_on_exec(3)  # what whoever runs the tests has left open
        copies = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100) for fd in standard if fd is not None]
        for target, copy in enumerate(copies):
            os.dup2(copy, target)
        if situation.terminal is not None:
            with contextlib.suppress(PermissionError):  # as PID 1 it leads one already
                os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        for descriptor in situation.keep:
            os.set_inheritable(descriptor, True)  # noqa: FBT003 - the name of the function says what is true
        if situation.directory is not None:
            os.chdir(situation.directory)
        if situation.prepare is not None:
            situation.prepare()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._member.close()
        for descriptor in self._streams:
            os.close(descriptor)
        self._streams = {}

    def send(self, *numbers: int) -> None:
        """Send the init these signals, in this order; one that has ended is no error."""
        for number in numbers:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._member.pidfd, number)

    @property
    def lines(self) -> list[str]:
        """The lines that the command and its workers have said so far, as far as they were read."""
        return self.out.decode(errors="replace").splitlines()

    def expect(self, *lines: str) -> None:
        """Wait until each of these lines was said, in whatever order; each line counts once."""
        for line in lines:
            self._until(lambda line=line: self._new(line), f"the line {line!r}")  # type: ignore[misc]
            self._consumed.append(line)

    def complains(self, words: str) -> None:
        """Wait until these words stand on the standard error."""
        self._until(lambda: words in self.err.decode(errors="replace"), f"{words!r} on stderr")

    def end(self) -> Ended:
        """Wait for its end and for the end of all that it or others of its tree write."""
        self._until(lambda: self._member.ended(0), "its end")
        self._until(lambda: not self._streams, "the end of its output")
        return self._ended()

    def left(self) -> int:
        """Wait for its end, whoever goes on; returns its exit status."""
        self._until(lambda: self._member.ended(0), "its end")
        return self._ended().status

    def _ended(self) -> Ended:
        out, err = (text.decode(errors="replace") for text in (self.out, self.err))
        return Ended(self._member.status(), out, err)

    def _new(self, line: str) -> bool:
        return self.lines.count(line) > self._consumed.count(line)

    def _until(self, fact: Callable[[], bool], name: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not fact():
            if not self._read(deadline) and not fact():
                said = f"said {self.lines[-40:]}, on stderr {self.err.decode(errors='replace')[-2000:]!r}"
                raise AssertionError(f"{name} did not come: {said}")

    def _read(self, deadline: float) -> bool:
        """Wait for more of anything; False when the deadline has come, or nothing more can."""
        poll = select.poll()
        for descriptor in self._streams:
            poll.register(descriptor, select.POLLIN)
        if not self._member.ended(0):
            poll.register(self._member.pidfd, select.POLLIN)
        elif not self._streams:
            return False
        events = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
        for descriptor, _ in events:
            if descriptor not in self._streams:
                continue
            chunk = os.read(descriptor, 65536)
            if chunk:
                name = self._streams[descriptor]
                setattr(self, name, getattr(self, name) + chunk)
            else:
                os.close(descriptor)
                del self._streams[descriptor]
        return bool(events)


def run(*words: str, **given: object) -> Ended:
    """Run an init that ends by itself."""
    with Init(*words, **given) as init:
        return init.end()
