"""What every guest of these tests can say: facts as lines, each in one write.

A guest is a few lines of Python behind this file; it is run without site packages, in ten milliseconds.
"""

import os
from _signal import *

NAMES = {
    number: name for name, number in list(globals().items()) if name.startswith("SIG") and name[3] != "_"
}
NAMES.update(
    {SIGTERM: "SIGTERM", SIGIO: "SIGIO", SIGCHLD: "SIGCHLD", SIGABRT: "SIGABRT"}
)  # not SIGPOLL, SIGCLD, SIGIOT


def say(*words):
    os.write(1, " ".join(map(str, words)).encode() + b"\n")


def hear(*numbers, name="", leave=None, then=None):
    """Says every one of these signals; then calls `then`, and leaves with status `leave`."""

    def told(number, _frame):
        say(*([name] if name else []), NAMES.get(number, number))
        if then:
            then()
        if leave is not None:
            os._exit(leave)

    for number in numbers:
        signal(number, told)


def forever():
    """Hears signals for ever. Not by pause(2): a signal that comes just before it would be heard with the next one."""
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    set_wakeup_fd(writes, warn_on_full_buffer=False)
    while True:
        os.read(reads, 1)


def worker(body=forever, session=True):
    """A child that calls `body`; returns its pid when it has called `up()`, or ended."""
    global up
    waits, tells = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(waits)
        for number in (SIGTERM, SIGINT):
            signal(number, SIG_DFL)
        if session:
            os.setsid()
        up = lambda: os.write(tells, b"x")
        body()
        os._exit(0)
    os.close(tells)
    os.read(waits, 1)
    os.close(waits)
    return pid


def up():
    pass


def polite():
    """The body of a worker that says SIGTERM and leaves."""
    hear(SIGTERM, name="worker", leave=0)
    up()
    forever()


def deaf():
    """The body of a worker that ignores SIGTERM."""
    signal(SIGTERM, SIG_IGN)
    up()
    forever()


def states(pid):
    """The state letter of a process."""
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]
