"""Timelines that read like stories.

story = Story()
    shell = story.start("sh", "-c", "app; true")
    app = story.fork("app")
    story.stop(Fate.DISCARDED)
    story.engine_kills()
    report = story.judge()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.signals import KILL, TERM, Signal
from endwell.model.timeline import (
    Adopted,
    Born,
    Died,
    Executed,
    Fate,
    Holding,
    OpenFile,
    Origin,
    Printed,
    Ready,
    Reaped,
    Sender,
    Signalled,
    Stop,
    Timeline,
    Way,
    Witness,
)
from endwell.model.traffic import Group, Outcome, Request, Traffic
from endwell.records import replace
from endwell.rules import judge

if TYPE_CHECKING:
    from endwell.model.report import Report
    from endwell.model.timeline import Event

OUTSIDE = Sender(Origin.OUTSIDE)


class Story:
    """A container's life, told in order; numbers are given out from 1 on."""

    def __init__(
        self, *, grace: float = 10.0, signal: Signal = TERM, way: Way = Way.STOP, lost: int = 0
    ) -> None:
        self.events: list[Event] = []
        self.how = Stop(signal=signal, grace=grace, way=way)
        self.witness = Witness("story", lost=lost)
        self.ready = Ready("settled", -0.1)
        self.requests: list[Request] = []
        self.alive: dict[int, float] = {}
        self.last = 0

    # ---------------------------------------------------------------------------------- before the stop

    def start(self, *argv: str, at: float = -2.0) -> int:
        """PID 1 is started."""
        return self.fork(*argv, parent=0, at=at)

    def fork(self, *argv: str, parent: int = 1, at: float = -1.0) -> int:
        """A process is forked, and becomes a program if one is named."""
        self.last += 1
        self.events.append(Born(at, self.last, parent))
        self.alive[self.last] = at
        if argv:
            self.execute(self.last, *argv, at=at)
        return self.last

    def execute(self, pid: int, *argv: str, at: float) -> None:
        """A process becomes another program."""
        self.events.append(Executed(at, pid, argv))

    def never_ready(self, what: str) -> None:
        """What was waited for did not come."""
        self.ready = Ready(what, None)

    # ------------------------------------------------------------------------------------------ the stop

    def stop(self, fate: Fate, at: float = 0.0) -> None:
        """The engine sends the stop signal to PID 1."""
        self.events.append(Signalled(at, 1, self.how.signal, OUTSIDE, fate))

    def tell(
        self, pid: int, fate: Fate, at: float = 0.01, *, by: int = 1, signal: Signal = TERM, times: int = 1
    ) -> None:
        """A process inside sends a signal."""
        sender = Sender(Origin.PROCESS, by)
        self.events.extend(Signalled(at, pid, signal, sender, fate) for _ in range(times))

    def adopt(self, pid: int, at: float, parent: int = 1) -> None:
        """A process gets another parent."""
        self.events.append(Adopted(at, pid, parent))

    def hold(self, pid: int, *files: OpenFile, at: float = 0.0) -> None:
        """A process has files open for writing."""
        self.events.append(Holding(at, pid, files))

    def prints(self, text: str, at: float = -0.6) -> None:
        """A line of output."""
        self.events.append(Printed(at, "stderr", text))

    # -------------------------------------------------------------------------------------------- the end

    def exits(self, pid: int, code: int = 0, at: float = 0.1, *, reaped_by: int | None = 1) -> None:
        """A process ends by itself."""
        self.events.append(Died(at, pid, code=code))
        self._gone(pid, at, reaped_by)

    def dies(
        self, pid: int, signal: Signal, at: float = 0.02, *, by: int | None = None, reaped_by: int | None = 1
    ) -> None:
        """A signal ends a process."""
        sender = None if by is None else Sender(Origin.PROCESS, by) if by else OUTSIDE
        self.events.append(Died(at, pid, signal=signal, sender=sender))
        self._gone(pid, at, reaped_by)

    def leaves(self, code: int = 0, at: float = 0.1) -> None:
        """PID 1 ends by itself, and the kernel kills whoever is left."""
        self.events.append(Died(at, 1, code=code))
        self._over(at, killed=False, status=code)

    def crashes(self, signal: Signal, at: float = 0.1) -> None:
        """PID 1 dies of a signal, and the kernel kills whoever is left."""
        self.events.append(Died(at, 1, signal=signal))
        self._over(at, killed=False, status=128 + signal.number)

    def engine_kills(self, at: float | None = None) -> None:
        """The engine kills PID 1, and the kernel whoever is left."""
        when = self.how.grace if at is None else at
        self.events.append(Signalled(when, 1, KILL, OUTSIDE, Fate.DEFAULT))
        self.events.append(Died(when, 1, signal=KILL, sender=OUTSIDE))
        self._over(when, killed=True, status=137)

    def ends_unasked(self, code: int = 0) -> None:
        """PID 1 ends before anybody asks it to."""
        self.leaves(code, at=-0.5)
        self.how = replace(self.how, asked=False)

    def _gone(self, pid: int, at: float, reaped_by: int | None) -> None:
        self.alive.pop(pid, None)
        if reaped_by is not None:
            self.events.append(Reaped(at, pid, reaped_by))

    def _over(self, at: float, *, killed: bool, status: int) -> None:
        self.alive.pop(1, None)
        for pid in tuple(self.alive):
            sender = Sender(Origin.NAMESPACE, 1)
            self.events.append(Signalled(at, pid, KILL, sender, Fate.DEFAULT))
            self.events.append(Died(at, pid, signal=KILL, sender=sender))
            self._gone(pid, at, 1)
        self.how = replace(self.how, took=max(0.0, at), killed=killed, exit=status)

    # ----------------------------------------------------------------------------------------- the traffic

    def request(self, group: Group, outcome: Outcome, times: int = 1, *, sent: float = -0.1) -> None:
        """Requests of one kind fare alike."""
        self.requests.extend(Request(group, sent, 0.1, outcome) for _ in range(times))

    # ----------------------------------------------------------------------------------------- the judgment

    def timeline(self) -> Timeline:
        """Everything told so far."""
        return Timeline(
            events=tuple(sorted(self.events, key=lambda event: event.at)),
            stop=self.how,
            witness=self.witness,
            ready=self.ready,
            traffic=Traffic("http://127.0.0.1:8080/", tuple(self.requests)) if self.requests else None,
        )

    def judge(self) -> Report:
        """What there is to say about it."""
        return judge(self.timeline())

    def codes(self) -> list[str]:
        """The codes of the findings."""
        return [finding.rule for finding in self.judge().findings]
