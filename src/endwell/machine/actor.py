"""One process of a story while it is told: threads, programs, parents, and how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.machine.mailbox import Mailbox
from endwell.records import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Iterable

    from endwell.machine.mailbox import Sent
    from endwell.machine.question import Found


_WEXITED, _WNOWAIT, _P_PID = 4, 0x1000000, 1


@dataclass(slots=True)
class Program:
    """What a process executed: the kernel's path, and the command line if it was read in time."""

    at: float
    order: int
    path: str
    argv: tuple[str, ...] = ()


@dataclass(slots=True)
class Mark:
    """Something that happened at an instant, at its place in the story; `by` is who did it, None: outside."""

    at: float
    order: int
    by: Actor | None = None


@dataclass(slots=True)
class Collecting:
    """A waitid that takes what it finds: when it succeeded, and for which process it is, None for any."""

    pid: int | None
    mark: Mark | None = None


@dataclass(slots=True, eq=False)
class Actor:
    """A process; `host` is its number on the host, `pid` inside, None until its parent's clone returned.

    `parent` forked it and `keeper` would collect it; with a `sibling`, which made it for its own parent,
    both are known at the end. `notices` are the SIGCHLDs its end sent, `collects` its waitids that
    succeeded, `adopts` whether it is a subreaper, `leaving` when it called exit_group, `glimpsed` when it
    was found in /proc, `attending` the waitids its threads are in: None for one that collects nothing.
    """

    host: int
    born: Mark
    pid: int | None = None
    parent: Actor | None = None
    keeper: Actor | None = None
    sibling: Actor | None = None
    threads: set[int] = field(default_factory=set)
    programs: list[Program] = field(default_factory=list)
    box: Mailbox = field(default_factory=Mailbox)
    died: Mark | None = None
    code: int | None = None
    cause: Sent | None = None
    reaped: Mark | None = None
    freed: Mark | None = None
    notices: list[Actor | None] = field(default_factory=list)
    attending: dict[int, Collecting | None] = field(default_factory=dict)
    collects: list[Collecting] = field(default_factory=list)
    adopts: bool = False
    leaving: float | None = None
    glimpsed: float | None = None

    @classmethod
    def met(cls, at: float, order: int, one: Found, keeper: Actor | None) -> Actor:
        """Return who was found in /proc at an instant."""
        actor = cls(one.tid, Mark(one.born, order), one.inside, keeper, keeper, glimpsed=at)
        actor.threads.update(one.threads)
        actor.programs.append(Program(one.born, order, one.argv[0] if one.argv else one.path))
        return actor

    def leave(self, at: float, code: int) -> None:
        """Note that it calls exit_group; the first thread that does decides the status."""
        if self.leaving is None:
            self.leaving = at
            self.code = code & 0xFF

    def attend(self, tid: int, numbers: tuple[int, ...], mark: Mark) -> None:
        """Note that a thread calls waitid (kind of number, number, options), or that it succeeded (0)."""
        if len(numbers) > 1:
            kind, number, options = numbers
            takes = options & _WEXITED and not options & _WNOWAIT
            self.attending[tid] = Collecting(number if kind == _P_PID else None) if takes else None
        elif (one := self.attending.pop(tid, Collecting(None))) is not None and numbers[0] == 0:
            one.mark = mark
            self.collects.append(one)

    def alive(self, at: float) -> bool:
        """Whether it had not ended before an instant."""
        return self.died is None or self.died.at > at

    def execute(self, program: Program) -> None:
        """Note that it became another program."""
        self.programs.append(program)
        self.box.execute()

    def number(self, known: Iterable[tuple[float, int]]) -> None:
        """Take the number inside that somebody read while it lived, if its parent's clone has told none."""
        if self.pid is None:
            mine = (number for at, number in known if self.born.at < at and self.alive(at))
            self.pid = next(mine, None)

    @property
    def unexplained(self) -> bool:
        """Whether it ended, and no record tells why."""
        return self.died is not None and self.code is None and self.cause is None

    def end(self) -> None:
        """Settle how it ended and what became of its signals."""
        died = self.died.at if self.died else None
        left = self.leaving
        if left is None and self.code is not None and not self.box.struck:
            left = died  # its last thread called exit(2)
        self.cause = self.box.end(left, died)
        if self.cause is not None or left is None:
            self.code = None
