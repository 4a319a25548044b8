"""The supervisor was killed: its services are stopped all the same, in their order, each in its time.

This is what endwell-init runs as its --after-main hook when the supervisor has ended and has left others
behind: out of memory, a `kill -9`, a crash of the interpreter. Services are not restarted by anybody from
then on, and the container is about to end; what is missing is a good end.

Who is told, how, in which order and who was told already stands in the memory that the supervisor has left
with the init (`last_plan`). Who is there is what the kernel says: the services are the init's children now,
as we are, and each wears its replica's mark (`takeover_kin`). Their lives are taken up where they were
(`takeover_lives`), and from there the machine decides as it does for the supervisor: the same order, the
same budget, drain, hooks and SIGKILL, within the seconds that the init grants. Nothing here decides anything.

Those who belong to no service are not for us: when we leave, the init tells everybody who is left. It does so
too if this does not work out, whatever the reason: no plan, no time, a mistake. So the worst case is the one
without us, where all are told at once and have what is left of the grace.

The output of services goes on: with an heir to expect, the pipes they write to have another reader than the
supervisor (`logs.pipe`), so that nobody dies of a SIGPIPE in the middle of his end.
"""

from __future__ import annotations

import math
import os
import signal
import sys
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from endwell.machine.effect import Cancel, Kill, Run, Send
from endwell.machine.ending import KillRest, Over, Step, TellRest
from endwell.machine.ensemble import Ensemble
from endwell.machine.event import Died, Gone, HooksDone, KillingTime, Moment
from endwell.model.process import End
from endwell.model.stopping import Audience, StopPlan
from endwell.records import replace
from endwell.supervise import last_plan
from endwell.supervise.account import Account
from endwell.supervise.hooks import HookRun, Starter
from endwell.supervise.mistakes import where
from endwell.supervise.report_file import write_report
from endwell.supervise.takeover_hooks import HookStarter
from endwell.supervise.takeover_kin import Kin
from endwell.supervise.takeover_lives import take_up
from endwell.supervise.takeover_output import LastWords
from endwell.supervise.voice import Voice
from endwell.system.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from endwell.machine.act import Act
    from endwell.machine.event import Event
    from endwell.supervise.last_plan import Inheritance
    from endwell.system.loop import Timer

Key = tuple[str, int]

NOBODY_SAW = "ended, and nobody saw how"  # the init has collected it


class Takeover:
    """The end of a project whose supervisor is no more.

    Args:
        inheritance: what it has left.
        init: the number of our parent, whose children the services are now.
        left: seconds until we have to be done.
        loop: for waiting.
        account: of this stop.
        words: what services write.
    """

    def __init__(  # noqa: PLR0913  what it brings together
        self,
        inheritance: Inheritance,
        init: int,
        left: float,
        loop: Loop,
        account: Account,
        *,
        words: LastWords,
    ) -> None:
        self.ensemble = Ensemble(replace(inheritance.project, grace=left))
        self._rows = inheritance.rows
        self._told = inheritance.told
        self._telling = inheritance.telling
        self._doubtful = inheritance.doubtful
        self._loop = loop
        self._account = account
        self._kin = Kin(init, inheritance.marks, loop, self._ended)
        self._words = words
        self._starter = HookStarter(loop, inheritance.marks)
        self._hooks: dict[tuple[Key, Moment], HookRun] = {}
        self._acts: deque[Act] = deque()
        self._busy = False
        self._alarm: Timer | None = None
        self._done = False

    def hurry(self, _number: int) -> None:
        """Take the next step at once: somebody has asked again."""
        self._perform(self.ensemble.shutdown(self._loop.now()))

    def begin(self, reason: str) -> int:
        """Begin with those whose turn it is; returns how many services are there."""
        lives, now = self.ensemble.lives, self._loop.now()
        self._kin.expect(
            {row.pid: key for key, row in self._rows.items() if row.pid > 0}, self._told, self._doubtful
        )
        self._kin.look()
        self._kin.look()  # while others end, the kernel's list may leave somebody out
        for key, life in lives.items():
            self._words.hear(life.spec, self._kin.of(key))
        for key, row in self._rows.items():
            there = self._kin.of(key)
            main = row.pid if row.pid in there else 0
            if row.unknown:
                main = next((pid for pid, one in there.items() if one.leader), 0)
            take_up(lives[key], row, main, now, left=bool(there))
        present = [life for life in lives.values() if not life.clear]
        self._account.begin(reason, present, now)
        self._account.present = tuple(life.spec.key for life in present)
        self._perform(self.ensemble.shutdown(now))
        for key, row in self._rows.items():
            if not (pid := lives[key].pid) or not row.telling:
                continue
            self._kin.let_go_on(key, pid, group=lives[key].spec.stop_group)
            if not row.told:
                self._loop.at(self._half_time(key, now), partial(self._tell_again, key))
        if self._telling is not None and self._doubtful:
            again = partial(self._kin.tell_again, self._telling)
            self._loop.at(self._half_time(self._telling, now), again)
        return len(present)

    def _half_time(self, key: Key, now: float) -> float:
        life = self.ensemble.lives[key]
        return now + (life.timers.get(KillingTime, now + life.spec.stop_timeout) - now) / 2

    def _tell_again(self, key: Key) -> None:
        """It is there still, so perhaps it was not told."""
        spec = self.ensemble.lives[key].spec
        self._send(key, Send((spec.stop_signal,), Audience.GROUP if spec.stop_group else Audience.MAIN))

    def run(self) -> None:
        """Go on until they have ended, or the time is over."""
        while not self._done:
            self._loop.turn()

    # ------------------------------------------------------------------------------------------- what happens

    def _ended(self, pid: int, key: Key) -> None:
        life, left = self.ensemble.lives[key], bool(self._kin.of(key))
        if pid == life.pid:
            self._tell(key, Died(End(), left))
        elif not life.pid and not left:
            self._tell(key, Gone())
        ending = self.ensemble.ending
        if ending is not None and ending.step is Step.KILL:
            self._perform(self.ensemble.rest_gone(self._loop.now()))

    def _hooks_done(self, key: Key, moment: Moment, failed: str) -> None:
        del self._hooks[key, moment]
        self._say_failed(key, failed)
        self._tell(key, HooksDone(moment, failed))

    def _say_failed(self, key: Key, failed: str) -> None:
        if failed:
            self._words.say(f"{self.ensemble.lives[key].spec.label}: {failed}")

    def _tell(self, key: Key, event: Event) -> None:
        self._perform(self.ensemble.handle(key, event, self._loop.now()))

    def _tick(self) -> None:
        self._perform(self.ensemble.tick(self._loop.now()))

    # ------------------------------------------------------------------------------------- what is to be done

    def _perform(self, acts: Iterable[Act]) -> None:
        self._acts.extend(acts)
        if self._busy:
            return
        self._busy = True
        while self._acts:
            self._do(self._acts.popleft())
        self._busy = False
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._loop.at(self.ensemble.wake, self._tick)

    def _do(self, act: Act) -> None:
        key, effect = act
        match effect:
            case TellRest():
                self._done = True
            case KillRest():
                self._kill_all()
            case Over():
                self._account.late = effect.late
                self._done = True
            case Send() if key is not None:
                self._send(key, effect)
            case Kill() if key is not None:
                self._kin.kill(key)
            case Run() if key is not None:
                self._run_hooks(key, effect)
            case Cancel() if key is not None:
                if (hooks := self._hooks.pop((key, effect.moment), None)) is not None:
                    self._say_failed(key, hooks.cancel())

    def _send(self, key: Key, send: Send) -> None:
        main, numbers = self.ensemble.lives[key].pid, [int(one) for one in send.signals]
        if send.to is Audience.TREE:
            self._kin.send_tree(key, numbers)
            return
        if group := send.to is Audience.GROUP:
            self._kin.send_group(key, main, numbers)
        else:
            self._kin.send(main, numbers)
        self._kin.let_go_on(key, main, group=group)

    def _kill_all(self) -> None:
        left = [key for key, life in self.ensemble.lives.items() if not life.clear]
        self._account.killed_last = frozenset(left)
        for key in left:
            self._kin.kill(key)

    def _run_hooks(self, key: Key, run: Run) -> None:
        life = self.ensemble.lives[key]
        start = partial(self._starter.start, life, run.moment)
        hooks = HookRun(
            run.moment,
            run.hooks,
            self._loop,
            Starter(start, self._starter.kill),
            partial(self._hooks_done, key, run.moment),
        )
        self._hooks[key, run.moment] = hooks
        hooks.begin()


def take_over(descriptor: int, init: int, say: Callable[[str], None]) -> None:
    """Stop what a killed supervisor has left, and tell it.

    Args:
        descriptor: of the memory with its last plan.
        init: the number of our parent.
        say: says a line.
    """
    status = _status(os.environ.get("ENDWELL_STATUS", ""))
    how = _how(status)
    inheritance = last_plan.read(descriptor) if last_plan.is_ours(descriptor) else None
    if inheritance is None:
        say(f"the supervisor {how} and has left no plan: everybody is told now")
        return
    loop = Loop()
    left = max(0.0, _seconds(os.environ.get("ENDWELL_REMAINING", "")) - _age())
    by = loop.now() + StopPlan(grace=None if math.isinf(left) else left).leave
    account = Account(round(left, 2))
    words = LastWords(loop, inheritance.project.services, say)
    takeover = Takeover(inheritance, init, left, loop, account, words=words)
    lives = takeover.ensemble.lives
    loop.handle((signal.SIGTERM, signal.SIGINT, signal.SIGQUIT), takeover.hurry)
    count = takeover.begin(f"the supervisor {how}")
    say(f"the supervisor {how}: services that are there, stopped in their order: {count}")
    takeover.run()
    account.over = loop.now()
    account.lost = words.finish(by)
    for line in account.lines(lives.values()):
        say(line.replace(NOBODY_SAW, "ended"))
    if inheritance.report:
        report = account.report(lives.values()) | {"exit": status}
        write_report(inheritance.report, report, say)


def main() -> int:
    """Run as the init's hook; a mistake is told, and then the init tells everybody."""
    voice = Voice()
    try:
        take_over(last_plan.DESCRIPTOR, os.getppid(), voice.say)
    except Exception as error:  # noqa: BLE001  there is somebody else who goes on
        voice.say(f"a mistake of endwell's own, please report it: {where(error)}")
        return 1
    return 0


def _status(text: str) -> int | None:
    """Return the exit status that the container will have: the supervisor's, as a shell would show it."""
    return int(text) if text.isdecimal() else None


def _how(status: int | None) -> str:
    if status is not None and status > 128:  # noqa: PLR2004  shells add it to signals
        try:
            return f"was ended by {signal.Signals(status - 128).name}"
        except ValueError:
            pass
    return f"has left with {'nobody knows what' if status is None else status}"


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.inf  # without a grace the init grants all the time there is


def _age() -> float:
    """Return the seconds since we were started, which count already. Source: man 5 proc_pid_stat."""
    with open("/proc/self/stat", "rb") as file:  # noqa: PTH123  no pathlib in here
        text = file.read()
    ticks = int(text[text.rfind(b")") + 2 :].split()[19])
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"))


if __name__ == "__main__":
    sys.exit(main())
