"""The observer for root: every process and every signal as the kernel records them, without touching anybody.

A thread reads the kernel's text, puts it in order of time and feeds it to `machine.story`. Two processors'
records may be read in the wrong order when they come in while we read: so what is younger than the beginning
of a reading waits for the next one.

Reading costs the container time on a busy machine. The thread therefore has a budget: a fifth of the time,
half of it from `hurry` on, of which it may save up a tenth of a second. So a few processes that start are
read at once, and a storm of forks or signals in slices. What only /proc can tell, a command line above all,
is read right after the record, for which the thread goes before others that want a processor; a process that
has gone by then is known by the path it executed. Before the stop `hurry` reads that of everybody once more.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from endwell.machine.command_lines import Order
from endwell.machine.story import Story
from endwell.machine.visitors import Visit
from endwell.model.timeline import Witness
from endwell.parse.trace import Head, Record, heads, record
from endwell.probe.members import find, namespace_of
from endwell.probe.observer import NO_THREAD, Observation, ObserverError
from endwell.probe.tracefs_answers import acquaint, answer, attach, glimpses, look
from endwell.probe.tracefs_events import (
    ATTACHED,
    EVENTS,
    READ,
    SIGNALFD_READ,
    explain,
    foreign,
    is_exhausted,
    overlooked,
    unread,
    unrecorded,
)
from endwell.system.tracefs import Tracing, kilobytes_each

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from endwell.machine.question import Found

_INITIAL_PID_NAMESPACE = 0xEFFFFFFC
_LONGEST_REST, _STORM_REST = 0.05, 0.25
_LONGEST_CATCHING_UP = 0.5
# How long to wait for the end of PID 1, which whoever calls `finish` has seen already.
_LONGEST_ENDING = 1.0
_BEFORE_OTHERS = -10  # how nice the thread is
# Of one processor, and in seconds.
_SHARE, _SHARE_HURRYING = 0.2, 0.5
_SAVINGS = 0.1
_FIRST_LOOK, _LONGEST_LOOK = 0.002, 0.1
_KEPT_BEFORE = 1 << 26
_AT_ONCE = 1 << 20
# With so much left in the kernel's buffers nothing is lost while we rest.
_ROOM = 1 << 22


class TracefsObserver:
    """Observes through a private tracing instance; see `probe.observer.Observer`.

    Args:
        kilobytes: the kernel's buffer for each processor, None for a share of 64 MB; what does not fit is
            lost, and counted.
        most: how many births and signals are kept; more are counted as lost.

    Raises:
        ObserverError: on entering, when tracing is not allowed or not to be had here.
    """

    name = "tracefs"
    listener = None

    def __init__(self, kilobytes: int | None = None, most: int = 500_000) -> None:
        self._kilobytes = kilobytes_each(os.cpu_count() or 1) if kilobytes is None else kilobytes
        self._most = most
        self._tracing: Tracing | None = None
        self._wake = -1
        self._thread: threading.Thread | None = None
        self._followed: tuple[int, float, tuple[int, int] | None] | None = None
        self._orders: list[Order] = []
        self._sent: dict[int, Visit] = {}
        self._whole = False
        self._blind: list[str] = []
        self._glimpses: list[tuple[float, float, Found]] = []
        self._hurrying = False
        self._ending = False
        self._leaving = False
        self._caught_up = threading.Event()
        self._finished = threading.Event()
        self._before: deque[bytes] = deque()
        self._before_size = 0
        self._dropped = 0
        self._late: list[Record] = []
        self._until = 0.0
        self._story: Story | None = None
        self._lost = 0
        self._seen: Observation | None = None
        self._failed: BaseException | None = None

    @property
    def born(self) -> int:
        """How many processes were seen so far."""
        return self._story.born if self._story else 0

    def follow(self, pid: int, argv: Sequence[str] = ()) -> None:
        """PID 1 is known now: by its number on the host; what happened to it before is not lost."""
        self._orders.append(Order(time.monotonic(), pid, tuple(argv)))
        self._followed = (pid, time.monotonic(), namespace_of(pid))
        self._ring()

    def entered(self, pid: int, argv: Sequence[str]) -> None:
        """Look up who is about to execute something: it may be over before its records are read."""
        with suppress(OSError, ValueError, IndexError):
            self._sent[pid] = Visit(time.monotonic(), find(pid).inside)
        self._orders.append(Order(time.monotonic(), pid, tuple(argv)))

    def hurry(self) -> None:
        """Read at once what happens from now on; returns when it has caught up, or after half a second."""
        if self._failed is not None:
            raise self._failure(self._failed)
        if self._tracing is not None:
            try:
                self._tracing.enable(READ)
            except OSError as error:
                raise self._failure(error) from error
        self._hurrying = True
        self._ring()
        # Before the stop takes them away, and from here: the thread may be behind.
        if self._followed is not None and self._followed[2] is not None:
            self._glimpses += glimpses(self._followed[2])
        self._caught_up.wait(_LONGEST_CATCHING_UP)

    def finish(self) -> Observation:
        """Return everything, when the container has ended; to be called once."""
        self._ending = True
        self._ring()
        self._finished.wait()
        if self._seen is None:
            raise self._failure(self._failed)
        return self._seen

    def _failure(self, error: BaseException | None) -> ObserverError:
        step = "raise ulimit -n" if is_exhausted(error) else "please report this"
        return ObserverError(f"cannot observe any more: {self._failed or error}; {step}")

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
            raise ObserverError(explain(error)) from error
        except BaseException:
            self._close()
            raise
        thread = threading.Thread(target=self._run, args=(tracing,), name="tracefs", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            self._close()
            raise ObserverError(NO_THREAD.format("tracefs")) from error
        self._thread = thread
        return self

    def __exit__(self, *exception: object) -> None:
        self._ending = self._leaving = True
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
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _BEFORE_OTHERS)
        try:
            self._watch(tracing)
            self._seen = self._conclude(tracing)
        except BaseException as error:  # noqa: BLE001  told by `finish`, in the caller's thread
            self._failed = error
        finally:
            self._caught_up.set()
            self._finished.set()
            # Takes a while, and nobody has to wait for it before `__exit__`.
            with suppress(OSError):
                tracing.close()

    def _watch(self, tracing: Tracing) -> None:
        pause = _FIRST_LOOK
        budget, counted = _SAVINGS, time.monotonic()
        while not self._ending:
            waiting = self._hurrying and self._story is not None and self._story.waiting()
            self._sleep(tracing, 0 if self._late else pause if waiting else None)
            started = time.monotonic()
            hurrying = self._hurrying
            busy = self._read(tracing)
            if hurrying and busy < _AT_ONCE and not self._caught_up.is_set():
                if self._story is not None:
                    acquaint(self._story)
                self._caught_up.set()
            if waiting and not busy and self._story is not None:
                for pid in waiting:
                    look(self._story, pid)
                pause = min(2 * pause, _LONGEST_LOOK)
            else:
                pause = _FIRST_LOOK
            now = time.monotonic()
            share = _SHARE_HURRYING if hurrying else _SHARE
            budget = min(_SAVINGS, budget + share * (now - counted)) - (now - started)
            counted = now
            if busy < _AT_ONCE:
                if budget < 0 and not self._beginning:
                    self._rest(min(-budget / share, _LONGEST_REST))
            elif tracing.room() > max(_ROOM, tracing.kilobytes << 9):
                # A storm: it would take longer for our reading it, and there is room for it.
                self._rest(_STORM_REST)

    @property
    def _beginning(self) -> bool:
        """Whether the first program of PID 1 is still to come: its command line is the one that matters."""
        return self._story is not None and self._story.root is not None and not self._story.root.programs

    def _sleep(self, tracing: Tracing, seconds: float | None) -> None:
        if tracing.wait(seconds, self._wake):
            os.eventfd_read(self._wake)

    def _rest(self, seconds: float) -> None:
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        poll.poll(seconds * 1000)

    def _read(self, tracing: Tracing) -> int:
        """Read once and feed what is in order by now; return how many bytes there were."""
        # Before the reading: then the record of PID 1's birth is in it, if there is one.
        followed = self._followed
        start = time.monotonic()
        content = tracing.read(_AT_ONCE)
        if followed is None:
            self._before.append(content)
            self._before_size += len(content)
            while self._before_size > _KEPT_BEFORE:
                dropped = self._before.popleft()
                self._before_size -= len(dropped)
                self._dropped += dropped.count(b"\n")
        elif self._story is None:
            pid, known, _ = followed
            story = Story(pid, known, self._most, self._sent)
            self._feed(story, b"".join([*self._before, content]), start)
            self._before.clear()
            self._story = story
        else:
            self._feed(self._story, content, start)
        if self._story is not None and followed is not None and not self._whole:
            self._attach(self._story, followed, whole=len(content) < _AT_ONCE)
        return len(content)

    def _attach(
        self, story: Story, followed: tuple[int, float, tuple[int, int] | None], *, whole: bool
    ) -> None:
        """Look for who was there before us, when all is read that was recorded until PID 1 was known.

        Until then its birth may still be on the way; `whole`: nothing was left to be read.
        """
        pid, known, identity = followed
        self._whole = whole or self._until > known
        if self._whole and story.root is None and identity is not None:
            if self._orders[0].argv:
                self._lost += self._dropped  # we have started it, so its birth was recorded
            else:
                self._blind.append(ATTACHED)
            attach(story, pid, known, identity)

    def _feed(self, story: Story, content: bytes, start: float) -> None:
        text = content.decode("latin-1")
        found, lost = heads(text)
        self._lost += lost
        identity = self._followed[2] if self._followed else None
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
            self._until = one.at
            want = story.feed(*one)
            if want is not None:
                answer(story, want, one, identity)

    def _conclude(self, tracing: Tracing) -> Observation:
        """Read what is left and tell the story; a container that was never followed has none."""
        story = self._story
        until = time.monotonic() + _LONGEST_ENDING
        while story is not None and not (story.ended or self._leaving or self._lost):
            left = until - time.monotonic()
            if left <= 0 or tracing.lost():
                break
            self._sleep(tracing, 0 if self._late else left)
            self._read(tracing)
        tracing.stop()
        while self._read(tracing) or self._late:
            pass
        if story is None:
            return Observation((), Witness(self.name, max(tracing.lost(), self._lost), tuple(self._blind)))
        for since, until, one in self._glimpses:
            story.named(until, one.tid, one.argv, since)
            story.numbered(until, one.tid, one.inside)
        events, missing = story.tell(self._orders)
        lost = max(tracing.lost(), self._lost) + story.dropped
        blind = [*unrecorded(tracing.missing), *self._blind, *overlooked(story.visitors.overlooked)]
        blind += unread(story.unread)
        if not lost and (missing or story.foreign):
            # Nothing was lost, so nothing was recorded.
            blind += foreign(missing)
        return Observation(events, Witness(self.name, lost, tuple(blind)))
