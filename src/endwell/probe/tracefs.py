"""The observer for root: every process and every signal as the kernel records them, without touching anybody.

A thread reads the kernel's text, puts it in order of time and feeds it to `machine.story`. Two processors'
records may be read in the wrong order when they come in while we read: so what is younger than the beginning
of a reading waits for the next one.

Reading costs the container time on a busy machine. Until `hurry` the thread therefore has a budget: a fifth
of the time, of which it may save up a tenth of a second. So a few processes that start are read at once,
and a storm of forks in slices. What only /proc can tell, a command line above all, is read right after the
record; a process that has gone by then is known by the path it executed.
"""

from __future__ import annotations

import errno
import os
import select
import threading
import time
from collections import deque
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from endwell.machine.question import Ask, Want
from endwell.machine.story import Story
from endwell.model.timeline import Witness
from endwell.parse.procfs import read_status
from endwell.parse.trace import Head, Record, heads, record
from endwell.probe.members import command_line, find, members, namespace_of
from endwell.probe.observer import Observation, ObserverError
from endwell.probe.tracefs_events import EVENTS, READ, SIGNALFD_READ
from endwell.system.tracefs import KILOBYTES, Tracing

if TYPE_CHECKING:
    from typing import Self

_INITIAL_PID_NAMESPACE = 0xEFFFFFFC
_LONGEST_REST = 0.05
_LONGEST_CATCHING_UP = 0.5
# Of one processor, and in seconds.
_SHARE = 0.2
_SAVINGS = 0.1
_FIRST_LOOK, _LONGEST_LOOK = 0.002, 0.1
_KEPT_BEFORE = 1 << 26
_AT_ONCE = 1 << 20


class TracefsObserver:
    """Observes through a private tracing instance; see `probe.observer.Observer`.

    Args:
        kilobytes: the kernel's buffer for each processor; what does not fit is lost, and counted.
        most: how many births and signals are kept; more are counted as lost.

    Raises:
        ObserverError: on entering, when tracing is not allowed or not to be had here.
    """

    name = "tracefs"
    listener = None

    def __init__(self, kilobytes: int = KILOBYTES, most: int = 500_000) -> None:
        self._kilobytes = kilobytes
        self._most = most
        self._tracing: Tracing | None = None
        self._wake = -1
        self._thread: threading.Thread | None = None
        self._followed: tuple[int, float, tuple[int, int] | None] | None = None
        self._hurrying = False
        self._ending = False
        self._caught_up = threading.Event()
        self._finished = threading.Event()
        self._before: deque[bytes] = deque()
        self._before_size = 0
        self._late: list[Record] = []
        self._story: Story | None = None
        self._lost = 0
        self._attached = False
        self._seen: Observation | None = None
        self._failed: BaseException | None = None

    @property
    def born(self) -> int:
        """How many processes were seen so far."""
        return self._story.born if self._story else 0

    def follow(self, pid: int) -> None:
        """PID 1 is known now: by its number on the host; what happened to it before is not lost."""
        self._followed = (pid, time.monotonic(), namespace_of(pid))
        self._ring()

    def hurry(self) -> None:
        """Read at once what happens from now on, and look at signalfds; returns when it has caught up."""
        if self._tracing is not None:
            self._tracing.enable(READ)
        self._hurrying = True
        self._ring()
        # Whoever is there by now is known with its command line before the stop takes it away.
        self._caught_up.wait(_LONGEST_CATCHING_UP)

    def finish(self) -> Observation:
        """Return everything, when the container has ended; to be called once."""
        self._ending = True
        self._ring()
        self._finished.wait()
        if self._seen is None:
            raise ObserverError(f"cannot observe any more: {self._failed}; please report this")
        return self._seen

    def __enter__(self) -> Self:
        if Path("/proc/self/ns/pid").stat().st_ino != _INITIAL_PID_NAMESPACE:
            raise ObserverError(
                "cannot observe with tracefs: it knows processes by the host's numbers, "
                "and here they have others; run on the host, or in a container with --pid=host"
            )
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        try:
            self._tracing = tracing = Tracing.make(
                {name: filter_ for name, filter_, _ in EVENTS}, self._kilobytes
            )
            tracing.condition(READ, SIGNALFD_READ)
            tracing.start()
        except OSError as error:
            self._close()
            raise ObserverError(_explain(error)) from error
        except BaseException:
            self._close()
            raise
        self._thread = threading.Thread(target=self._run, args=(tracing,), name="tracefs", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ending = True
        self._ring()
        if self._thread is not None:
            self._thread.join()
        self._close()

    def _close(self) -> None:
        if self._tracing is not None:
            self._tracing.close()
        if self._wake >= 0:
            os.close(self._wake)
            self._wake = -1

    def _ring(self) -> None:
        if self._wake >= 0:
            os.eventfd_write(self._wake, 1)

    # --------------------------------------------------------------------------------------------- the thread

    def _run(self, tracing: Tracing) -> None:
        try:
            self._watch(tracing)
            self._seen = self._conclude(tracing)
        except BaseException as error:  # noqa: BLE001  told by `finish`, in the caller's thread
            self._failed = error
        finally:
            self._caught_up.set()
            self._finished.set()
            # Takes a while, and nobody has to wait for it before `__exit__`.
            tracing.close()

    def _watch(self, tracing: Tracing) -> None:
        look = _FIRST_LOOK
        budget, counted = _SAVINGS, time.monotonic()
        while not self._ending:
            waiting = self._hurrying and self._story is not None and self._story.waiting()
            woken = tracing.wait(0 if self._late else look if waiting else None, self._wake)
            if woken:
                os.eventfd_read(self._wake)
            started = time.monotonic()
            hurrying = self._hurrying
            busy = self._read(tracing)
            if hurrying:
                self._caught_up.set()
            if waiting and not busy:
                for pid in waiting:
                    self._look(pid)
                look = min(2 * look, _LONGEST_LOOK)
            else:
                look = _FIRST_LOOK
            now = time.monotonic()
            budget = min(_SAVINGS, budget + _SHARE * (now - counted)) - (now - started)
            counted = now
            if budget < 0 and busy < _AT_ONCE and not self._hurrying:
                self._rest(-budget / _SHARE)

    def _rest(self, seconds: float) -> None:
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        poll.poll(min(seconds, _LONGEST_REST) * 1000)

    def _read(self, tracing: Tracing) -> int:
        """Read once and feed what is in order by now; return how many bytes there were."""
        start = time.monotonic()
        content = tracing.read(_AT_ONCE)
        if self._followed is None:
            self._before.append(content)
            self._before_size += len(content)
            while self._before_size > _KEPT_BEFORE:
                self._before_size -= len(self._before.popleft())
        elif self._story is None:
            pid, known, _ = self._followed
            self._story = story = Story(pid, known, self._most)
            self._feed(story, b"".join([*self._before, content]), start)
            self._before.clear()
            if story.root is None:
                self._attach(story)
        else:
            self._feed(self._story, content, start)
        return len(content)

    def _feed(self, story: Story, content: bytes, start: float) -> None:
        text = content.decode("latin-1")
        found, lost = heads(text)
        self._lost += lost
        ready: list[Head | Record] = [*self._late, *found]
        ready.sort(key=attrgetter("at"))
        self._late = []
        for head in ready:
            if isinstance(head, Record):
                one: Record | None = head
            elif head.at < start and not story.concerns(head.tid, head.event):
                continue
            else:
                one = record(text, head)
            if one is None:
                continue
            if one.at >= start:
                self._late.append(one)
                continue
            want = story.feed(*one)
            if want is not None:
                with suppress(OSError, ValueError, IndexError):
                    self._ask(story, want, one)

    def _conclude(self, tracing: Tracing) -> Observation:
        """Read what is left and tell the story; a container that was never followed has none."""
        tracing.stop()
        while self._read(tracing) or self._late:
            pass
        blind = [
            f"it cannot see {what}: this kernel does not record {event.partition('/')[2]}"
            for event, _, what in EVENTS
            if what and event in tracing.missing
        ]
        if self._attached:
            blind.append("what was before it came, it has not seen: the container was running already")
        events, missing = self._story.tell() if self._story else ((), 0)
        dropped = self._story.dropped if self._story else 0
        lost = max(tracing.lost(), self._lost) + dropped
        return Observation(events, Witness(self.name, lost or missing, tuple(blind)))

    # ---------------------------------------------------------------------------------------- what /proc says

    def _ask(self, story: Story, want: Want, one: Record) -> None:
        if want.ask is Ask.ARGV:
            argv = command_line(want.tid)
            story.named(time.monotonic(), want.tid, argv)
        elif want.ask is Ask.MASKS:
            self._look(want.tid)
        elif self._followed and self._followed[2] is not None and namespace_of(want.tid) == self._followed[2]:
            found = find(want.tid)
            story.found(
                time.monotonic(),
                found._replace(born=one.at, parent=0, path=one.text, threads=(want.tid,)),
            )

    def _look(self, pid: int) -> None:
        with suppress(OSError, ValueError):
            at = time.monotonic()
            status = read_status(Path(f"/proc/{pid}/status").read_text(errors="replace"))
            if self._story is not None and status.state not in {"Z", "X"}:
                self._story.looked(at, pid, status.ignored, status.pending | status.shared)

    def _attach(self, story: Story) -> None:
        """Take in who is there already: PID 1 was born before we came."""
        assert self._followed is not None  # noqa: S101  that is why we are here
        pid, known, identity = self._followed
        if identity is None:
            return
        self._attached = True
        inside = sorted(members(identity), key=lambda one: (one.tid != pid, one.born))
        for found in inside:
            story.found(known, found)


def _explain(error: OSError) -> str:
    why = error.strerror or str(error)
    if error.errno in {errno.EPERM, errno.EACCES}:
        step = "run as root on the host (sudo), or take --observer seccomp"
    elif error.errno in {errno.ENODEV, errno.ENOSYS, errno.ENOENT}:
        step = "this kernel has no event tracing; take --observer seccomp"
    else:
        step = "see tracefs in the kernel's messages (dmesg), or take --observer seccomp"
    return f"cannot observe with tracefs: {error.filename or 'tracefs'}: {why}; {step}"
