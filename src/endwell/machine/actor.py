"""One process of a story while it is told: threads, programs, parents, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from endwell.machine.mailbox import Mailbox

if TYPE_CHECKING:
    from endwell.machine.mailbox import Sent


@dataclass(slots=True)
class Program:
    """What a process executed: the kernel's path, and the command line if it was `read` in time."""

    at: float
    order: int
    path: str
    argv: tuple[str, ...] = ()
    read: float = 0.0


@dataclass(slots=True)
class Mark:
    """Something that happened at an instant, at its place in the story; `by` is who did it, None: outside."""

    at: float
    order: int
    by: Actor | None = None


@dataclass(slots=True, eq=False)
class Actor:
    """A process; `host` is its number on the host, `pid` inside, None until its parent's clone returned.

    `parent` forked it and `keeper` would collect it; with a `sibling`, which made it for its own parent,
    both are known at the end. `notices` are the SIGCHLDs its end sent, `collects` its waitids that
    succeeded, `adopts` whether it is a subreaper, `leaving` when it called exit_group, `glimpsed` when it
    was found in /proc.
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
    collects: list[Mark] = field(default_factory=list)
    adopts: bool = False
    leaving: float | None = None
    glimpsed: float | None = None

    def leave(self, at: float, code: int) -> None:
        """Note that it calls exit_group; the first thread that does decides the status."""
        if self.leaving is None:
            self.leaving = at
            self.code = code & 0xFF

    def alive(self, at: float) -> bool:
        """Whether it had not ended before an instant."""
        return self.died is None or self.died.at > at

    def execute(self, program: Program) -> None:
        """Note that it became another program; a command line read later than that was this one's."""
        self._doubt(program.at)
        self.programs.append(program)
        self.box.execute()

    def name(self, at: float, argv: tuple[str, ...]) -> None:
        """Take a command line whose reading was over at an instant."""
        if self.programs and argv:
            self.programs[-1].argv = argv
            self.programs[-1].read = at

    def die(self, mark: Mark) -> None:
        """Note that the last thread has ended; what was read later was of another process of that number."""
        self._doubt(mark.at)
        self.died = mark

    def _doubt(self, at: float) -> None:
        if self.programs and self.programs[-1].read >= at:
            self.programs[-1].argv = ()

    def end(self) -> None:
        """Settle how it ended and what became of its signals."""
        died = self.died.at if self.died else None
        left = self.leaving
        if left is None and self.code is not None and not self.box.struck:
            left = died  # its last thread called exit(2)
        self.cause = self.box.end(left, died)
        if self.cause is not None or left is None:
            self.code = None
