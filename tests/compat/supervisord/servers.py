"""A supervisord as a process, the real one or ours, and the clients that talk to it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SOURCES = Path(__file__).parents[3] / "src"
PATIENCE = 60.0
REAL: Mapping[str, tuple[str, ...]] = {
    "supervisord": ("/usr/bin/supervisord",),
    "supervisorctl": ("/usr/bin/supervisorctl",),
}
OURS: Mapping[str, tuple[str, ...]] = {name: (sys.executable, "-m", "endwell", name) for name in REAL}
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(SOURCES), "PYTHONWARNINGS": "ignore"}
STARTED = "supervisord started with pid"

_MASKS = (
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}"), "TIME"),
    (re.compile(r"\b[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M"), "DATE"),
    (re.compile(r"pid \d+, uptime \d+:\d\d:\d\d"), "pid N, uptime T"),
    (re.compile(r"pid \d+"), "pid N"),
    (re.compile(r"^\d+$", re.MULTILINE), "N"),
    # What follows is where in its own source the real one has met it, and whom ours was talking to.
    (re.compile(r"(error: <class .*?): (file: \S+ line: \d+|while talking to .*)"), r"\1"),
    (re.compile(r"CANT_REREAD: .*"), "CANT_REREAD: ..."),  # why not, each says in its own words
    (re.compile(r"For help, use .* -h"), "For help, use PROGRAM -h"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program has printed, and its exit status."""

    status: int
    out: str
    err: str


class Following:
    """A program that is read while it runs.

    Args:
        command: its words.
        directory: where it runs; None: here.
    """

    def __init__(self, command: Sequence[str], directory: Path | None = None) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=ENVIRONMENT,
            cwd=directory,
        )
        self.text = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    @property
    def lines(self) -> list[str]:
        """What it has written so far."""
        return self.text.splitlines()

    def wait_for(self, *parts: str) -> None:
        """Read until each of these has been written."""
        while not all(part in self.text for part in parts):
            assert self._read(), f"{parts} did not come: {self.text}"

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, read to the end, and return the exit status."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Read to the end, and return the exit status."""
        while self._read():
            pass
        return self.process.wait(PATIENCE)

    def _read(self) -> bool:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        assert ready, f"nothing came any more: {self.text}"
        part = os.read(self.process.stdout.fileno(), 65536)
        self.text += part.decode()
        return bool(part)


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, command: Sequence[str]) -> None:
        self._master, slave = pty.openpty()
        self._text = ""
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**ENVIRONMENT, "TERM": "dumb"},
            start_new_session=True,
            preexec_fn=partial(fcntl.ioctl, 0, termios.TIOCSCTTY, 0),  # noqa: PLW1509  there is one thread
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._master)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._master, text.encode())

    def wait_for(self, part: str) -> None:
        """Read until this has been written since it was last waited for."""
        while part not in self._text:
            ready, _, _ = select.select([self._master], [], [], PATIENCE)
            assert ready, f"{part!r} did not come: {self._text!r}"
            self._text += os.read(self._master, 65536).decode()
        self._text = self._text.partition(part)[2]

    def wait(self) -> int:
        """Return the exit status."""
        return self.process.wait(PATIENCE)


class Server(Following):
    """A supervisord in the foreground, in a directory of its own that is gone afterwards.

    Args:
        text: of its configuration; `{here}` is the directory.
        programs: the real ones or ours.
        options: of the command line.
        fifos: what programs wait for, and tests.
        prefix: what runs it, such as `unshare`.
    """

    def __init__(
        self,
        text: str,
        programs: Mapping[str, tuple[str, ...]],
        options: Sequence[str] = ("-n",),
        *,
        fifos: Sequence[str] = (),
        prefix: Sequence[str] = (),
    ) -> None:
        # A Unix socket's path has 107 bytes at most: pytest's own directories are too deep.
        self.here = Path(tempfile.mkdtemp(prefix="sv"))
        self.file = self.here / "supervisord.conf"
        self.file.write_text(text.format(here=self.here))
        self.programs = programs
        for name in fifos:
            os.mkfifo(self.here / name)
        command = [*prefix, *programs["supervisord"], *options, "-c", str(self.file)]
        super().__init__(command, self.here)

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        shutil.rmtree(self.here)

    def read(self, fifo: str) -> str:
        """Read what a program writes to a FIFO, to its end."""
        descriptor = os.open(self.here / fifo, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            text = b""
            while True:
                ready, _, _ = select.select([file], [], [], PATIENCE)
                assert ready, f"nobody has written to {fifo}: {self.text}"
                if not (part := file.read(65536)):
                    return text.decode()
                text += part

    def ask(
        self, programs: Mapping[str, tuple[str, ...]], *words: str, stdin: str = "", file: str | None = None
    ) -> Answer:
        """Run a client until it ends, and return what it has said, without what is never the same."""
        options = ["-c", str(self.file) if file is None else file]
        answer = run([*programs["supervisorctl"], *options, *words], self.here, stdin)
        return Answer(answer.status, self.mask(answer.out), self.mask(answer.err))

    def mask(self, text: str) -> str:
        """Replace what is never the same."""
        return mask(text.replace(str(self.here), "HERE"))


def mask(text: str) -> str:
    """Replace numbers and times."""
    for pattern, word in _MASKS:
        text = pattern.sub(word, text)
    return text


def run(command: Sequence[str], directory: Path, stdin: str = "") -> Answer:
    """Run a program to its end."""
    done = subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        cwd=directory,
        timeout=PATIENCE,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


@contextlib.contextmanager
def both(text: str, programs: Mapping[str, tuple[str, ...]] = REAL) -> Iterator[tuple[Server, Server]]:
    """Run two servers with the same configuration: a real one for their client, and one for ours.

    Args:
        text: of the configuration.
        programs: of whom the second one is.
    """
    with Server(text, REAL) as theirs, Server(text, programs) as ours:
        for server in (theirs, ours):
            server.wait_for(STARTED)
        yield theirs, ours


def until(pidfd: int) -> None:
    """Wait for the end of a process, and close its pidfd."""
    ready, _, _ = select.select([pidfd], [], [], PATIENCE)
    os.close(pidfd)
    assert ready, "it did not end"
