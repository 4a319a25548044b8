"""The events that follow from glimpses, when all of them are known.

- *Fates* are those of `machine.fates`; what was pending is settled by later looks.
- *Ends.* The status is exact when there is one. The sender of a deadly signal is the last one who sent it.
- *The end of the namespace.* The kernel kills all others when PID 1 ends, and PID 1 is reported as ended only
  after that. So everybody who ended by SIGKILL from PID 1's end on, with nobody inside who sent it, was
  killed by the namespace. PID 1's end is the earliest of what shows it: its exit_group, a look that finds it
  on its way out, its own pidfd. Who is collected from then on was collected by the kernel: PID 1 cannot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.machine.fates import bit, fate, taken
from endwell.machine.glimpses import Became, Collected, Ended, Ending, Left, Met, Sent, Stance, Stood
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
from endwell.records import dataclass, field, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from endwell.machine.glimpses import Glimpse

_NAMESPACE = Sender(Origin.NAMESPACE, 1)
_KERNEL = Sender(Origin.KERNEL)
# Who is about to send a signal has sent it by then: before, a missing bit proves nothing.
_TRANSIT = 0.005
# Who is killed when PID 1 ends may be seen to end a little before the time at which PID 1 was killed.
_SKEW = 0.05
_FAULTS = frozenset(map(Signal.parse, ("ILL", "TRAP", "BUS", "FPE", "SEGV", "PIPE", "ALRM", "SYS")))
_DEADLY = frozenset({Default.TERMINATE, Default.CORE})


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
    open: dict[Signal, list[tuple[int, Stance]]] = field(default_factory=dict)
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
        self.ending: float | None = None
        self.lives: list[_Life] = []
        self.current: dict[int, _Life] = {}

    def add(self, glimpse: Glimpse) -> None:
        if isinstance(glimpse, Met):
            self._meet(glimpse)
        elif isinstance(glimpse, Ending):
            self.ending = glimpse.at if self.ending is None else self.ending
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
            if before is not None and before.ended is None and before.pid != 1:
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
            doomed = life.last is not None and life.last.default is Default.TERMINATE
            if doomed and found is Fate.DEFAULT and sent.signal.default in _DEADLY:
                found = Fate.TOO_LATE  # another one has ended it, though that does not show yet
        if first and outside and sent.signal == KILL and life.killed is None:
            life.killed = sent.at
        if found in {Fate.DEFAULT, Fate.PENDING} and sent.signal.default in _DEADLY:
            life.causes[sent.signal] = sent.sender
            if found is Fate.DEFAULT:
                life.last = sent.signal
        if found in {Fate.PENDING, Fate.HANDLER} and stance is not None:
            # What was to be handled has been; what was blocked may only not have been looked for since.
            before = [one for one in life.open.get(sent.signal, ()) if self._fate(one[0]) is Fate.PENDING]
            life.open[sent.signal] = [*before, (len(self.events), stance)]
        self.events.append(Signalled(sent.at, life.pid, sent.signal, sent.sender, found))

    def _look_again(self, life: _Life, stood: Stood) -> None:
        life.waited |= stood.stance.waiting
        for signal, opened in tuple(life.open.items()):
            pending = stood.stance.pending & bit(signal)
            left = []
            for place, then in opened:
                arrived = stood.last or stood.at - self.events[place].at >= _TRANSIT
                if self._fate(place) is Fate.HANDLER and pending and stood.last:
                    # It has not run since, and never will if this is the end. But where it is blocked now the
                    # handler does run, and another one waits for it to return.
                    if not stood.stance.blocked & bit(signal):
                        self._judge(place, Fate.TOO_LATE)
                elif pending or not arrived:
                    left.append((place, then))
                elif self._fate(place) is Fate.PENDING:
                    now, waited = _either(stood.stance, then), bool(life.waited & bit(signal))
                    self._judge(place, taken(signal, now, first=life.pid == 1, waited=waited))
            life.open[signal] = left

    def _fate(self, place: int) -> Fate:
        event = self.events[place]
        assert isinstance(event, Signalled)  # noqa: S101  only such places are kept
        return event.fate

    def _judge(self, place: int, found: Fate) -> None:
        event = self.events[place]
        assert isinstance(event, Signalled)  # noqa: S101  only such places are kept
        self.events[place] = replace(event, fate=found)

    def finish(self) -> tuple[Event, ...]:
        teardown = _teardown(self.lives, self.ending)
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
            if life.last != signal:
                # None that would have ended it at once: then it was the one that waited.
                for place, _ in life.open.pop(signal, ()):
                    self._judge(place, Fate.DEFAULT)
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


def _teardown(lives: Sequence[_Life], ending: float | None) -> float | None:
    """Return when PID 1 ended, which its own pidfd tells only after everybody else has gone."""
    first = next((life for life in lives if life.pid == 1), None)
    if first is None or first.ended is None:
        return ending
    seen = first.ended if ending is None else min(ending, first.ended)
    if first.left is not None and (first.status or 0) >= 0:
        return min(first.left.at, seen)
    since = (seen if first.killed is None else min(first.killed, seen)) - _SKEW
    killed = [
        life.ended
        for life in lives
        if life.ended is not None and life.ended >= since and _killed_by_nobody(life)
    ]
    return min([seen, *killed])


def _killed_by_nobody(life: _Life) -> bool:
    return life.pid != 1 and life.status == -KILL.number and KILL not in life.causes
