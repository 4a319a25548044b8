"""`endwell up` with an endwell.toml and a socket, and the commands that talk to it, each as a process."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from tests.supervise.upping import PATIENCE, SOURCES, Up

if TYPE_CHECKING:
    from pathlib import Path

ENDWELL = (sys.executable, "-m", "endwell")
# Told by SIGHUP, it says so; told by SIGTERM, it says so and ends.
SERVE = (
    "trap 'echo hup' HUP; trap 'echo bye; exit 0' TERM; exec 8<>never; "
    "echo up $0; while :; do read line <&8; done"
)


class Project(Up):
    """A supervisor under test, with an endwell.toml.

    Args:
        directory: where its files are put.
        text: of the endwell.toml.
        arguments: further words of the command line.
    """

    def __init__(self, directory: Path, text: str, *arguments: str) -> None:
        self.socket = str(directory / "s")
        self.toml = directory / "endwell.toml"
        self.toml.write_text(text)
        self.directory = directory
        self._begun: list[subprocess.Popen[bytes]] = []
        super().__init__(directory, "", "-c", str(self.toml), "--socket", self.socket, *arguments)

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        for process in self._begun:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()

    def command(self, *words: str) -> list[str]:
        """Return the words of a command that talks to it."""
        return [*ENDWELL, words[0], "--socket", self.socket, *words[1:]]

    def endwell(
        self, *words: str, stdin: str = "", environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self.command(*words),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
            cwd=self.directory,
            env=surroundings(environment),
        )

    def said(self, *words: str) -> str:
        """Run a command that does what it should, and return what it prints."""
        done = self.endwell(*words)
        assert (done.returncode, done.stderr) == (0, ""), words
        return done.stdout

    def json(self, *words: str) -> Any:  # noqa: ANN401  whatever the command prints
        """Return what a command prints as JSON."""
        return json.loads(self.said(*words, "--json"))

    def row(self, label: str) -> dict[str, Any]:
        """Return the row of a replica."""
        rows: list[dict[str, Any]] = self.json("ps", label)["services"]
        assert [row["label"] for row in rows] == [label]
        return rows[0]

    def begin(
        self,
        *words: str,
        prefix: tuple[str, ...] = (),
        terminal: str = "dumb",
        device: int = subprocess.PIPE,
    ) -> subprocess.Popen[bytes]:
        """Start a command that goes on; it ends with the supervisor at the latest.

        Args:
            words: of the command.
            prefix: what runs it.
            terminal: what it is told that its terminal is.
            device: a terminal, instead of pipes.
        """
        process = subprocess.Popen(
            [*prefix, *self.command(*words)],
            stdin=device,
            stdout=device,
            stderr=device,
            cwd=self.directory,
            env=surroundings({"TERM": terminal}),
        )
        self._begun.append(process)
        return process


def surroundings(more: dict[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a command."""
    ours = {name: value for name, value in os.environ.items() if name not in {"ENDWELL_SOCKET", "NO_COLOR"}}
    return {**ours, "PYTHONPATH": str(SOURCES), **(more or {})}


def service(name: str, script: str = SERVE, *lines: str) -> str:
    """Write the table of a shell script."""
    command = json.dumps(["sh", "-c", script.replace("$", "$$"), name])
    return "\n".join([f"[services.{name}]", f"command = {command}", *lines, ""])


APART = 'logs = { stdout = "container", stderr = "container" }'
TWO = (
    service("web", SERVE, "replicas = 2", "logs = { prefix = 'name' }")
    + service("db", "echo started; echo oops >&2; " + SERVE, APART)
    + service("task", "echo done; exit 3", "autostart = false")
    + service("later", SERVE, 'after = ["task:completed"]', "autostart = false")
)


def read_until(process: subprocess.Popen[bytes], what: bytes) -> bytes:
    """Read its output until there is this."""
    assert process.stdout is not None
    seen = b""
    until = time.monotonic() + PATIENCE
    while what not in seen:
        ready, _, _ = select.select([process.stdout], [], [], until - time.monotonic())
        assert ready, f"{what!r} did not come: {seen!r}"
        data = os.read(process.stdout.fileno(), 65536)
        assert data, f"{what!r} did not come before the end: {seen!r}"
        seen += data
    return seen


def end_of(process: subprocess.Popen[bytes], number: int | None = None) -> tuple[int, bytes, bytes]:
    """Send a signal and return the exit status and what else came."""
    if number is not None:
        process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err
