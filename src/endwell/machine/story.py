"""Fold the kernel's records of a host into the story of one container.

Records are fed in order of time, each with the thread it happened in; what comes out are the events of
`model.timeline`. Three things make it more than a table:

- **Whose is it?** A process belongs to the container when a member forked it, or when it came from outside
  and somebody has looked: it executed, and /proc shows it in the container's PID namespace (`Want.MEMBER`).
  A number means what the last `task_newtask` said; membership is never found by climbing to parents.
- **Numbers.** Records have the host's numbers, events those inside. A number inside is what clone, fork or
  vfork returned in the parent, which may be long after the child has begun, or ended: vfork returns when the
  child has executed. So a number is put in at the end. Threads count for their process; one that executes
  takes the leader's number over.
- **Signals.** `machine.origins` finds where each one came from, and `machine.mailbox` its fate. Left out are
  what the kernel sends a parent about its children, the thread library's own, the SIGKILLs of PID 1's end to
  its own threads and to the dead, and whatever PID 1 got before its first program: that was the engine's.

What /proc has to tell is asked for with a `Want`, and told with `named`, `looked` and `found`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from endwell.machine.actor import Actor, Mark, Program
from endwell.machine.command_lines import CommandLines, Order, Reading
from endwell.machine.kinship import settle
from endwell.machine.mailbox import Mailbox, Sent
from endwell.machine.origins import is_notice, is_of_an_end, is_ours, origin_of
from endwell.machine.question import Ask, Found, Want
from endwell.machine.telling import tell
from endwell.machine.visitors import Visit, Visitors
from endwell.model.signals import Signal
from endwell.model.timeline import Origin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from endwell.model.timeline import Event

CLONE_PARENT = 0x8000
CLONE_THREAD = 0x10000
PR_SET_CHILD_SUBREAPER = 36

# Events of which the thread they happen in is not the one they are about.
_ABOUT_ANOTHER = frozenset(
    {"task_newtask", "sched_process_exec", "sched_process_free", "signal_generate", "sys_setns"}
)


class Story:
    """The story of the container whose PID 1 has number `first` on the host, known since `known` (seconds).

    Before `known` that number may have meant others; from then on it means PID 1. Of births and signals at
    `most` so many are kept; `dropped` counts the others. `visitors` came in from outside, here or elsewhere,
    `sent` by us, by numbers on the host; it may grow meanwhile.
    `foreign`: somebody was a program of another word size, whose calls the kernel does not record.
    """

    def __init__(
        self, first: int, known: float, most: int = 500_000, sent: Mapping[int, Visit] = MappingProxyType({})
    ) -> None:
        self.first = first
        self.root: Actor | None = None
        self.actors: list[Actor] = []
        self.dropped = 0
        self._known = known
        self._most = most
        self._kept = 0
        self._refused = 0
        self._left_outside = False
        self._from_birth = True
        self._order = 0
        self._tasks: dict[int, Actor] = {}
        self._cloning: dict[int, Actor] = {}
        self._waits: list[tuple[Mark, int]] = []
        self._buried: dict[int, list[Actor]] = {}
        self._lines = CommandLines()
        self._inside: dict[int, list[tuple[float, int]]] = {}
        self.foreign = False
        self.visitors = Visitors(sent)
        self._table = {
            "task_newtask": self._newtask,
            "sched_process_exec": self._exec,
            "sched_process_exit": self._exit,
            "sched_process_free": self._free,
            "signal_generate": self._generate,
            "signal_deliver": self._deliver,
            "sys_clone": self._cloned,
            "sys_clone3": self._cloned,
            "sys_fork": self._cloned,
            "sys_vfork": self._cloned,
            "sys_wait4": self._waited,
            "sys_waitid": self._collected,
            "sys_exit": self._leave_thread,
            "sys_exit_group": self._leave,
            "sys_rt_sigtimedwait": self._sigwait,
            "sys_prctl": self._prctl,
            "sys_read": self._read,
            "sys_setns": self._join,
        }

    @property
    def born(self) -> int:
        """How many processes were seen so far, those that could not be kept included."""
        return len(self.actors) + self._refused

    @property
    def ended(self) -> bool:
        """Whether PID 1 has been seen to end."""
        return self.root is not None and self.root.died is not None

    def feed(self, at: float, tid: int, event: str, numbers: tuple[int, ...], text: str = "") -> Want | None:
        """Take one record, as `parse.trace.Record` has it; return what has to be looked up at once."""
        act = self._table.get(event)
        if act is None:
            return None
        self._order += 1
        return act(at, tid, numbers, text)

    def concerns(self, tid: int, event: str) -> bool:
        """Return whether a record may be about the container: most of a busy host's are not."""
        return tid in self._tasks or event in _ABOUT_ANOTHER or (self._left_outside and event == "sys_wait4")

    def named(self, at: float, tid: int, argv: tuple[str, ...], since: float | None = None) -> None:
        """Take a command line, read from `since` until `at`; which program's it was is found at the end."""
        self._lines.read(tid, Reading(at if since is None else since, at, argv))

    def lacks_number(self, tid: int) -> bool:
        """Return whether nobody has said yet which number a member has inside."""
        return tid in self._tasks and self._tasks[tid].pid is None

    def numbered(self, at: float, tid: int, inside: int) -> None:
        """Take the number inside of a process that lived at an instant; what clone returned counts more."""
        self._inside.setdefault(tid, []).append((at, inside))

    def looked(self, at: float, tid: int, ignored: int, pending: int, blocked: int | None = None) -> None:
        """Take the masks of a process, read after `at`: signal n is bit n-1, `blocked` by all its threads."""
        actor = self._tasks.get(tid)
        if actor is not None and actor.alive(at):
            actor.box.look(at, tid, ignored, pending, blocked)

    def found(self, at: float, one: Found) -> None:
        """Take a member that came from outside, or that was there before us, found at an instant."""
        if one.tid in self._tasks:
            return
        self._order += 1
        keeper = self._tasks.get(one.parent)
        actor = Actor.met(at, self._order, one, keeper)
        self.named(at, one.tid, one.argv)
        self._add(actor)
        if one.tid == self.first:
            self.root = actor
            actor.box.first = True
            self._from_birth = False

    def waiting(self) -> list[int]:
        """Return the processes, by host numbers, that a signal waits for: a look shows if it is taken."""
        return [actor.host for actor in self.living() if actor.box.open]

    def living(self) -> Iterator[Actor]:
        """Yield those of whom no end was seen, in order of birth."""
        return (actor for actor in self.actors if actor.died is None)

    def _full(self) -> bool:
        self._kept += 1
        if self._kept > self._most:
            self.dropped += 1
            return True
        return False

    def _add(self, actor: Actor) -> None:
        self.actors.append(actor)
        for tid in actor.threads:
            self._tasks[tid] = actor

    def _newtask(self, at: float, tid: int, numbers: tuple[int, ...], _: str) -> Want | None:
        child, flags = numbers
        before = self._tasks.pop(child, None)
        if before is not None and before.glimpsed is not None and at < before.glimpsed:
            self.actors.remove(before)  # found in /proc before this record was read
        self._cloning.pop(child, None)
        visits = self.visitors.fork(tid, child)
        if child == self.first and at <= self._known:
            # Whatever had this number before PID 1 was somebody else's, and so was all that came of it.
            self.actors.clear()
            self._tasks.clear()
            self.root = Actor(child, Mark(at, self._order), 1, threads={child}, box=Mailbox(first=True))
            self._add(self.root)
            return None
        parent = self._tasks.get(tid)
        if parent is None:
            return Want(Ask.VISITOR, child) if visits and self.root is not None else None
        if flags & CLONE_THREAD:
            parent.threads.add(child)
            self._tasks[child] = parent
            self._cloning.pop(tid, None)
            return None
        if self._full():
            self._refused += 1
            return None
        actor = Actor(child, Mark(at, self._order), threads={child})
        if flags & CLONE_PARENT:
            actor.sibling = parent
        else:
            actor.parent = actor.keeper = parent
        self._add(actor)
        self._cloning[tid] = actor
        return None

    def _cloned(self, _at: float, tid: int, numbers: tuple[int, ...], _: str) -> None:
        actor = self._cloning.pop(tid, None) if numbers[0] else None
        if actor is not None and numbers[0] > 0:
            actor.pid = numbers[0]

    def _exec(self, at: float, _tid: int, numbers: tuple[int, ...], path: str) -> Want | None:
        tid, before = numbers
        actor = self._tasks.get(tid)
        if actor is None and (number := self.visitors.number(at, tid)) is not None:
            self.found(at, Found(at, tid, number, 0, (tid,), path, ()))
            return Want(Ask.ARGV, tid)
        if actor is None:
            return Want(Ask.MEMBER, tid) if self.root is not None and not self.ended else None
        if before != tid:
            self._tasks.pop(before, None)
        actor.threads = {tid}
        actor.execute(Program(at, self._order, path))
        return Want(Ask.ARGV, tid)

    def _leave(self, at: float, tid: int, numbers: tuple[int, ...], _: str) -> None:
        if actor := self._tasks.get(tid):
            actor.leave(at, numbers[0])

    def _leave_thread(self, _at: float, tid: int, numbers: tuple[int, ...], _: str) -> None:
        # What wait(2) reports is the leader's, whoever leaves last.
        if (actor := self._tasks.get(tid)) and actor.host == tid and actor.leaving is None:
            actor.code = numbers[0] & 0xFF

    def _exit(self, at: float, _tid: int, numbers: tuple[int, ...], _: str) -> None:
        tid, last = numbers
        actor = self._tasks.get(tid)
        if actor is None or actor.died is not None:
            return
        actor.threads.discard(tid)
        if last == 1 or (last < 0 and not actor.threads):
            actor.threads.clear()
            actor.died = Mark(at, self._order)
            self._left_outside = self._left_outside or actor.parent is None
            self._buried.setdefault(actor.host, []).append(actor)

    def _free(self, at: float, _tid: int, numbers: tuple[int, ...], _: str) -> None:
        # It comes late: the number may mean another one already, so the oldest dead one is meant.
        if buried := self._buried.get(numbers[0]):
            buried.pop(0).freed = Mark(at, self._order)

    def _waited(self, at: float, tid: int, numbers: tuple[int, ...], _: str) -> None:
        reaper = self._tasks.get(tid)
        if numbers[0] > 0 and (reaper is not None or numbers[0] in self._buried):
            self._waits.append((Mark(at, self._order, reaper), numbers[0]))

    def _collected(self, at: float, tid: int, numbers: tuple[int, ...], _: str) -> None:
        if actor := self._tasks.get(tid):
            actor.attend(tid, numbers, Mark(at, self._order, actor))

    def _prctl(self, _at: float, tid: int, numbers: tuple[int, ...], _: str) -> None:
        if (actor := self._tasks.get(tid)) and numbers[0] == PR_SET_CHILD_SUBREAPER:
            actor.adopts = bool(numbers[1])

    def _join(self, _at: float, tid: int, numbers: tuple[int, ...], _: str) -> None:
        self.visitors.join(tid, numbers[0])

    def _generate(self, at: float, tid: int, numbers: tuple[int, ...], _: str) -> Want | None:
        number, code, aim, group, result = numbers
        sender, target = self._tasks.get(tid), self._tasks.get(aim)
        if is_notice(number, code):
            if sender is not None and sender.died is not None and is_of_an_end(code):
                sender.notices.append(target)
            return None
        if target is None or not is_ours(number):
            return None
        origin = origin_of(number, code, tid, sender, target)
        if origin is Origin.NAMESPACE and (sender is target or target.died or target.box.torn):
            return None
        if self._full():
            return None
        known = sender if origin in {Origin.NAMESPACE, Origin.PROCESS} else None
        one = Sent(at, self._order, Signal(number), origin, known, aim, bool(group), result)
        target.box.send(one)
        return Want(Ask.MASKS, target.host) if target.box.asks(one) else None

    def _deliver(self, _at: float, tid: int, numbers: tuple[int, ...], _: str) -> None:
        if (actor := self._tasks.get(tid)) and is_ours(numbers[0]):
            actor.box.deliver(tid, Signal(numbers[0]), numbers[2])

    def _sigwait(self, _at: float, tid: int, numbers: tuple[int, ...], _: str) -> None:
        if (actor := self._tasks.get(tid)) and is_ours(numbers[0]):
            actor.box.wait(tid, Signal(numbers[0]))

    def _read(self, at: float, tid: int, _numbers: tuple[int, ...], _: str) -> Want | None:
        actor = self._tasks.get(tid)
        return Want(Ask.MASKS, actor.host) if actor is not None and actor.box.read(at) else None

    @property
    def unread(self) -> int:
        """How many programs are known by their paths alone, when the story has been told."""
        return self._lines.unread

    def tell(self, orders: Iterable[Order] = ()) -> tuple[tuple[Event, ...], int]:
        """Return the events in order of time, and how many processes are missing; to be called once.

        `orders` are what PID 1 and commands run inside were told to execute. Missing is a process whose
        number inside nobody saw: the records of its birth were lost, or never made (`foreign`).
        """
        self._lines.settle(self.actors, orders)
        for actor in self.actors:
            actor.number(self._inside.get(actor.host, ()))
            actor.end()
        self.foreign = self.foreign or any(actor.unexplained for actor in self.actors)
        adoptions = settle(self.actors, self.root, self._waits)
        events = tell(self.actors, adoptions, self.root if self._from_birth else None)
        return events, sum(actor.pid is None for actor in self.actors)
