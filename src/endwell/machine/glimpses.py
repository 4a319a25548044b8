"""What an observer without privileges gets to see, and the events that follow from it.

It sees less than the kernel: who calls `kill` and how the target stands to the signal at that moment, but
not the delivery; that somebody has ended, but how only when he is collected; that a pending signal has been
taken, but not by what. So it writes down glimpses, and one fold makes events of them when all are known:

- *Fates.* `fate` is the kernel's own decision (prepare_signal and sig_ignored in kernel/signal.c) on the
  masks as they were. A blocked signal stays open until a later glimpse finds its bit gone.
- *Ends.* The status is exact when there is one. The sender of a deadly signal is the last one who sent it.
- *The end of the namespace.* The kernel kills all others when PID 1 ends, and PID 1 is reported as ended only
  after that. So everybody who ended by SIGKILL from PID 1's end on, with nobody inside who sent it, was
  killed by the namespace. What is collected in the teardown counts as collected by nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from endwell.model.signals import KILL, Default, Signal
from endwell.model.timeline import (
    Adopted,
    Born,
    Died,
    Event,
    Executed,
    Fate,
    Origin,
    Reaped,
    Sender,
    Signalled,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypeAlias

_FIRST_QUEUED = 32  # from here on the kernel keeps a signal as often as it was sent
_NAMESPACE = Sender(Origin.NAMESPACE, 1)
_KERNEL = Sender(Origin.KERNEL)
# Who is about to send a signal has sent it by then: before, a missing bit proves nothing.
_TRANSIT = 0.005
# Who is killed when PID 1 ends may be seen to end a little before the time at which PID 1 was killed.
_SKEW = 0.05
_FAULTS = frozenset(map(Signal.parse, ("ILL", "TRAP", "BUS", "FPE", "SEGV", "PIPE", "ALRM", "SYS")))
_DEADLY = frozenset({Default.TERMINATE, Default.CORE})


@dataclass(frozen=True, slots=True)
class Stance:
    """How a process stands to signals at an instant, as masks: bit 0 is signal 1.

    Args:
        blocked: what all of its threads block.
        ignored: what it ignores.
        caught: what it has a handler for.
        pending: what waits for the process.
        waiting: what a thread is waiting for in sigwait.
        descriptors: what a signalfd of it takes.
        leaving: it is ending already.
    """

    blocked: int = 0
    ignored: int = 0
    caught: int = 0
    pending: int = 0
    waiting: int = 0
    descriptors: int = 0
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class Met:
    """A process is there, with this parent (0: outside); later, it has this one now."""

    at: float
    pid: int
    parent: int


@dataclass(frozen=True, slots=True)
class Became:
    """It executed another program, successfully."""

    at: float
    pid: int
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """Somebody sends a signal to process `pid`, which stands like this; None when it could not be seen."""

    at: float
    pid: int
    signal: Signal
    sender: Sender
    stance: Stance | None


@dataclass(frozen=True, slots=True)
class Stood:
    """A later look at a process for which something was pending; `last` when it is about to leave."""

    at: float
    pid: int
    stance: Stance
    last: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """It called exit_group."""

    at: float
    pid: int
    code: int


@dataclass(frozen=True, slots=True)
class Ended:
    """It has ended."""

    at: float
    pid: int


@dataclass(frozen=True, slots=True)
class Collected:
    """Somebody has collected it; `status` is the code, or negative the signal, or None for unknown."""

    at: float
    pid: int
    status: int | None


Glimpse: TypeAlias = "Met | Became | Sent | Stood | Left | Ended | Collected"


def bit(signal: Signal) -> int:
    """Return the signal's bit in a mask."""
    return 1 << signal.number - 1


def fate(signal: Signal, stance: Stance, *, first: bool, outside: bool) -> Fate:
    """Return what the kernel does with a signal; PENDING means: as long as it is not taken.

    Args:
        signal: what is sent.
        stance: of the process it is sent to, at that moment.
        first: whether that is PID 1 of its namespace.
        outside: whether the sender is in a namespace above.
    """
    asked = bit(signal)
    if stance.leaving:
        return Fate.TOO_LATE
    if not signal.catchable:
        return Fate.DISCARDED if first and not outside else Fate.DEFAULT
    if stance.waiting & asked:
        return Fate.SIGWAIT
    kept = stance.blocked & asked
    if not kept and not stance.caught & asked:
        return _unhandled(signal, stance, first=first)
    if stance.pending & asked and signal.number < _FIRST_QUEUED:
        return Fate.MERGED
    return Fate.PENDING if kept else Fate.HANDLER


def _unhandled(signal: Signal, stance: Stance, *, first: bool) -> Fate:
    if stance.ignored & bit(signal):
        return Fate.IGNORED
    if first:
        return Fate.DISCARDED
    return Fate.IGNORED if signal.default is Default.IGNORE else Fate.DEFAULT


def taken(signal: Signal, stance: Stance, *, first: bool, waited: bool) -> Fate:
    """Return what took a signal that was pending and is not any more; `waited`: it was seen in sigwait."""
    asked = bit(signal)
    if stance.descriptors & asked:
        return Fate.SIGNALFD
    if waited or stance.waiting & asked:
        return Fate.SIGWAIT
    if stance.caught & asked:
        return Fate.HANDLER
    if stance.blocked & asked:
        return Fate.SIGWAIT  # nothing else takes what is blocked
    return _unhandled(signal, stance, first=first)


@dataclass(slots=True)
class _Life:
    pid: int
    parent: int
    born: float
    left: Left | None = None
    ended: float | None = None
    collected: Collected | None = None
    collector: int = 1
    waited: int = 0
    open: dict[Signal, tuple[int, Stance]] = field(default_factory=dict)
    causes: dict[Signal, Sender] = field(default_factory=dict)
    last: Signal | None = None
    killed: float | None = None

    @property
    def status(self) -> int | None:
        """The code or negative the signal, from the best source there is."""
        if self.collected is not None and self.collected.status is not None:
            return self.collected.status
        if self.left is not None:
            return self.left.code
        return None if self.last is None else -self.last.number


def events(glimpses: Iterable[Glimpse]) -> tuple[Event, ...]:
    """Return the events that the glimpses of one container show, in order of time."""
    fold = _Fold()
    for glimpse in sorted(glimpses, key=lambda one: one.at):
        fold.add(glimpse)
    return fold.finish()


class _Fold:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self.lives: list[_Life] = []
        self.current: dict[int, _Life] = {}

    def add(self, glimpse: Glimpse) -> None:
        if isinstance(glimpse, Met):
            self._meet(glimpse)
        elif (life := self.current.get(glimpse.pid)) is not None:
            self._learn(life, glimpse)

    def _meet(self, met: Met) -> None:
        life = self.current.get(met.pid)
        if life is None or life.collected is not None:
            life = _Life(met.pid, met.parent, met.at)
            self.lives.append(life)
            self.current[met.pid] = life
            self.events.append(Born(met.at, met.pid, met.parent))
        elif life.parent != met.parent:
            before = self.current.get(life.parent)
            if before is not None and before.ended is None:
                before.ended = met.at  # it has lost its child, and so its life
            life.parent = met.parent
            self.events.append(Adopted(met.at, met.pid, met.parent))

    def _learn(self, life: _Life, glimpse: Glimpse) -> None:
        match glimpse:
            case Became():
                self.events.append(Executed(glimpse.at, glimpse.pid, glimpse.argv))
            case Sent():
                self._send(life, glimpse)
            case Stood():
                self._look_again(life, glimpse)
            case Left():
                life.left = glimpse
            case Ended():
                life.ended = glimpse.at if life.ended is None else life.ended
            case Collected():
                life.collected = glimpse
                life.ended = glimpse.at if life.ended is None else life.ended
                parent = self.current.get(life.parent)
                gone = parent is not None and parent.ended is not None and life.pid != 1
                life.collector = 1 if gone else life.parent

    def _send(self, life: _Life, sent: Sent) -> None:
        first, outside = life.pid == 1, sent.sender.kind is not Origin.PROCESS
        stance = sent.stance
        if stance is None:
            found = Fate.DEFAULT if sent.signal == KILL else Fate.TOO_LATE
        else:
            life.waited |= stance.waiting
            leaving = stance.leaving or life.left is not None or life.ended is not None
            found = fate(sent.signal, replace(stance, leaving=leaving), first=first, outside=outside)
        if first and outside and sent.signal == KILL and life.killed is None:
            life.killed = sent.at
        if found in {Fate.DEFAULT, Fate.PENDING} and sent.signal.default in _DEADLY:
            life.causes[sent.signal] = sent.sender
            if found is Fate.DEFAULT:
                life.last = sent.signal
        if found in {Fate.PENDING, Fate.HANDLER} and stance is not None:
            life.open[sent.signal] = (len(self.events), stance)
        self.events.append(Signalled(sent.at, life.pid, sent.signal, sent.sender, found))

    def _look_again(self, life: _Life, stood: Stood) -> None:
        life.waited |= stood.stance.waiting
        for signal, (place, then) in tuple(life.open.items()):
            event, pending = self.events[place], stood.stance.pending & bit(signal)
            assert isinstance(event, Signalled)  # noqa: S101  `open` has nothing else
            arrived = stood.last or stood.at - event.at >= _TRANSIT
            if event.fate is Fate.HANDLER:
                # It is not blocked, and yet it has not run since: it never will if this is the end.
                if pending and stood.last:
                    self._settle(life, signal, Fate.TOO_LATE)
                elif not pending and arrived:
                    del life.open[signal]
            elif arrived and not pending:
                now, waited = _either(stood.stance, then), bool(life.waited & bit(signal))
                self._settle(life, signal, taken(signal, now, first=life.pid == 1, waited=waited))

    def _settle(self, life: _Life, signal: Signal, found: Fate) -> None:
        if signal in life.open:
            place, _ = life.open.pop(signal)
            event = self.events[place]
            assert isinstance(event, Signalled)  # noqa: S101  `open` has nothing else
            self.events[place] = replace(event, fate=found)

    def finish(self) -> tuple[Event, ...]:
        teardown = _teardown(self.lives)
        for life in self.lives:
            self._end(life, teardown)
        events = sorted(self.events, key=_order)
        if teardown is None:
            return tuple(events)
        # Who is adopted by a dying PID 1 has not got a parent.
        return tuple(one for one in events if not isinstance(one, Adopted) or one.at < teardown)

    def _end(self, life: _Life, teardown: float | None) -> None:
        if life.ended is None:
            return
        at, status, sender = life.ended, life.status, None
        torn = teardown is not None and at >= teardown and life.pid != 1
        if life.pid == 1 and teardown is not None:
            at = teardown
        elif torn and teardown is not None:
            if _by_the_namespace(life, teardown):
                sent = max(teardown, life.born)  # one may be forked while PID 1 is held at its exit
                self.events.append(Signalled(sent, life.pid, KILL, _NAMESPACE, Fate.DEFAULT))
                self.events.append(Died(at, life.pid, signal=KILL, sender=_NAMESPACE))
                return
            # It ended by itself at the same time, and was collected in the teardown.
            at = life.left.at if life.left is not None else teardown
        if status is not None and status < 0:
            signal = Signal(-status)
            self._settle(life, signal, Fate.DEFAULT)
            sender = life.causes.get(signal)
            if sender is None and signal in _FAULTS:
                sender = _KERNEL
                self.events.append(Signalled(at, life.pid, signal, sender, Fate.DEFAULT))
            self.events.append(Died(at, life.pid, signal=signal, sender=sender))
        else:
            self.events.append(Died(at, life.pid, code=status))
        if (
            life.pid != 1
            and life.collected is not None
            and (teardown is None or life.collected.at < teardown)
        ):
            self.events.append(Reaped(life.collected.at, life.pid, life.collector))


def _order(event: Event) -> tuple[float, int]:
    """Order by time, and at the same time the end of a life before what it brings about."""
    return (event.at, 2 if isinstance(event, Reaped) else 1 if isinstance(event, Adopted) else 0)


def _either(now: Stance, then: Stance) -> Stance:
    """Who is leaving has put his handlers and signalfds away already."""
    return replace(now, caught=now.caught | then.caught, descriptors=now.descriptors | then.descriptors)


def _by_the_namespace(life: _Life, teardown: float) -> bool:
    """Whether a process that was alive at PID 1's end was killed by it."""
    if life.collected is not None and life.collected.status is not None:
        return life.collected.status == -KILL.number and KILL not in life.causes
    return not (life.left is not None and life.left.at < teardown) and life.last is None


def _teardown(lives: Sequence[_Life]) -> float | None:
    """Return when PID 1 ended, which its own pidfd tells only after everybody else has gone."""
    first = next((life for life in lives if life.pid == 1), None)
    if first is None or first.ended is None:
        return None
    if first.left is not None and (first.status or 0) >= 0:
        return min(first.left.at, first.ended)
    since = (first.ended if first.killed is None else min(first.killed, first.ended)) - _SKEW
    killed = [
        life.ended
        for life in lives
        if life.ended is not None and life.ended >= since and _killed_by_nobody(life)
    ]
    return min([first.ended, *killed])


def _killed_by_nobody(life: _Life) -> bool:
    return life.pid != 1 and life.status == -KILL.number and KILL not in life.causes
