"""One command watched by the unprivileged observer from its start to its stop, told in short sentences.

    python -m tests.probe.watched [--signal N] [--grace S] [--enter COMMAND]... -- COMMAND

prints the sentences: so that another user can do it too.
"""

from __future__ import annotations

import argparse
import os
import select
import shlex
import signal
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from endwell.model.timeline import (
    Adopted,
    Born,
    Died,
    Event,
    Executed,
    Origin,
    Reaped,
    Sender,
    Signalled,
)
from endwell.probe.seccomp import SeccompObserver
from endwell.system.namespace import Launch, hold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from endwell.model.signals import Signal
    from endwell.probe.observer import Observation

PYTHON = ("/usr/bin/python3", "-I", "-S", "-c")
SHELL = ("/bin/sh", "-c")
LIMIT = 20.0
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin"}


class Output:
    """A pipe that is read until a line comes."""

    def __init__(self) -> None:
        self._outer, self.inner = os.pipe2(os.O_CLOEXEC)
        self.text = ""

    def expect(self, line: str) -> None:
        """Wait for a line."""
        while f"{line}\n" not in self.text:
            assert select.select([self._outer], [], [], LIMIT)[0], f"no {line!r} in {self.text!r}"
            piece = os.read(self._outer, 4096).decode()
            assert piece, f"no {line!r} in {self.text!r}"
            self.text += piece

    def close_inner(self) -> None:
        """Only the container may have it, so that its end is seen."""
        os.close(self.inner)

    def close(self) -> None:
        """Close what is left."""
        os.close(self._outer)


def watch(
    command: Sequence[str], *, number: int = signal.SIGTERM, grace: float = LIMIT, enter: Sequence[str] = ()
) -> Observation:
    """Start it, wait for `ready`, start what enters, wait for its `entered`, send the signal, wait, kill."""
    with ExitStack() as stack:
        observer = stack.enter_context(SeccompObserver())
        output = Output()
        stack.callback(output.close)
        nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        stack.callback(os.close, nothing)
        words = {
            "environment": _ENVIRONMENT,
            "stdin": nothing,
            "stdout": output.inner,
            "stderr": output.inner,
        }
        namespace = hold(Launch(command=command, **words, listener=observer.listener))  # type: ignore[arg-type]
        stack.callback(namespace.close)
        observer.follow(namespace.pid)
        namespace.release()
        namespace.confirm()
        output.expect("ready")
        for text in enter:
            launch = Launch(command=shlex.split(text), **words, listener=observer.listener)  # type: ignore[arg-type]
            namespace.enter(launch)
        output.close_inner()
        if enter:
            output.expect("entered")
        observer.hurry()
        now = time.monotonic()
        observer.sent(number, now)
        namespace.send(number)
        if not select.select([namespace.pidfd], [], [], grace)[0]:
            namespace.send(signal.SIGKILL)
            namespace.reap()
            observer.sent(signal.SIGKILL, now + grace)
        namespace.reap()
        return observer.finish()


def sentences(events: Sequence[Event]) -> list[str]:
    """Return the events without their times."""
    return [_sentence(event) for event in events]


def _sentence(event: Event) -> str:
    match event:
        case Born():
            return f"{event.pid} born of {event.parent}"
        case Executed():
            return f"{event.pid} is {' '.join(event.argv)}"
        case Signalled():
            return f"{_name(event.signal)} {_who(event.sender)} -> {event.pid}: {event.fate.value}"
        case Adopted():
            return f"{event.pid} adopted by {event.parent}"
        case Died() if event.signal is not None:
            return f"{event.pid} dies of {_name(event.signal)} from {_who(event.sender)}"
    return f"{event.pid} exits {event.code}" if isinstance(event, Died) else _other(event)


def _other(event: Event) -> str:
    return f"{event.pid} reaped by {event.by}" if isinstance(event, Reaped) else repr(event)


def _name(signal: Signal) -> str:
    return signal.name.removeprefix("SIG")


def _who(sender: Sender | None) -> str:
    if sender is None:
        return "nobody known"
    return str(sender.pid) if sender.kind is Origin.PROCESS else sender.kind.value


def main() -> None:
    """Watch what the command line names, and print the sentences."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--signal", type=int, default=int(signal.SIGTERM))
    parser.add_argument("--grace", type=float, default=LIMIT)
    parser.add_argument("--enter", action="append", default=[])
    parser.add_argument("command", nargs="+")
    asked = parser.parse_args()
    seen = watch(asked.command, number=asked.signal, grace=asked.grace, enter=asked.enter)
    sys.stdout.write("".join(f"{line}\n" for line in [*sentences(seen.events), f"lost {seen.witness.lost}"]))


if __name__ == "__main__":
    main()
