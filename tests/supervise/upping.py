"""`endwell up` as a process of its own, and the facts that a test waits for: lines, ends of files."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from endwell.system import tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOURCES = Path(__file__).parents[2] / "src"
# Not a measure of anything: what would otherwise be waited for in vain ends a test here.
PATIENCE = 30.0
# Guests without children: between its fork and its exec a child of a shell loses the signals it gets. Each
# says its own name: what is seen of one says nothing about another.
_READS = "read line <&8"
WAIT = f"exec 8<>never; echo up $SUPERVISOR_PROCESS_NAME; {_READS}"
STOP = f"trap 'echo bye; exit 0' TERM; {WAIT}"
DEAF = f"trap '' TERM; {WAIT}"


def wait_for_state(pid: int, letter: str) -> None:
    """Wait until a process is in this state: a shell that is told before it reads may not hear."""
    until = time.monotonic() + PATIENCE
    while Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != letter:
        assert time.monotonic() < until


class Up:
    """A supervisor under test.

    Args:
        directory: where its files are put.
        text: of its supervisord.conf; a [supervisord] section is put before it.
        arguments: further words of the command line.
        prefix: what runs it, such as `unshare`.
        settings: lines of [supervisord].
        endwell: the command.
        name: of the file, where it is no supervisord.conf; then `text` is all of it.
    """

    def __init__(
        self,
        directory: Path,
        text: str,
        *arguments: str,
        prefix: tuple[str, ...] = (),
        settings: str = "",
        endwell: tuple[str, ...] = (sys.executable, "-m", "endwell"),
        name: str = "supervisord.conf",
    ) -> None:
        self.path = directory / name
        self._head = f"[supervisord]\nnodaemon=true\n{settings}\n" if name == "supervisord.conf" else ""
        self.write(text)
        os.mkfifo(directory / "never")
        self._report = directory / "report.json"
        command = [*prefix, *endwell, "up", "-c", str(self.path)]
        self.process: subprocess.Popen[bytes] = subprocess.Popen(
            [*command, "--report", str(self._report), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(SOURCES)},
            cwd=directory,
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._read = {self.process.stdout.fileno(): b"", self.process.stderr.fileno(): b""}
        self._ended: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        if self.process.poll() is None:
            for _ in range(3):
                self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()

    @property
    def out(self) -> list[str]:
        return next(iter(self._read.values())).decode().splitlines()

    @property
    def err(self) -> list[str]:
        return list(self._read.values())[1].decode().splitlines()

    @property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._report.read_text())
        return found

    def service(self, name: str, replica: int = 1) -> dict[str, Any]:
        rows: list[dict[str, Any]] = self.report["services"]
        return next(row for row in rows if (row["service"], row["replica"]) == (name, replica))

    def write(self, text: str) -> None:
        """Write another text into its file."""
        self.path.write_text(f"{self._head}{text}")

    def wait_for(self, *lines: str) -> None:
        """Read until each of these is a line, or in a line of the supervisor's own."""
        for _ in self._reading():
            seen = [*self.out, *self.err]
            if all(any(line == one or f"endwell: {line}" in one for one in seen) for line in lines):
                return
        raise AssertionError(f"{lines} did not come: {self.out} {self.err}")

    def wait_until(self, happened: Callable[[], bool]) -> None:
        """Read until something holds."""
        for _ in self._reading():
            if happened():
                return
        raise AssertionError(f"it did not come: {self.out} {self.err}")

    @staticmethod
    def wait_until_stopped(pid: int) -> None:
        """Wait until a service's process has stopped for a signal: nothing tells anybody but its parent."""
        wait_for_state(pid, "T")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and return the exit status."""
        for pid in tree.below([self.process.pid]):
            # A shell that is told after it has said that it is up, and before it reads, does not hear.
            while _READS in tree.name_of(pid) and (found := tree.standing(pid)) and found.state == "R":
                pass
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Read to the end, and return the exit status."""
        for _ in self._reading():
            pass
        return self.process.wait(PATIENCE)

    def _reading(self) -> Iterator[None]:
        until = time.monotonic() + PATIENCE
        yield
        while len(self._ended) < len(self._read):
            open_ = [descriptor for descriptor in self._read if descriptor not in self._ended]
            ready, _, _ = select.select(open_, [], [], until - time.monotonic())
            assert ready, f"nothing came any more: {self.out} {self.err}"
            for descriptor in ready:
                if not (text := os.read(descriptor, 65536)):
                    self._ended.add(descriptor)
                self._read[descriptor] += text
            yield


def program(name: str, script: str, *options: str) -> str:
    """Write the section of a shell script that logs to the container's stdout."""
    quoted = script.replace("%", "%%").replace('"', '\\"')
    lines = "\n".join(options)
    return (
        f'[program:{name}]\ncommand=sh -c "{quoted}"\n'
        f"stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\nredirect_stderr=true\nstartsecs=0\n{lines}\n"
    )


def held_until_the_end(path: Path) -> int:
    """Make a FIFO, and return a descriptor whose end of file says that nobody holds it any more."""
    os.mkfifo(path)
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK)


def end_of(descriptor: int) -> bytes:
    """Read to the end: everybody who has opened the FIFO has closed it, or has ended."""
    os.set_blocking(descriptor, True)
    text = b""
    until = time.monotonic() + PATIENCE
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        while True:
            ready, _, _ = select.select([file], [], [], until - time.monotonic())
            assert ready, f"somebody still holds it, after {text!r}"
            if not (part := file.read(65536)):
                return text
            text += part
