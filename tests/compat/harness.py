"""Runs one init, real or ours, in a described situation, and says what could be observed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import signal
import subprocess
import termios
from typing import TYPE_CHECKING

from tests.compat.case import NAMESPACE, SPARE, TERMINAL, UNDER_SHELL, Case, Observation, Place
from tests.compat.conversation import Conversation, deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def _namespace() -> list[str]:
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, "--pid", "--fork", "--kill-child", "--mount-proc", "--"]


def _prepare(case: Case, terminal: int) -> Callable[[], None]:
    def prepare() -> None:
        # On one processor the real ones, which write a line in pieces, seldom cut into each other's.
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        if terminal >= 0:
            os.setsid()
            if case.place is not Place.PID_1_LEADER:  # it leads a session of its own in there
                fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
        if case.spare:
            os.dup2(0, SPARE)
        for number in case.ignored:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, case.blocked)
        for fd in case.closed:
            os.close(fd)

    return prepare


def _plain_terminal() -> tuple[int, int]:
    """A terminal that echoes nothing and leaves newlines alone: what is read is what was written."""
    master, slave = pty.openpty()
    attributes = termios.tcgetattr(slave)
    attributes[1] &= ~termios.OPOST
    attributes[3] &= ~termios.ECHO
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    return master, slave


@contextlib.contextmanager
def start(case: Case, program: Path, directory: Path) -> Iterator[Conversation]:
    """Starts the init; what is left of it is ended with the block."""
    for entry in case.files:
        name, _, text = entry.partition("=")
        path = directory / name.rstrip("+")
        path.write_text(text)
        path.chmod(0o755 if name.endswith("+") else 0o644)
    words = [case.argv0 or str(program), *case.options, *case.command]
    executable: str | None = str(program)
    if case.place in NAMESPACE:
        leader = ["setsid", "--ctty"] if case.place is Place.PID_1_LEADER else []
        words = [*_namespace(), *leader, str(program), *words[1:]]
        executable = None
    elif case.under:
        words = [*case.under, str(program), *words[1:]]
        executable = None
    elif case.script:
        words = ["sh", "-c", case.script, str(program), *words[1:]]
        executable = None
    elif case.place in UNDER_SHELL:
        words = ["sh", "-c", 'trap : INT QUIT; "$@"; exit $?', "sh", str(program), *words[1:]]
        executable = None
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", **case.environment}
    ours: list[int] = []
    theirs: list[int] = []
    try:
        terminal = -1
        if case.place in TERMINAL:
            master, terminal = _plain_terminal()
            stdin = stdout = stderr = terminal
            streams = {"stdout": master}
            theirs.append(terminal)
        else:
            stdin = os.open(os.devnull, os.O_RDWR)
            out, stdout = _plain_terminal() if case.screen else os.pipe()
            error, stderr = os.pipe()
            streams = {"stdout": out, "stderr": error}
            theirs += [stdin, stdout, stderr]
        ours += streams.values()
        process = subprocess.Popen(
            words,
            executable=executable,
            env={name: value for name, value in environment.items() if value is not None},
            cwd=directory,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            close_fds=False,  # it would close the spare one; what the tests have open is closed by exec
            preexec_fn=_prepare(case, terminal),  # noqa: PLW1509 - the tests have no threads
        )
    except BaseException:
        for fd in ours:
            os.close(fd)
        raise
    finally:
        for fd in theirs:
            os.close(fd)
    with Conversation(process, program, streams, case.place) as conversation:
        yield conversation


def observe(case: Case, program: Path, directory: Path, mask: Callable[[str, int], str]) -> Observation:
    """Runs the case with one init; returns all that a caller could observe, with roles for pids."""
    with (
        start(case, program, directory) as conversation,
        deadline(10, lambda: f"{case.name} with {program}, which said {conversation.said}"),
    ):
        inside = 1 if case.place in NAMESPACE else conversation.init
        if case.talk:
            case.talk(conversation)
        conversation.finish()
        observation: Observation = {"status": conversation.process.returncode, **conversation.notes}
        for stream, said in conversation.said.items():
            text = said.decode().replace(f"{program.parent}/", "<bin>/").replace(str(directory), "<dir>")
            for line in text.splitlines():
                masked = re.sub(r"^ready [\d ]+$", "ready", mask(line, inside))
                speaker = re.match(r"<(\w+)> |(\w+) heard", masked)
                key = f"{stream} of {(speaker[1] or speaker[2]) if speaker else 'the command'}"
                lines = observation.setdefault(key, [])
                assert isinstance(lines, list)
                lines.append(masked)
        return observation
