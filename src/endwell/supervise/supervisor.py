"""The thin loop that performs what the machine decides.

`machine.ensemble` says what is to be done, and this does it and says what came of it, nothing else: every
decision that could be tested without a process is made there. Three things are decided here, because they are
about processes the machine does not see. What a service's last process has left behind is ended before its
next one is spawned, so that there are never two of them (`clearing`). A signal to the supervisor is a wish to
stop. And when all is over, what services have written is still passed on, for as long as there is time.
"""

from __future__ import annotations

import math
import signal
from functools import partial
from typing import TYPE_CHECKING

from endwell.machine.act import Act, Refused, RollingDone
from endwell.machine.effect import Announce, Cancel, Kill, Run, Send, Spawn
from endwell.machine.ending import KillRest, Over, TellRest
from endwell.machine.ensemble import Ensemble
from endwell.machine.event import Died, Gone, SpawnFailed
from endwell.machine.outcome import Outcome
from endwell.machine.reloading import Cleared, Dropped, Renewing, Swapped
from endwell.machine.replica import Phase
from endwell.machine.state import State
from endwell.model.stopping import StopPlan
from endwell.supervise.agenda import Agenda
from endwell.supervise.children import Children
from endwell.supervise.clearing import Clearing
from endwell.supervise.hook_runs import HookRuns
from endwell.supervise.last_plan import LastPlan
from endwell.supervise.processes import Processes, Told
from endwell.supervise.rest import Rest
from endwell.supervise.workshop import Workshop
from endwell.system import tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from endwell.machine.event import Event
    from endwell.model.process import End
    from endwell.model.project import Project
    from endwell.supervise.account import Account
    from endwell.supervise.mistakes import Mistakes
    from endwell.supervise.recipe import Recipe
    from endwell.supervise.streams import Streams
    from endwell.supervise.workshop import Running
    from endwell.system.loop import Loop, Timer

Key = tuple[str, int]

REST_TIME = 0.5  # seconds of the grace for those who belong to no service
STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})
SIGNALS = (*STOP_SIGNALS, signal.SIGCHLD, signal.SIGHUP, signal.SIGUSR2)
UNWANTED = "it is no longer wanted"


class Supervisor:
    """The services of a project, run.

    Args:
        project: what the file says.
        loop: for waiting.
        streams: where output goes.
        recipe: how programs are started.
        account: of the stop.
        mistakes: of our own.
        last_plan: where it is noted how far it has come, should it be killed; None: nowhere.

    Attributes:
        ensemble: what is decided.
        listeners: called with each act that is news: Spawned, SpawnFailed, HooksDone, Kill, Announce,
            Refused, RollingDone, Outcome, Renewing, Swapped, Dropped and Over.
        on_stop: called when the end of everything is asked for, with the reason; each time.
        on_reopen: called when log files are opened anew.
        on_rest: called when all services are over, before who is left is told to end.
        hangup: called at SIGHUP.
        hurries: whether a further stop signal hurries the stop.
        processes: of the replicas.
    """

    def __init__(  # noqa: PLR0913  what it brings together
        self,
        project: Project,
        loop: Loop,
        streams: Streams,
        recipe: Recipe,
        account: Account,
        *,
        mistakes: Mistakes,
        last_plan: LastPlan | None = None,
    ) -> None:
        self.ensemble = Ensemble(project, REST_TIME)
        self.listeners: list[Callable[[Act], None]] = []
        self.on_stop: list[Callable[[str], None]] = []
        self.on_reopen: list[Callable[[], None]] = []
        self.on_rest: list[Callable[[], None]] = []
        self.hangup: Callable[[], None] = _nothing
        self.hurries = True
        self.account = account
        self._project = project
        self._loop = loop
        self._streams = streams
        self._children = Children(self.ensemble.lives)
        self._workshop = Workshop(loop, streams, self._children, recipe)
        self._last_plan = last_plan or LastPlan()
        lives = self.ensemble.lives
        told = Told(self._tell, self._main_ended, self._publish, self._inform)
        self.processes = Processes(loop, self._workshop, self._children, lives, self._last_plan, told=told)
        self._hooks = HookRuns(loop, self._workshop, self._children, lives, self._tell, failed=self._publish)
        self._clearing = Clearing(
            loop, self._children, lambda key: self._tell(key, Gone()), self.processes.spawn
        )
        self._agenda = Agenda(loop, self._do, self._mistaken, self._set_alarm)
        self._alarm: Timer | None = None
        self._alarm_at = math.inf
        self._rest = Rest(loop, self._children, account, self._rest_gone)
        self._collecting: Timer | None = None
        self._done = False
        self._mistakes = mistakes

    # ------------------------------------------------------------------------------------------- from outside

    def listen(self) -> None:
        """Take signals from now on; before, one that wants a stop ends us."""
        self._loop.handle(SIGNALS, self.signalled)

    def start(self) -> None:
        """Start all that start by themselves."""
        tree.adopt_orphans()
        self._inform(self._leave_word)
        self._perform(self.ensemble.start(None, self._loop.now()))

    def run(self) -> None:
        """Go on until the end has come; a mistake of our own is no reason to leave services alone."""
        while not self._done:
            self._turn()
        self._flush()

    def signalled(self, number: int) -> None:
        """Take a signal."""
        if number == signal.SIGCHLD:
            self._collect()
        elif number == signal.SIGUSR2:
            self.reopen()
        elif number == signal.SIGHUP:
            self.hangup()
        elif number in STOP_SIGNALS and (self.hurries or self.ensemble.ending is None):
            self.stop(signal.Signals(number).name)

    def reopen(self) -> None:
        """Open all log files anew by their paths: somebody has put them aside."""
        self._streams.reopen()
        for call in self.on_reopen:
            self._inform(call)

    def stop(self, reason: str) -> None:
        """End everything within the grace; asked again, hurry."""
        now = self._loop.now()
        for call in self.on_stop:
            self._inform(partial(call, reason))
        self._tell_visitors()
        self.account.begin(reason, self.ensemble.lives.values(), now)
        self._perform(self.ensemble.shutdown(now))

    @property
    def children(self) -> Children:
        """Every process below us."""
        return self._children

    @property
    def workshop(self) -> Workshop:
        """Where programs are started."""
        return self._workshop

    def running(self, key: Key) -> Running | None:
        """Return the process of a replica, if it has one."""
        return self.processes.running.get(key)

    def do(self, acts: Iterable[Act]) -> None:
        """Perform what a method of `ensemble` has returned, for whoever calls one from a callback."""
        self._perform(acts)

    def close(self) -> None:
        """Give back what it holds."""
        self.processes.close()

    @property
    def leave_by(self) -> float:
        """When we have to be on our way out; now, if nobody has asked for the end."""
        ending = self.ensemble.ending
        return (
            self._loop.now() if ending is None else ending.asked + StopPlan(grace=self._project.grace).leave
        )

    @property
    def behind(self) -> bool:
        """Whether something is left to be done in the next turn of the loop."""
        return self._agenda.behind

    # ----------------------------------------------------------------------------------------------- the loop

    def _turn(self) -> None:
        self._agenda.turn()
        try:
            self._loop.turn()
        except Exception as error:  # noqa: BLE001  whatever it is, those who run have to be ended well
            self._mistaken(error)

    def _mistaken(self, error: Exception) -> None:
        self._set_alarm()  # it may have come between an alarm and the next one
        if self._mistakes.note(error):
            # Whatever cannot be done, this can: nobody is left behind.
            self._children.kill_all()
            self.account.begin("too many mistakes of endwell's own", (), self._loop.now())
            self.account.late = tuple(self.processes.running)
            self._done = True

    def _tell(self, key: Key, event: Event) -> None:
        self._perform(self.ensemble.handle(key, event, self._loop.now()))

    def _perform(self, acts: Iterable[Act]) -> None:
        self._agenda.add(acts)

    def _set_alarm(self) -> None:
        wake = self.ensemble.wake
        if wake != self._alarm_at:
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm_at = wake
            self._alarm = self._loop.at(wake, self._tick)

    def _tick(self) -> None:
        self._alarm_at = math.inf
        self._perform(self.ensemble.tick(self._loop.now()))

    def _do(self, act: Act) -> None:
        key, effect = act
        if key is None:
            self._do_for_all(act)
            return
        match effect:
            case Spawn():
                self._spawn_when_clear(key)
            case Send():
                self.processes.send(key, effect)
            case Kill():
                self._publish(act)
                self._children.kill(key)
                self._last_plan.killed(key, self._loop.now())
            case Run():
                self._hooks.begin(key, effect)
            case Cancel():
                self._hooks.cancel(key, effect.moment)
            case Announce():
                if effect.state is State.STOPPING and effect.was is not State.STOPPING:
                    self._last_plan.asked(key, self._loop.now())
                self._announced(key, effect)
                self._publish(act)
            case Refused() | RollingDone():
                self._publish(act)

    def _do_for_all(self, act: Act) -> None:
        match act.effect:
            case Outcome():
                self._tell_visitors()
                self.account.outcome = act.effect
                # The machine has told services at the time of its own, before this is performed.
                ending = self.ensemble.ending
                asked = self._loop.now() if ending is None else ending.asked
                self.account.begin(act.effect.why, self.ensemble.lives.values(), asked)
                self._publish(act)
            case Cleared():
                self._perform(self.ensemble.swap(self._loop.now()))
            case Swapped():
                self._swapped(act.effect)
                self._publish(act)
            case Renewing() | Dropped():
                self._publish(act)
            case TellRest():
                for call in self.on_rest:
                    self._inform(call)
                self._rest.tell()
            case KillRest():
                self.account.killed_last = frozenset(self.processes.running)
                self._rest.kill({running.child.process.pid for running in self.processes.running.values()})
            case Over():
                self.account.late = act.effect.late
                self.account.over = self._loop.now()
                self._done = True
                self._publish(act)

    def _tell_visitors(self) -> None:
        if self.account.asked is None:
            self._inform(self._rest.tell_visitors)

    def _swapped(self, swapped: Swapped) -> None:
        """Take note of who there is now: those who are gone are forgotten, before others are started."""
        self._project = swapped.project
        self.account.given = swapped.project.given
        self._streams.expect(swapped.project.services)
        self._children.orphans.know(self.ensemble.lives)
        self._inform(self._leave_word)
        self._clearing.forget(swapped.removed)
        self._hooks.forget(swapped.removed)
        for key in swapped.adjusted:
            self.processes.adjust(key)

    def _leave_word(self) -> None:
        self._last_plan.publish(self._project, self._children.orphans.marks(self.ensemble.lives))

    def _inform(self, call: Callable[[], bool | None]) -> bool:
        try:
            return bool(call())
        except Exception as error:  # noqa: BLE001  nor are they worth what was to be done for it
            self._mistaken(error)
            return False

    def _publish(self, act: Act) -> None:
        for listener in self.listeners:
            try:
                listener(act)
            except Exception as error:  # noqa: BLE001  news are not worth a service
                self._mistaken(error)

    # -------------------------------------------------------------------------------------------------- spawn

    def _spawn_when_clear(self, key: Key) -> None:
        if self.ensemble.lives[key].phase is Phase.ABORTING:
            self._tell(key, SpawnFailed(UNWANTED))
            return
        if self._clearing.enter(key, self.ensemble.lives[key].spec.stop_timeout):
            self.processes.spawn(key)

    # ------------------------------------------------------------------------------------------- what happens

    def _collect(self) -> None:
        """Collect who has ended, and say so."""
        ended = self._children.collect()
        # They are collected: whoever is not told of it now never is, whatever else goes wrong here.
        self._inform(self._children.kill_newcomers)
        if self._clearing.pending or any(child.main for child, _ in ended):
            self._inform(self._children.orphans.look)
        for child, end in ended:
            self._inform(partial(child.ended, end))
        self._clearing.look()
        self._rest.look()
        if self._children.more and self._collecting is None:
            self._collecting = self._loop.at(self._loop.now(), self._collect_more)

    def _collect_more(self) -> None:
        """Collect those who have ended in greater numbers than others were to wait for."""
        self._collecting = None
        self._collect()

    def _main_ended(self, key: Key, end: End) -> None:
        self._tell(key, Died(end, self._clearing.leave(key)))

    def _rest_gone(self) -> None:
        self._perform(self.ensemble.rest_gone(self._loop.now()))

    def _announced(self, key: Key, news: Announce) -> None:
        if news.state is State.STOPPING and self._clearing.give_up(key):
            self._tell(key, SpawnFailed(UNWANTED))
        elif news.state is State.RUNNING:
            self.processes.check(key)
        else:
            self.processes.rest(key)

    # ------------------------------------------------------------------------------------------------ the end

    def _flush(self) -> None:
        """Pass on what services have written, for as long as there is time."""
        by = self.leave_by
        self._streams.finish()
        timer = self._loop.at(by, _nothing)  # so that the last turn ends in time
        while not self._streams.empty and self._loop.now() < by:
            self._turn()
        timer.cancel()
        self.account.lost = self._streams.close()


def _nothing() -> None:
    pass
