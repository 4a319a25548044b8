"""The thin loop that performs what the machine decides.

`machine.ensemble` says what is to be done, and this does it and says what came of it, nothing else: every
decision that could be tested without a process is made there. Three things are decided here, because they are
about processes the machine does not see. What a service's last process has left behind is ended before its
next one is spawned, so that there are never two of them. A signal to the supervisor is a wish to stop. And
when all is over, what services have written is still passed on, for as long as there is time.
"""

from __future__ import annotations

import math
import signal
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from endwell.machine.effect import Announce, Cancel, Kill, Run, Send, Spawn
from endwell.machine.ending import KillRest, Over, TellRest
from endwell.machine.ensemble import Act, Ensemble, Refused, RollingDone
from endwell.machine.event import Answer, Died, Gone, HooksDone, Moment, Ready, Spawned, SpawnFailed
from endwell.machine.outcome import Outcome
from endwell.machine.state import State
from endwell.model.stopping import Audience, StopPlan
from endwell.supervise.children import Children
from endwell.supervise.hooks import HookRun, Starter
from endwell.supervise.rest import TELL, Rest
from endwell.supervise.workshop import Workshop
from endwell.system import tree
from endwell.system.spawn_error import SpawnError

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


class Supervisor:
    """The services of a project, run.

    Args:
        project: what the file says.
        loop: for waiting.
        streams: where output goes.
        recipe: how programs are started.
        account: of the stop.
        mistakes: of our own.

    Attributes:
        ensemble: what is decided.
        listeners: called with each act that is news: Announce, Refused, RollingDone, Outcome and Over.
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
    ) -> None:
        self.ensemble = Ensemble(project, REST_TIME)
        self.listeners: list[Callable[[Act], None]] = []
        self.account = account
        self._project = project
        self._loop = loop
        self._streams = streams
        self._children = Children(self.ensemble.lives)
        self._workshop = Workshop(loop, streams, self._children, recipe)
        self._running: dict[Key, Running] = {}
        self._hooks: dict[tuple[Key, Moment], HookRun] = {}
        self._leaving: dict[Key, None] = {}  # their process has ended, others of its tree have not
        self._clearing: dict[Key, Timer] = {}  # to be spawned when what the last one has left has ended
        self._lived: set[Key] = set()
        self._acts: deque[Act] = deque()
        self._busy = False
        self._alarm: Timer | None = None
        self._alarm_at = math.inf
        self._rest = Rest(loop, self._children, account, self._rest_gone)
        self._done = False
        self._mistakes = mistakes

    # ------------------------------------------------------------------------------------------- from outside

    def start(self) -> None:
        """Start all that start by themselves."""
        tree.adopt_orphans()
        self._loop.handle(SIGNALS, self.signalled)
        self._perform(self.ensemble.start(None, self._loop.now()))

    def run(self) -> None:
        """Go on until the end has come; a mistake of our own is no reason to leave services alone."""
        while not self._done:
            try:
                self._loop.turn()
            except Exception as error:  # noqa: BLE001  whatever it is, those who run have to be ended well
                self._mistaken(error)
        self._flush()

    def signalled(self, number: int) -> None:
        """Take a signal."""
        if number == signal.SIGCHLD:
            self._collect()
        elif number == signal.SIGUSR2:
            self._streams.reopen()
        elif number in STOP_SIGNALS:
            self.stop(signal.Signals(number).name)

    def stop(self, reason: str) -> None:
        """End everything within the grace; asked again, hurry."""
        now = self._loop.now()
        self.account.begin(reason, self.ensemble.lives.values(), now)
        self._perform(self.ensemble.shutdown(now))

    def do(self, acts: Iterable[Act]) -> None:
        """Perform what a method of `ensemble` has returned, for whoever calls one from a callback."""
        self._perform(acts)

    def close(self) -> None:
        """Give back what it holds."""
        for running in self._running.values():
            running.close()

    # ----------------------------------------------------------------------------------------------- the loop

    def _mistaken(self, error: Exception) -> None:
        self._set_alarm()  # it may have come between an alarm and the next one
        if self._mistakes.note(error):
            # Whatever cannot be done, this can: nobody is left behind.
            self._children.kill_all()
            self.account.begin("too many mistakes of endwell's own", (), self._loop.now())
            self.account.late = tuple(self._running)
            self._done = True

    def _tell(self, key: Key, event: Event) -> None:
        self._perform(self.ensemble.handle(key, event, self._loop.now()))

    def _perform(self, acts: Iterable[Act]) -> None:
        """Do what is to be done, in order; what follows from it is done after it."""
        self._acts.extend(acts)
        if self._busy:
            return
        self._busy = True
        try:
            while self._acts:
                act = self._acts.popleft()
                try:
                    self._do(act)
                except Exception as error:  # noqa: BLE001  what others need done is done all the same
                    self._mistaken(error)
        finally:
            self._busy = False
        self._set_alarm()

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
                self._send(key, effect)
            case Kill():
                self._children.kill(key)
            case Run():
                self._run_hooks(key, effect)
            case Cancel():
                if (hooks := self._hooks.pop((key, effect.moment), None)) is not None:
                    hooks.cancel()
            case Announce():
                self._announced(key, effect)
                self._publish(act)
            case Refused() | RollingDone():
                self._publish(act)

    def _do_for_all(self, act: Act) -> None:
        match act.effect:
            case Outcome():
                self.account.outcome = act.effect
                # The machine has told services at the time of its own, before this is performed.
                ending = self.ensemble.ending
                asked = self._loop.now() if ending is None else ending.asked
                self.account.begin(act.effect.why, self.ensemble.lives.values(), asked)
                self._publish(act)
            case TellRest():
                self._rest.tell()
            case KillRest():
                self.account.killed_last = frozenset(self._running)
                self._rest.kill({running.child.process.pid for running in self._running.values()})
            case Over():
                self.account.late = act.effect.late
                self.account.over = self._loop.now()
                self._done = True
                self._publish(act)

    def _publish(self, act: Act) -> None:
        for listener in self.listeners:
            try:
                listener(act)
            except Exception as error:  # noqa: BLE001  news are not worth a service
                self._mistaken(error)

    # -------------------------------------------------------------------------------------------------- spawn

    def _spawn_when_clear(self, key: Key) -> None:
        if key in self._lived:
            self._children.look()
            if self._children.left(key):
                self._children.send_tree(key, TELL)
                patience = self.ensemble.lives[key].spec.stop_timeout
                self._clearing[key] = self._loop.after(patience, partial(self._children.kill, key))
                return
        self._spawn(key)

    def _spawn(self, key: Key) -> None:
        self._lived.add(key)
        try:
            running = self._workshop.start(
                self.ensemble.lives[key].spec,
                ended=partial(self._main_ended, key),
                ready=partial(self._tell, key, Ready()),
            )
        except SpawnError as error:
            self._tell(key, SpawnFailed(error.reason, error.status))
            return
        self._running[key] = running
        self._tell(key, Spawned(running.child.process.pid))
        if running.waiting is not None:
            running.waiting.begin(running.outlets, running.user)

    # ------------------------------------------------------------------------------------------- what happens

    def _collect(self) -> None:
        """Collect who has ended, and say so."""
        ended = self._children.collect()
        if self._leaving or self._clearing or any(child.main for child, _ in ended):
            self._children.look()
        for child, end in ended:
            child.ended(end)
        for key in [key for key in self._leaving if not self._children.left(key)]:
            del self._leaving[key]
            self._children.spare(key)
            self._tell(key, Gone())
        for key in [key for key in self._clearing if not self._children.left(key)]:
            self._clearing.pop(key).cancel()
            self._spawn(key)
        self._rest.look()

    def _main_ended(self, key: Key, end: End) -> None:
        self._running.pop(key).close()
        left = self._children.left(key)
        if left:
            self._leaving[key] = None
        else:
            self._children.spare(key)
        self._tell(key, Died(end, left))

    def _rest_gone(self) -> None:
        self._perform(self.ensemble.rest_gone(self._loop.now()))

    def _announced(self, key: Key, news: Announce) -> None:
        running, spec = self._running.get(key), self.ensemble.lives[key].spec
        if key in self._clearing and news.state is State.STOPPING:
            self._clearing.pop(key).cancel()
            self._tell(key, SpawnFailed("it is no longer wanted"))
        elif running is not None and news.state is not State.RUNNING:
            running.rest()
        elif running is not None and spec.health is not None and running.checks is None:
            running.checks = self._workshop.check(spec, spec.health, partial(self._answered, key))

    def _answered(self, key: Key, healthy: bool) -> None:  # noqa: FBT001  an answer is yes or no
        self._tell(key, Answer(healthy))

    # -------------------------------------------------------------------------------------- signals and hooks

    def _send(self, key: Key, send: Send) -> None:
        numbers = [int(one) for one in send.signals]
        child = self._children.main(key)
        if send.to is Audience.TREE:
            self._children.send_tree(key, numbers)
        elif child is not None:
            to = child.process.send_group if send.to is Audience.GROUP else child.process.send
            for number in numbers:
                to(number)

    def _run_hooks(self, key: Key, run: Run) -> None:
        hooks = HookRun(
            run.moment,
            run.hooks,
            self._loop,
            Starter(
                partial(self._workshop.start_hook, self.ensemble.lives[key], run.moment),
                self._children.kill_child,
            ),
            partial(self._hooks_done, key, run.moment),
        )
        if (before := self._hooks.pop((key, run.moment), None)) is not None:
            before.cancel()
        self._hooks[key, run.moment] = hooks
        hooks.begin()

    def _hooks_done(self, key: Key, moment: Moment, failed: str) -> None:
        del self._hooks[key, moment]
        self._tell(key, HooksDone(moment, failed))

    # ------------------------------------------------------------------------------------------------ the end

    def _flush(self) -> None:
        """Pass on what services have written, for as long as there is time."""
        ending = self.ensemble.ending
        by = self._loop.now() if ending is None else ending.asked + StopPlan(grace=self._project.grace).leave
        self._streams.finish()
        timer = self._loop.at(by, _nothing)  # so that the last turn ends in time
        while not self._streams.empty and self._loop.now() < by:
            self._loop.turn()
        timer.cancel()
        self.account.lost = self._streams.close()


def _nothing() -> None:
    pass
