"""What the supervisor leaves behind for the case that it is killed: the plan, and how far it has come.

Nobody who is killed can say last words, so they have to be there before: who is there, in which order they
are to be stopped, how, and who was told already. Where can they be put so that they outlive the supervisor at
every instant, and so that nothing has to be there for it?

    a file              needs a place that can be written: not with a read-only root and no /tmp
    the environment     is fixed when a process begins; the plan is not
    a second process    is killed as the first one is, when the memory runs out
    our socket's queue  takes descriptors, but gives none back singly, and is full at some point
    memory of the init  is what remains: a memfd, made before the init is, that both have open

The init keeps descriptor 3 open when it has an --after-main hook, and hands it on to that (csrc/spawn.c). It
knows nothing of what is in there. The supervisor has the same memory mapped, so that a note is a store to
memory, with no system call that could be interrupted, and holds at once whatever becomes of us.

    header   0: where the present area begins; 0: there is none
             1: whose tree is being told, by its place among the rows, from 1; 0: nobody's
             2: how many of them have been told; then their numbers, and the number of the one who is
                just being told, or 0
    area     0: how many bytes the plan has; then the plan: `marshal` of the project and the marks
             behind it, a row for each replica: eight numbers of eight bytes (`Column`)

A store of eight aligned bytes is not torn, not by a SIGKILL either. A new plan (a reload) is written to an
area of its own, the rows included, and becomes the present one with the store of its place. So a reader finds
a whole plan, the old one or the new one, and notes of which at most the last is missing.

Some notes come before what they are about: a process is about to be spawned, so that one whose number was
not noted any more is known by its mark; and somebody is about to be told. Between that note and the one that
it was done there may be a SIGKILL, most likely just after the signal was sent, when whom it wakes takes our
place on the processor. Nobody can know then whether that one was told. He is treated as one who was, and told
again only if he is still there when half of his time is over: once too often is better than never, and it can
be one process at most.

Can what he looks like not tell? A signal that still waits, as SigPnd and ShdPnd of /proc/PID/status show, was
sent, and one without a handler would be gone. But who heard it and goes on looks like one who never did: that
the signal is blocked may be his handler's doing or his own, and that he has run since then may have any
reason. By the time that we have been started all of them have run, so that nothing is left to be excluded.
Nor does Linux have a call that both sends a signal and leaves a note of it. What can be done is to have
nothing but the signal between the two notes: 1 or 2 microseconds of ours, where a look into /proc would make
it 20.
"""

from __future__ import annotations

import marshal
import mmap
import os
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from endwell.supervise.last_plan_values import from_plain, to_plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from endwell.model.project import Project

Key = tuple[str, int]

DESCRIPTOR = 3  # what the init keeps open, with an --after-main hook
_NAME = "endwell-last-plan"
_EXEC_IS_NOT_WANTED = 0x8  # MFD_NOEXEC_SEAL; needed where vm.memfd_noexec is 2, refused before Linux 6.3
_HEADER = 8
_TELLING, _COUNT, _FIRST = 1, 2, 3  # in the header, in words
_LAST = mmap.PAGESIZE // 8 - 1
_ABOUT_TO_BE = -1.0


class Column(IntEnum):
    """What is noted of a replica; instants are seconds on the monotonic clock, 0 before they have come."""

    PID = 0  # of its process; 0 without one; -1 between the decision to spawn it and its number
    ASKED = 1  # it was asked to stop, and is perhaps draining
    TOLD = 2  # it was sent its stop signal
    KILL_AT = 3  # when SIGKILL is due
    TREE_TOLD = 4  # those whom its process has left behind were told
    KILLED = 5  # it was sent SIGKILL
    TELLING = 6  # it is being sent its stop signal
    SPARE = 7


_ROW = len(Column)


class Row(NamedTuple):
    """The last known state of a replica, by the names of `Column`."""

    pid: int = 0
    asked: float = 0.0
    told: float = 0.0
    kill_at: float = 0.0
    tree_told: float = 0.0
    killed: float = 0.0
    telling: float = 0.0

    @property
    def unknown(self) -> bool:
        """Whether it was being spawned, so that there may be a process whose number is not noted."""
        return self.pid == _ABOUT_TO_BE


class Inheritance(NamedTuple):
    """A plan, as it was found.

    Args:
        project: the services.
        marks: what processes of each replica wear.
        rows: how far it has come, for each replica.
        report: where the account of the stop is to be written; empty for nowhere.
        telling: the replica that was just being told as a tree; None: none was.
        told: the numbers of those of it that had been told.
        doubtful: the number of the one of it of whom nobody knows whether he had; 0: there is none.
    """

    project: Project
    marks: Mapping[Key, int]
    rows: Mapping[Key, Row]
    report: str
    telling: Key | None = None
    told: tuple[int, ...] = ()
    doubtful: int = 0


def make() -> int:
    """Make the memory, and return a descriptor of it.

    Raises:
        OSError: there is none to be had.
    """
    try:
        return os.memfd_create(_NAME, os.MFD_CLOEXEC | _EXEC_IS_NOT_WANTED)
    except OSError:
        return os.memfd_create(_NAME, os.MFD_CLOEXEC)


def is_ours(descriptor: int) -> bool:
    """Return whether a descriptor is such a memory: one of that number may be anything."""
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}").startswith(f"/memfd:{_NAME}")  # noqa: PTH115  no pathlib in PID 1
    except OSError:
        return False


class LastPlan:
    """The writer's side; without a descriptor nothing is noted, and that is no error.

    Args:
        descriptor: of the memory; None: nobody would read it.
        report: where the account of the stop is to be written; empty for nowhere.
    """

    def __init__(self, descriptor: int | None = None, report: str = "") -> None:
        self._descriptor = descriptor
        self._report = report
        self._areas: list[tuple[int, int]] = []  # where each begins, and how long it is
        self._present = -1
        self._rows: memoryview[float] | None = None
        self._header: memoryview[int] | None = None
        self._places: dict[Key, int] = {}

    def publish(self, project: Project, marks: Mapping[Key, int]) -> None:
        """Have this plan found from now on; what was noted of the replicas that stay is kept.

        Raises:
            OSError: there is no memory left.
        """
        if self._descriptor is None:
            return
        text = marshal.dumps(to_plain((project, tuple(marks.items()), self._report)))
        rows = _HEADER + -(-len(text) // 8) * 8
        at, area = self._area(rows + len(marks) * _ROW * 8)
        area[:_HEADER] = len(text).to_bytes(8, "little")
        area[_HEADER : _HEADER + len(text)] = text
        area[rows:] = bytes(len(area) - rows)
        new = memoryview(area)[rows : rows + len(marks) * _ROW * 8].cast("d")
        places = {key: place * _ROW for place, key in enumerate(marks)}
        if self._rows is not None:
            for key, place in places.items():
                if (old := self._places.get(key)) is not None:
                    new[place : place + _ROW] = self._rows[old : old + _ROW]
        self._rows, self._places = new, places
        if self._header is None:
            self._header = memoryview(mmap.mmap(self._descriptor, mmap.PAGESIZE)).cast("q")
        self._header[0] = at

    # -------------------------------------------------------------------------------------- what is noted

    def spawning(self, key: Key) -> None:
        """A process of a replica is about to be spawned."""
        self._note(key, 0.0, *[0.0] * (_ROW - 1))
        self._note(key, _ABOUT_TO_BE)

    def spawned(self, key: Key, pid: int) -> None:
        """It was, or could not be: 0; or it has ended, and nothing of it is left."""
        self._note(key, float(pid))

    def asked(self, key: Key, now: float) -> None:
        """A replica was asked to stop: it drains, or is told at once."""
        self._note_at(key, Column.ASKED, now)

    def telling(self, key: Key, now: float, kill_at: float) -> None:
        """It is about to be sent its stop signal.

        Args:
            key: which.
            now: when.
            kill_at: when SIGKILL is due.
        """
        self._note_at(key, Column.KILL_AT, kill_at)
        self._note_at(key, Column.TELLING, now)

    def told(self, key: Key, now: float) -> None:
        """It was sent its stop signal; to be called at once after that."""
        self._note_at(key, Column.TOLD, now)

    def telling_tree(self, key: Key) -> None:
        """Those whom its process has left behind are being told."""
        if self._header is not None and (place := self._places.get(key)) is not None:
            self._header[_COUNT] = self._header[_FIRST] = 0
            self._header[_TELLING] = place // _ROW + 1

    def telling_one(self, pid: int) -> None:
        """This one of them is about to be told."""
        if self._header is not None and (count := self._header[_COUNT]) < _LAST - _FIRST:
            self._header[_FIRST + count + 1] = 0
            self._header[_FIRST + count] = pid

    def told_one(self, _pid: int) -> None:
        """It was; to be called at once after that."""
        if self._header is not None and (count := self._header[_COUNT]) < _LAST - _FIRST:
            self._header[_COUNT] = count + 1

    def tree_told(self, key: Key, now: float) -> None:
        """All of them were told."""
        self._note_at(key, Column.TREE_TOLD, now)
        if self._header is not None:
            self._header[_TELLING] = 0

    def killed(self, key: Key, now: float) -> None:
        """It was sent SIGKILL."""
        self._note_at(key, Column.KILLED, now)

    # ---------------------------------------------------------------------------------------------------- how

    def _note(self, key: Key, *values: float) -> None:
        if self._rows is not None and (place := self._places.get(key)) is not None:
            for value in values:
                self._rows[place] = value
                place += 1

    def _note_at(self, key: Key, column: Column, value: float) -> None:
        if self._rows is not None and (place := self._places.get(key)) is not None:
            self._rows[place + column] = value

    def _area(self, size: int) -> tuple[int, mmap.mmap]:
        """Return an area that is not the present one, and make it the next present one."""
        assert self._descriptor is not None  # noqa: S101  `publish` has looked
        for index, (at, length) in enumerate(self._areas):
            if index != self._present and length >= size:
                self._present = index
                return at, mmap.mmap(self._descriptor, length, offset=at)
        at = sum(length for _, length in self._areas) + mmap.PAGESIZE
        length = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        os.ftruncate(self._descriptor, at + length)
        self._present = len(self._areas)
        self._areas.append((at, length))
        return at, mmap.mmap(self._descriptor, length, offset=at)


def read(descriptor: int) -> Inheritance | None:
    """Return the plan that a supervisor has left; None if it has not come that far.

    Raises:
        OSError: the memory cannot be read.
    """
    header = memoryview(os.pread(descriptor, mmap.PAGESIZE, 0)).cast("q")
    if not header or (at := header[0]) == 0:
        return None
    size = int.from_bytes(os.pread(descriptor, _HEADER, at), "little")
    project, marks, report = from_plain(marshal.loads(os.pread(descriptor, size, at + _HEADER)))  # noqa: S302  our own
    rows_at = at + _HEADER + -(-size // 8) * 8
    words = memoryview(os.pread(descriptor, len(marks) * _ROW * 8, rows_at)).cast("d")
    rows = {
        key: Row(int(words[place]), *words[place + 1 : place + 1 + Column.TELLING])
        for place, (key, _) in zip(range(0, len(words), _ROW), marks, strict=True)
    }
    telling = marks[header[_TELLING] - 1][0] if header[_TELLING] else None
    if telling is None:
        return Inheritance(project, dict(marks), rows, report)
    doubtful = _FIRST + header[_COUNT]
    return Inheritance(
        project, dict(marks), rows, report, telling, tuple(header[_FIRST:doubtful]), header[doubtful]
    )
