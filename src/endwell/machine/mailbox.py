"""What became of every signal that one process was sent, from the kernel's records of sending and delivering.

The kernel says at once what it did not queue (`result` 1: refused, 2: pending already, 3: no room). What it
queued is open until somebody takes it: a delivery, a sigtimedwait that returns its number, or a read of a
signalfd, which leaves no record but the size of what was read and a bit that is gone from /proc/PID/status.

A fatal signal is not delivered under its own name. The kernel marks the whole process as ending, refuses
everything from then on, and delivers SIGKILL to each thread: the cause is the last signal that it queued. The
same SIGKILL is delivered to the other threads when one calls exit_group or execs; so a cause is known only
when the process has ended.

Why a signal was refused is known later too: the process was ending already, or ignored it, or is PID 1 and
has no handler. So is why one that was queued was never taken: it was blocked, or it came too late, because
the process was killed before it ran again. Looks at the mask of blocked signals tell which; where nobody
could look in time the clock does, for one that is not blocked is taken within an instant.
"""

from __future__ import annotations

from bisect import bisect_left
from operator import itemgetter
from typing import TYPE_CHECKING

from endwell.model.signals import CONT, KILL, STOP, Default, Signal
from endwell.model.timeline import Fate, Origin
from endwell.records import dataclass, field

if TYPE_CHECKING:
    from endwell.machine.actor import Actor

REFUSED, PENDING_ALREADY, NO_ROOM = 1, 2, 3
_BY_DEFAULT, _IGNORE = 0, 1
_FAULTS = frozenset(map(Signal, (4, 5, 7, 8, 11, 31)))
# What kills only a process that asked for it, or never.
_STOPS = frozenset(map(Signal, (19, 20, 21, 22)))
_DEADLY = frozenset({Default.TERMINATE, Default.CORE})
# Seconds within which a process that has not blocked a signal takes it, if it has to wait for a processor.
_INSTANT = 0.02
# Seconds between two looks at a process that gets one signal after the other.
_PAUSE = 0.001
# So many signals that PID 1 refuses are looked after one by one: its mask may be another one for each.
_MANY = 1000


@dataclass(slots=True, eq=False)
class Sent:
    """One signal on its way: `order` is its place in the whole story, `tid` the thread it was aimed at."""

    at: float
    order: int
    signal: Signal
    origin: Origin
    sender: Actor | None
    tid: int
    shared: bool
    result: int
    fate: Fate | None = None
    vanished: bool = False


@dataclass(slots=True)
class Mailbox:
    """The signals of one process; `first` for PID 1, which the kernel spares what it has no handler for."""

    first: bool = False
    sent: list[Sent] = field(default_factory=list)
    open: list[Sent] = field(default_factory=list)
    cause: Sent | None = None
    _candidate: Sent | None = None
    _spared: Sent | None = None
    _ignored: list[tuple[float, int]] = field(default_factory=list)
    _blocked: list[tuple[float, int]] = field(default_factory=list)
    _asked: float = 0.0
    _refusals: int = 0
    _reads: list[float] = field(default_factory=list)
    _seen: float = 0.0

    def send(self, one: Sent) -> None:
        """Add a signal that was generated."""
        self.sent.append(one)
        if one.result == PENDING_ALREADY:
            one.fate = Fate.MERGED
        elif one.result == NO_ROOM:
            one.fate = Fate.DISCARDED
        elif one.result != REFUSED:
            self.open.append(one)
        # SIGCONT takes back the stop signals that still wait, whatever becomes of it, and they take back it.
        revoked = _STOPS if one.signal == CONT else {CONT} if one.signal in _STOPS else ()
        for other in [other for other in self.open if other.signal in revoked]:
            self._close(other, Fate.DISCARDED)

    def deliver(self, tid: int, signal: Signal, handler: int) -> None:
        """Note that a thread took a signal: `handler` is an address, 0 the default action, 1 to ignore."""
        one = self._find(tid, signal)
        if one is None:
            if signal == KILL and self.cause is None:
                # The signal proper is in `open`: the last one that can kill.
                deadly = (other for other in reversed(self.open) if other.signal.default in _DEADLY)
                self._candidate = self._candidate or next(deadly, None)
        elif handler == _IGNORE or (handler == _BY_DEFAULT and signal.default is Default.IGNORE):
            self._close(one, Fate.IGNORED)
        elif handler != _BY_DEFAULT:
            self._close(one, Fate.HANDLER)
        elif self._spares(one):
            self._close(one, Fate.DISCARDED)
            self._spared = one
        else:
            self._close(one, Fate.DEFAULT)
            if signal.default in _DEADLY:
                self.cause = self.cause or one

    def wait(self, tid: int, signal: Signal) -> None:
        """Note that sigwait(3) or the like returned a signal to a thread."""
        if one := self._find(tid, signal):
            self._close(one, Fate.SIGWAIT)

    def read(self, at: float) -> bool:
        """Note a read that may have been of a signalfd; return whether that is worth a look at the masks."""
        waiting = any(one.signal.catchable for one in self.open)
        if waiting:
            self._reads.append(at)
        return waiting

    def asks(self, one: Sent) -> bool:
        """Return whether the masks should be looked at, for a signal just sent: not for each of a storm."""
        if self.first and one.result == REFUSED:
            self._refusals += 1
            if self._refusals <= _MANY:
                return True
        elif one not in self.open or not one.signal.catchable:
            return False
        if one.at < self._asked + _PAUSE:
            return False
        self._asked = one.at
        return True

    def look(self, at: float, tid: int, ignored: int, pending: int, blocked: int | None = None) -> None:
        """Note what /proc showed of a thread: the masks of ignored signals, and of those waiting for it.

        `blocked` are the signals that every thread of the process blocks, None when nobody looked.
        """
        _keep(self._ignored, at, ignored)
        if blocked is not None:
            _keep(self._blocked, at, blocked)
        self._seen = at
        for one in self.open:
            if one.at < at and (one.shared or one.tid == tid):
                one.vanished = not _has(pending, one.signal)

    def execute(self) -> None:
        """Note an exec: the threads that got SIGKILL were the others."""
        self._candidate = None

    @property
    def torn(self) -> bool:
        """Whether the end of PID 1 has killed the process."""
        return any(one.origin is Origin.NAMESPACE for one in self.sent)

    @property
    def struck(self) -> bool:
        """Whether the kernel was seen to end the process."""
        return self.cause is not None or self._candidate is not None

    def end(self, left: float | None, died: float | None) -> Sent | None:
        """Settle what is still open; return the signal that ended the process, None if it was no signal.

        Args:
            left: when it began to end by itself, in seconds, or None.
            died: when it had ended, None if it still lives.
        """
        doomed = died if left is None else left
        cause = None
        if died is not None:
            cause = self._early_kill(left) if left is not None else self._strongest()
        if cause is not None:
            self._close(cause, Fate.DEFAULT)
            doomed = cause.at
        for one in self.sent:
            if one.fate is None:
                one.fate = self._late(one, doomed)
        self.open.clear()
        return cause

    def _strongest(self) -> Sent | None:
        return self.cause or self._candidate or self._spared

    def _early_kill(self, left: float) -> Sent | None:
        """Return a SIGKILL that was queued before the process called exit: that call came too late."""
        return next(
            (
                one
                for one in self.sent
                if one.signal == KILL and one.result != REFUSED and one.at < left and self._takes(one)
            ),
            None,
        )

    @staticmethod
    def _takes(one: Sent) -> bool:
        return one.fate in {None, Fate.DEFAULT}

    def _late(self, one: Sent, doomed: float | None) -> Fate:
        if doomed is not None and one.at >= doomed:
            return Fate.TOO_LATE
        if one.result == REFUSED:
            return self._why_refused(one)
        if one.vanished or self._was_read(one):
            return Fate.SIGNALFD
        return Fate.PENDING if one.signal.catchable and self._was_blocked(one, doomed) else Fate.TOO_LATE

    def _was_read(self, one: Sent) -> bool:
        """Return whether a read took it that no later look at the masks contradicts."""
        place = bisect_left(self._reads, one.at)
        if place == len(self._reads) or self._reads[place] <= self._seen:
            return False
        del self._reads[place]
        return True

    def _was_blocked(self, one: Sent, doomed: float | None) -> bool:
        mask = _nearest(self._blocked, one.at)
        if mask is None:
            return doomed is None or doomed - one.at > _INSTANT
        return _has(mask, one.signal)

    def _why_refused(self, one: Sent) -> Fate:
        mask = _nearest(self._ignored, one.at)
        if mask is not None and _has(mask, one.signal):
            return Fate.IGNORED
        if one.signal.default is Default.CONTINUE:
            return Fate.DEFAULT
        spared = self.first and one.signal.default is not Default.IGNORE
        return Fate.DISCARDED if spared else Fate.IGNORED

    def _find(self, tid: int, signal: Signal) -> Sent | None:
        mine = [one for one in self.open if one.signal == signal and (one.shared or one.tid == tid)]
        return next((one for one in mine if not one.shared), mine[0] if mine else None)

    def _close(self, one: Sent, fate: Fate) -> None:
        one.fate = fate
        if one in self.open:
            self.open.remove(one)

    def _spares(self, one: Sent) -> bool:
        """Return whether the kernel spares PID 1 the default action: it does, but for its own faults."""
        fault = one.signal in _FAULTS and one.origin is Origin.KERNEL
        return self.first and one.signal not in {KILL, STOP} and not fault


def _keep(looks: list[tuple[float, int]], at: float, mask: int) -> None:
    """Add a look; of those that saw the same, one after the other, only the last one is kept."""
    if looks and looks[-1][1] == mask:
        looks.pop()
    looks.append((at, mask))


def _nearest(looks: list[tuple[float, int]], at: float) -> int | None:
    """Return the mask as it was looked at first since an instant, otherwise as it was before."""
    if not looks:
        return None
    return looks[min(bisect_left(looks, at, key=itemgetter(0)), len(looks) - 1)][1]


def _has(mask: int, signal: Signal) -> bool:
    return bool(mask >> signal.number - 1 & 1)
