"""Going on in the background: another process, another session, no terminal.

A program that only forks and exits leaves whoever has started it without an answer. Here the parent waits for
a word: it exits with 0 when everything that can fail has been done, and else with the status of the child.
"""

from __future__ import annotations

import os


class Daemon:
    """The process that goes on; what could not be done so far is still said on the old stderr.

    Args:
        parent: the pipe to the one that waits.
        stderr: where it was; -1 once nothing is said there any more.
    """

    def __init__(self, parent: int, stderr: int) -> None:
        self._parent = parent
        self.stderr = stderr

    def begun(self) -> None:
        """Let the parent exit with 0."""
        os.write(self._parent, b"\0")
        os.close(self._parent)
        os.close(self.stderr)
        self.stderr = -1


def daemonize(directory: str | None, umask: int) -> Daemon:
    """Go on in the background; the process that was called never returns from this.

    The child has no terminal and /dev/null for its descriptors 0, 1 and 2.

    Args:
        directory: where to go; None: it stays.
        umask: of the child.

    Raises:
        OSError: it cannot be done; in the child the parent exits with its status.
    """
    reading, writing = os.pipe()
    if child := os.fork():
        os.close(writing)
        _leave(child, reading)
    os.close(reading)
    os.setsid()
    os.umask(umask)
    if directory is not None:
        os.chdir(directory)
    stderr = os.dup(2)
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    os.close(nothing)
    return Daemon(writing, stderr)


def _leave(child: int, reading: int) -> None:
    """Exit as the child does, or with 0 once it has begun."""
    if os.read(reading, 1):
        os._exit(0)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code > 0 else 128 - code if code else 1)
