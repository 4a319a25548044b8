"""One probe: observe, start, wait until ready, stop, wait for the end, judge. Nothing of it remains.

The main thread walks through the phases and is the only one that may be interrupted (Ctrl-C, SIGTERM): every
part is a context that ends what it began, in reverse order, so that an exception in any phase leaves nothing
behind. While things are made or taken away interruptions are held back. What happens at a time of its own (a
command inside, the second signal, a look at the open files just before the kill) has a thread of its own,
which is waited for when the container, for whose end it may be waiting, has gone.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from endwell import engine as engines, rules
from endwell.engine.interruptions import HeldBack
from endwell.engine.protocol import Ending, EngineError
from endwell.model.signals import KILL
from endwell.model.sizes import format_size
from endwell.model.timeline import Died, Origin, Printed, Ready, Signalled, Stop, Timeline, Way, shifted
from endwell.probe import observers
from endwell.probe.executions import Executions
from endwell.probe.holdings import Holdings
from endwell.probe.progress import Silence
from endwell.probe.ready import wait_until_ready
from endwell.probe.ready_check import parse_ready
from endwell.probe.room import ContainerRoom
from endwell.probe.timers import Timers
from endwell.records import replace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from endwell.engine.protocol import Container
    from endwell.model.report import Report
    from endwell.model.signals import Signal
    from endwell.model.timeline import Event
    from endwell.probe.load.process import Load
    from endwell.probe.observer import Observer
    from endwell.probe.plan import Plan
    from endwell.probe.progress import Progress

# Just before the engine kills: late enough to see who is left, early enough to be done with it.
LOOK_BEFORE_KILL = 0.05
# Until an engine that was asked to stop a container has sent the signal, mostly; new clients come after it.
ENGINE_TAKES = 0.05
# How often a container is counted that may be forking without end.
COUNT_EVERY = 0.1
# The kernel's instant of the stop signal may lie a little before ours: clocks are read on two processors.
SKEW = 0.001


def probe(plan: Plan, progress: Progress | None = None) -> Report:
    """Stop a container for real, and return what happened, judged.

    Args:
        plan: what to stop, and how.
        progress: who is told meanwhile.

    Raises:
        EngineError: the container cannot be made, found or stopped.
        ObserverError: the observer that was asked for does not work here.
        ValueError: the plan contradicts itself.
    """
    return rules.judge(observe(plan, progress or Silence()))


def observe(plan: Plan, progress: Progress) -> Timeline:
    """Do it, without a judgement; see `probe`."""
    with HeldBack() as interruptions, ExitStack() as stack:
        progress.phase("making the container")
        engine = engines.find(plan.engine)
        stack.callback(engine.close)
        observer = observers.enter(plan.observer, plan.engine)
        stack.push(observer)
        if plan.container is None:
            container = engine.create(plan.spec, listener=observer.listener)
        else:
            container = engine.attach(plan.container)
        stack.enter_context(container)
        run = _Run(plan, progress, observer, container)
        stack.callback(run.close)
        with interruptions.allowed():
            return run.walk()


class _Run:
    """The walk through the phases, and what is known on the way."""

    def __init__(self, plan: Plan, progress: Progress, observer: Observer, container: Container) -> None:
        self.plan = plan
        self.progress = progress
        self.observer = observer
        self.container = container
        self.holdings = Holdings()
        self.timers = Timers()
        self.load = ExitStack()
        self.signal = plan.signal or container.stop_signal
        self.grace = container.grace if plan.grace is None else plan.grace
        self.notes: list[str] = []
        self.executions = Executions(plan.executions, container, observer)
        self.repeated = False
        self.asked = 0.0

    def close(self) -> None:
        """End everything, the container too: for its end the timers may be waiting."""
        with ExitStack() as stack:
            for end in (self.holdings.close, self.timers.close, self.container.remove, self.timers.cancel):
                stack.callback(end)
            self.load.close()

    def walk(self) -> Timeline:
        # What is begun here is begun wholly: it opens descriptors and starts threads.
        with HeldBack():
            self._start()
        ready = self._wait_until_ready()
        load = self._load() if ready.at is not None and self.container.wait(0.0) is None else None
        if ready.at is not None:
            self._linger()
        already = self.container.wait(0.0)
        ending = self._stop(load) if already is None else already
        if already is not None:
            self.asked = time.monotonic()
        return self._tell(ending, ready, load, asked=already is None)

    def _start(self) -> None:
        words = self.container.command if self.plan.container is None else ()
        if self.container.pid:
            self.observer.follow(self.container.pid, words)
        if self.plan.container is None:
            self.progress.phase("starting it")
            known = bool(self.container.pid)
            self.container.start()
            if not known and self.container.pid:
                self.observer.follow(self.container.pid, words)
        if self.container.elsewhere:
            raise EngineError(
                f"cannot observe {self.container.name}: its processes are on another machine than we; run "
                f"endwell where {self.plan.engine} runs its containers"
            )
        self.timers.every(COUNT_EVERY, self._count)

    def _wait_until_ready(self) -> Ready:
        check = parse_ready(self.plan.ready)
        self.progress.phase(f"waiting until it is ready ({check})", self.plan.ready_timeout)
        room = ContainerRoom(self.container, self.observer)
        return wait_until_ready(check, room, self.plan.ready_timeout)

    def _load(self) -> Load | None:
        if self.plan.load is None:
            return None
        from endwell.probe.load.process import Load  # noqa: PLC0415  most probes send nothing

        self.progress.phase(f"sending requests to {self.plan.load.target}")
        room = ContainerRoom(self.container, self.observer)
        with HeldBack():
            load = self.load.enter_context(
                Load(self.plan.load, self.container.pid, self._ended_within, room.members)
            )
        return load if load.start() else None

    def _ended_within(self, seconds: float) -> bool:
        return self.container.wait(seconds) is not None

    def _linger(self) -> None:
        """Run what comes before the stop."""
        self.executions.run_first(self.progress.phase)
        wait = max(self.plan.after, self.executions.lead)
        stop = time.monotonic() + wait
        self.executions.schedule(self.timers, stop, before=True)
        if wait:
            self.progress.phase("waiting before the stop", wait)
            self.container.wait(max(0.0, stop - time.monotonic()))

    def _stop(self, load: Load | None) -> Ending:
        signal = KILL if self.plan.way is Way.KILL else self.signal
        self.progress.phase(f"{signal} sent; waiting for the end", self.grace)
        with HeldBack():
            self.observer.hurry()
        self._look()
        if load:
            # Last: what was in flight may not be answered while we do something else.
            load.prepare()
        self.asked = now = time.monotonic()
        if load:
            load.stop(now if self.plan.engine == "local" else now + ENGINE_TAKES)
        self.executions.schedule(self.timers, now, before=False)
        if self.plan.way is Way.TWICE:
            self.timers.at(now + self.plan.again, self._repeat)
        if self.grace > LOOK_BEFORE_KILL:
            self.timers.at(now + self.grace - LOOK_BEFORE_KILL, self._look)
        self._announce(signal, now)
        if self.plan.way is Way.KILL:
            ending = self.container.kill()
        else:
            ending = self.container.stop(self.grace, self.signal.number)
        if ending.killed and self.plan.way is not Way.KILL:
            self._announce(KILL, now + self.grace)
        if load:
            load.ended(time.monotonic())
        return ending

    def _tell(self, ending: Ending, ready: Ready, load: Load | None, *, asked: bool) -> Timeline:
        self.timers.close()
        self.progress.phase("reading what was observed")
        with HeldBack():
            seen = self.observer.finish()
        last = next((one.at for one in reversed(seen.events) if isinstance(one, Died) and one.pid == 1), None)
        zero = _zero(seen.events, self.signal if self.plan.way is not Way.KILL else KILL, self.asked)
        if last is not None and (not asked or last < zero - SKEW):
            # It was quicker than our signal.
            asked, zero = False, last
        self.notes += [*self.executions.notes, *self.executions.missed()]
        if self.plan.way is Way.TWICE and not self.repeated:
            self.notes.append(f"{self.signal} was not sent a second time: the container had ended before")
        self.notes += [f"while the container ran: {error}" for error in self.timers.errors]
        if ending.note:
            self.notes.append(ending.note)
        if dropped := self.container.dropped.size:
            self.notes.append(f"it printed too much to keep: {format_size(dropped)} left out")
        events: list[Event] = [*seen.events, *self.holdings.settle()]
        events += [Printed(line.at, line.stream, line.text) for line in self.container.lines]
        events += self.executions.printed
        return Timeline(
            events=shifted(events, zero),
            stop=Stop(
                signal=self.signal if self.plan.way is not Way.KILL else KILL,
                grace=self.grace,
                took=max(0.0, last - zero if last is not None else ending.took) if asked else 0.0,
                killed=ending.killed,
                exit=ending.status,
                way=self.plan.way,
                asked=asked,
            ),
            witness=seen.witness,
            engine=self.plan.engine,
            ready=replace(ready, at=None if ready.at is None else ready.at - zero),
            traffic=load.result(zero) if load else None,
            notes=tuple(self.notes),
        )

    def _repeat(self) -> None:
        """Send the stop signal a second time, to a container that is still there."""
        if self.container.wait(0.0) is None:
            self.repeated = True
            self._announce(self.signal, time.monotonic())
            self.container.send(self.signal.number)

    def _announce(self, signal: Signal, at: float) -> None:
        """Tell an observer that cannot see them of the signals that we send from outside."""
        sent = getattr(self.observer, "sent", None)
        if sent is not None:
            with HeldBack():
                sent(signal.number, at)

    def _look(self) -> None:
        with HeldBack(), suppress(OSError, EngineError):
            self.holdings.look(self.container.members(), self.container.pid)

    def _count(self) -> bool:
        """End a container that forks without end; otherwise it is counted again."""
        most, crowd = self.plan.most, self.plan.crowd
        if self.observer.born > most:
            self.notes.append(f"killed by endwell: it had made more than {most} processes")
        elif _running() > crowd and len(self.container.members()) > crowd:
            self.notes.append(f"killed by endwell: it had more than {crowd} processes at once")
        else:
            return True
        self._announce(KILL, time.monotonic())
        self.container.send(KILL.number)
        return False


def _running() -> int:
    """How many threads this machine has: cheaply, whether it is worth counting a container's."""
    return int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2])


def _zero(events: Iterable[Event], signal: Signal, asked: float) -> float:
    """The instant of the stop: when the kernel generated the signal for PID 1, else when we asked for it."""
    for event in events:
        if (
            isinstance(event, Signalled)
            and (event.pid, event.signal, event.sender.kind) == (1, signal, Origin.OUTSIDE)
            and event.at >= asked - SKEW
        ):
            return event.at
    return asked
