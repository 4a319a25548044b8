"""The least a supervisor in Python can be: starts programs, and again, passes on their lines, stops them.

    python floor.py CONFIGURATION

The configuration is JSON: a list of [words, log file or null]. It has none of what makes a supervisor good;
it shows how fast Python itself is.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys

PIECE = 65536
POLL = select.epoll()
RUNNING: dict[int, tuple[list[str], str | None]] = {}
LOGS: dict[int, int] = {}
CHILDREN: list[subprocess.Popen[bytes]] = []  # else the end of one is collected where nobody asks for it


def start(words: list[str], log: str | None) -> None:
    """Start one program."""
    source, target = os.pipe2(os.O_CLOEXEC) if log else (-1, subprocess.DEVNULL)
    child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=target, stderr=target)
    RUNNING[child.pid] = words, log
    CHILDREN.append(child)
    if log:
        os.close(target)
        LOGS[source] = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        POLL.register(source, select.EPOLLIN)


def carry(source: int) -> None:
    """Carry what a program has written to its file."""
    if data := os.read(source, PIECE):
        os.write(LOGS[source], data)
        return
    POLL.unregister(source)
    os.close(source)
    os.close(LOGS.pop(source))


def main(path: str) -> None:
    """Run them all until SIGTERM."""
    with open(path, encoding="utf-8") as file:  # noqa: PTH123  no import that is not needed
        services = json.load(file)
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    POLL.register(reading, select.EPOLLIN)
    for words, log in services:
        start(words, log)
    stopping = False
    while RUNNING or not stopping:
        for descriptor, _ in POLL.poll():
            if descriptor in LOGS:
                carry(descriptor)
            elif signal.SIGTERM in os.read(descriptor, PIECE):
                stopping = True
                for pid in RUNNING:
                    os.kill(pid, signal.SIGTERM)
        again = []
        while RUNNING and (ended := os.waitpid(-1, os.WNOHANG)[0]):
            again.append(RUNNING.pop(ended))
        for one in again if not stopping else ():
            start(*one)


if __name__ == "__main__":
    main(sys.argv[1])
