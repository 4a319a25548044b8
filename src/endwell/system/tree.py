"""Who came from whom: the children of a process, those below them, and to which service an orphan belonged.

A process whose parent ends is given to the nearest ancestor that has asked for it (`adopt_orphans`), which is
us. The kernel does not say where it came from, and at that moment nothing in it does: its parent is gone, and
if it has called setsid(2) its process group and session are its own. Supervisors lose such processes, and
leave them to the container's SIGKILL.

So every process that we start wears a mark that its descendants inherit, that setsid, double forks, execs and
a cleaned environment do not take off, and that anybody may read: the soft limit of RLIMIT_LOCKS. Linux has
kept that limit since 2.4.25 without using it; it is inherited by fork and kept by exec like the others, needs
no privilege to lower, and stands in /proc/PID/limits, which is readable whatever user the process runs as.
What would be the other ways: a cgroup for each service is exact too, but is writable in few containers, and
hides the container's limits from whoever looks for them in its own group only, as every JVM before 24 does
(JDK-8322420): a heap sized by the host's memory is a high price for a better stop. A variable in the
environment is overwritten by programs that show their state in their title, and /proc/PID/environ cannot be
read across users. Remembering parents needs a look at the right moment, which a crash does not announce. The
number is drawn at random for every supervisor, so that one inside another does not confuse both. Who sets its
own RLIMIT_LOCKS takes the mark off; it is still found by its process group and session, or else belongs to
nobody and is told at the end.

A number is no proof that a process is still the same, except for our own children, whose numbers stay taken
until we collect them. Whoever signals others opens a pidfd first and looks at mark and parent afterwards.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import signal
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from endwell.system import libc

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

MARKS = 1 << 31  # of one supervisor
RLIMIT_LOCKS = 10
_AT_ONCE = 2  # descriptors: of a process, and of a file about it
_LIMIT = b"Max file locks"

Got = TypeVar("Got")


class Standing(NamedTuple):
    """Where a process stands.

    Args:
        state: one letter, `Z` for one that has ended and was not collected.
        parent: its parent's number.
        group: its process group.
        session: its session.
    """

    state: str
    parent: int
    group: int
    session: int

    @property
    def lives(self) -> bool:
        """Whether it has not ended."""
        return self.state not in "ZX"


def adopt_orphans() -> None:
    """Become the parent of all orphans among our descendants; PID 1 is that anyway.

    To see and to signal them takes two descriptors for a moment, which are set aside from now on: where there
    are none left, nobody would be found, and who is there would not be told.
    """
    _spare.wanted = _AT_ONCE
    _spare.keep()
    if os.getpid() != 1:
        libc.set_child_subreaper()


def first_mark() -> int:
    """Draw the first of `MARKS` marks that nobody else is likely to use."""
    return (int.from_bytes(os.urandom(4)) >> 2) * MARKS + MARKS


def mark_of(pid: int) -> int | None:
    """Return the mark of a process; None if it has none, or is not there any more."""
    # Another user's only as root with CAP_SYS_RESOURCE; it takes a twentieth of the time.
    with contextlib.suppress(OSError):
        soft = resource.prlimit(pid, RLIMIT_LOCKS)[0]
        return None if soft == resource.RLIM_INFINITY else soft
    text = _read(f"/proc/{pid}/limits")
    at = text.find(_LIMIT)
    found = text[at + len(_LIMIT) :].split(None, 1)[0] if at >= 0 else b""
    return int(found) if found.isdigit() else None


def standing(pid: int) -> Standing | None:
    """Return where a process stands; None if it is not there any more. Source: man 5 proc_pid_stat."""
    text = _read(f"/proc/{pid}/stat")
    fields = text[text.rfind(b")") + 2 :].split(None, 4)
    if len(fields) < 5:  # noqa: PLR2004  the four that are wanted and the rest
        return None
    return Standing(fields[0].decode(), int(fields[1]), int(fields[2]), int(fields[3]))


def lives(pid: int) -> bool:
    """Return whether a process is there and has not ended."""
    found = standing(pid)
    return found is not None and found.lives


def is_stopped(pid: int) -> bool:
    """Return whether a process was stopped by a signal, and waits for SIGCONT."""
    found = standing(pid)
    return found is not None and found.state == "T"


def name_of(pid: int) -> str:
    """Return the command line of a process in one line, or its short name; empty if it is gone."""
    words = _read(f"/proc/{pid}/cmdline").replace(b"\0", b" ").strip()
    return (words or _read(f"/proc/{pid}/comm").strip()).decode(errors="replace")


def children_of(pid: int) -> list[int]:
    """Return the children of a process, those that were not collected included."""
    if not _lists_children():
        return [other for other in everybody() if (found := standing(other)) and found.parent == pid]
    try:
        tasks = _spare.give(partial(os.listdir, f"/proc/{pid}/task"))
    except OSError:
        return []
    finally:
        _spare.keep()
    return [int(one) for task in tasks for one in _read(f"/proc/{pid}/task/{task}/children").split()]


def below(roots: Iterable[int]) -> list[int]:
    """Return these and all their descendants, parents before children."""
    found = dict.fromkeys(roots)
    open_ = list(found)
    while open_:
        for child in children_of(open_.pop()):
            if child not in found:
                found[child] = None
                open_.append(child)
    return list(found)


def everybody() -> list[int]:
    """Return all processes of our PID namespace."""
    entries = _spare.give(partial(os.listdir, "/proc"))
    _spare.keep()
    return [int(entry) for entry in entries if entry.isdecimal()]


def nothing(_: int) -> None:
    """Note nothing."""


def signal_all(  # noqa: PLR0913  to whom, what, and what is noted of it
    pids: Iterable[int],
    numbers: Sequence[int],
    mark: int | None,
    adopter: int | None = None,
    *,
    before: Callable[[int], None] = nothing,
    after: Callable[[int], None] = nothing,
) -> list[int]:
    """Send signals to processes that belong together, each only if it still does; return who got them.

    Args:
        pids: as `below` returns them, a moment ago.
        numbers: of the signals, in order.
        mark: theirs; None: they are known by their parents alone.
        adopter: whose children the first of them are; None: ours.
        before: called with the number of each who gets them, just before.
        after: likewise, at once after them.
    """
    told: list[int] = []
    expected = list(pids)
    parents = {*expected, os.getpid() if adopter is None else adopter}
    for pid in expected:
        with contextlib.suppress(OSError):
            pidfd = _spare.give(partial(os.pidfd_open, pid))
            try:
                if _belongs(pid, parents, mark):
                    before(pid)
                    for number in numbers:
                        signal.pidfd_send_signal(pidfd, number)
                    after(pid)
                    told.append(pid)
            finally:
                os.close(pidfd)
                _spare.keep()
    return told


def signal_everybody(number: int) -> None:
    """Send a signal to all processes of our PID namespace but PID 1, which is us, at once; see kill(2).

    Raises:
        RuntimeError: we are not PID 1, so that these would be everybody's on the machine.
    """
    if os.getpid() != 1:
        raise RuntimeError("only PID 1 may tell everybody")
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, number)


def _belongs(pid: int, parents: Collection[int], mark: int | None) -> bool:
    found = standing(pid)
    if found is None or not found.lives:
        return False
    return found.parent in parents or (mark is not None and mark_of(pid) == mark)


def _lists_children() -> bool:
    """Whether the kernel was built with CONFIG_PROC_CHILDREN, as almost all are."""
    global _known  # noqa: PLW0603  asked once
    if _known is None:
        _known = os.path.exists(f"/proc/self/task/{os.getpid()}/children")  # noqa: PTH110
    return _known


_known: bool | None = None


def _read(path: str) -> bytes:
    """Return a small file's text; empty if it cannot be read, which here means that somebody has ended."""
    try:
        descriptor = _spare.give(partial(os.open, path, os.O_RDONLY | os.O_CLOEXEC))
    except OSError:
        return b""
    try:
        parts = []
        while part := os.read(descriptor, 65536):
            parts.append(part)
        return b"".join(parts)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
        _spare.keep()


class _Spare:
    """Descriptors that are kept for when there are no others.

    Attributes:
        wanted: how many; none in a process that has not adopted orphans.
    """

    def __init__(self) -> None:
        self.wanted = 0
        self._kept: list[int] = []

    def keep(self) -> None:
        """Keep as many as are wanted, as far as there are any."""
        while len(self._kept) < self.wanted:
            try:
                self._kept.append(os.eventfd(0, os.EFD_CLOEXEC))
            except OSError:
                return

    def give(self, call: Callable[[], Got]) -> Got:
        """Call for what takes a descriptor; `keep` is to be called when that is closed."""
        try:
            return call()
        except OSError as error:
            if error.errno != errno.EMFILE or not self._kept:
                raise
        os.close(self._kept.pop())
        return call()


_spare = _Spare()
