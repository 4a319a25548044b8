"""Fold the kernel's records of a whole host into the story of one container.

Records are fed in order of time, each with the thread it happened in; what comes out are the events of
`model.timeline`. Four things make it more than a table:

- **Whose is it?** A process belongs to the container when a member forked it, or when it came from outside
  and somebody has looked: it executed, and /proc shows it in the container's PID namespace (`Want.MEMBER`).
  A number means what the last `task_newtask` said; membership is never found by climbing to parents.
- **Numbers.** Records have the host's numbers, events those inside. A number inside is what clone, fork or
  vfork returned in the parent, which may be long after the child has begun, or ended: vfork returns when the
  child has executed. So a number is put in at the end. Threads count for their process; one that executes
  takes the leader's number over.
- **Signals.** `machine.mailbox` finds each one's fate. Left out are what the kernel sends a parent about its
  children (SIGCHLD, code CLD_*), the thread library's own 32 and 33, the SIGKILLs of PID 1's end to its own
  threads and to the dead, and whatever PID 1 got before its first program: that was the engine's.
- **Senders.** The thread that wrote the record is the sender; codes above 0 are the kernel's (a fault, the
  terminal, a timer), but for SIGKILL with code 128 from a thread that is ending: that is PID 1 taking its
  namespace along. SIGPIPE and SIGXFSZ to oneself with code 0 are the kernel's as well: it sends them in the
  name of the one who wrote, and nobody can tell them from a `kill` of oneself.

What /proc has to tell is asked for with a `Want`, and told with `named`, `looked` and `found`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.machine.actor import Actor, Mark, Program
from endwell.machine.kinship import settle
from endwell.machine.mailbox import REFUSED, Mailbox, Sent
from endwell.machine.question import Ask, Found, Want
from endwell.machine.telling import life
from endwell.model.signals import CHLD, KILL, Signal
from endwell.model.timeline import Adopted, Origin

if TYPE_CHECKING:
    from endwell.model.timeline import Event

CLONE_PARENT = 0x8000
CLONE_THREAD = 0x10000
PR_SET_CHILD_SUBREAPER = 36

# Events of which the thread they happen in is not the one they are about.
_ABOUT_ANOTHER = frozenset({"task_newtask", "sched_process_exec", "sched_process_free", "signal_generate"})
_SI_KERNEL = 128
_CHILD_ENDED = range(1, 4)  # CLD_EXITED, CLD_KILLED, CLD_DUMPED
_CHILD_CODES = range(1, 7)
_BY_KERNEL = range(-5, -1)  # SI_TIMER, SI_MESGQ, SI_ASYNCIO, SI_SIGIO
_IN_OUR_NAME = frozenset({13, 25})
_THREAD_LIBRARY = frozenset({32, 33})
_LAST_SIGNAL = 64


class Story:
    """The story of the container whose PID 1 has number `first` on the host, known since `known` (seconds).

    Before `known` that number may have meant others; from then on it means PID 1. Of births and signals at
    `most` so many are kept; `dropped` counts the others.
    """

    def __init__(self, first: int, known: float, most: int = 500_000) -> None:
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

    # ---------------------------------------------------------------------------------------- told from /proc

    def named(self, at: float, tid: int, argv: tuple[str, ...]) -> None:
        """Take the command line of a process, read before `at`."""
        if actor := self._tasks.get(tid):
            actor.name(at, argv)

    def looked(self, at: float, tid: int, ignored: int, pending: int) -> None:
        """Take the masks of a process, read after `at`: signal n is bit n-1."""
        actor = self._tasks.get(tid)
        if actor is not None and actor.alive(at):
            actor.box.look(at, tid, ignored, pending)

    def found(self, at: float, one: Found) -> None:
        """Take a member that came from outside, or that was there before us, found at an instant."""
        if one.tid in self._tasks:
            return
        self._order += 1
        keeper = self._tasks.get(one.parent)
        actor = Actor(one.tid, Mark(one.born, self._order), one.inside, keeper, keeper, glimpsed=at)
        actor.threads.update(one.threads)
        program = one.argv[0] if one.argv else one.path
        actor.programs.append(Program(one.born, self._order, program, one.argv, at))
        self._add(actor)
        if one.tid == self.first:
            self.root = actor
            actor.box.first = True
            self._from_birth = False

    def waiting(self) -> list[int]:
        """Return the processes, by host numbers, that a signal waits for: a look shows if it is taken."""
        return [actor.host for actor in self.actors if actor.died is None and actor.box.open]

    # ---------------------------------------------------------------------------------------------- the lives

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

    def _newtask(self, at: float, tid: int, numbers: tuple[int, ...], _: str) -> None:
        child, flags = numbers
        before = self._tasks.pop(child, None)
        if before is not None and before.glimpsed is not None and at < before.glimpsed:
            self.actors.remove(before)  # found in /proc before this record was read
        self._cloning.pop(child, None)
        if child == self.first and at <= self._known:
            # Whatever had this number before PID 1 was somebody else's, and so was all that came of it.
            self.actors.clear()
            self._tasks.clear()
            self.root = Actor(child, Mark(at, self._order), 1, threads={child}, box=Mailbox(first=True))
            self._add(self.root)
            return
        parent = self._tasks.get(tid)
        if parent is None:
            return
        if flags & CLONE_THREAD:
            parent.threads.add(child)
            self._tasks[child] = parent
            self._cloning.pop(tid, None)
            return
        if self._full():
            self._refused += 1
            return
        actor = Actor(child, Mark(at, self._order), threads={child})
        if flags & CLONE_PARENT:
            actor.sibling = parent
        else:
            actor.parent = actor.keeper = parent
        self._add(actor)
        self._cloning[tid] = actor

    def _cloned(self, _at: float, tid: int, numbers: tuple[int, ...], _: str) -> None:
        actor = self._cloning.pop(tid, None) if numbers[0] else None
        if actor is not None and numbers[0] > 0:
            actor.pid = numbers[0]

    def _exec(self, at: float, _tid: int, numbers: tuple[int, ...], path: str) -> Want | None:
        tid, before = numbers
        actor = self._tasks.get(tid)
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
        actor = self._tasks.get(tid)
        # What wait(2) reports is the leader's, whoever leaves last.
        if actor is not None and actor.host == tid and actor.leaving is None:
            actor.code = numbers[0] & 0xFF

    def _exit(self, at: float, _tid: int, numbers: tuple[int, ...], _: str) -> None:
        tid, last = numbers
        actor = self._tasks.get(tid)
        if actor is None or actor.died is not None:
            return
        actor.threads.discard(tid)
        if last == 1 or (last < 0 and not actor.threads):
            actor.threads.clear()
            actor.die(Mark(at, self._order))
            self._left_outside = self._left_outside or actor.parent is None
            self._buried.setdefault(actor.host, []).append(actor)

    def _free(self, at: float, _tid: int, numbers: tuple[int, ...], _: str) -> None:
        # It comes late: the number may mean another one already, so the oldest dead one is meant.
        if buried := self._buried.get(numbers[0]):
            buried.pop(0).freed = Mark(at, self._order)

    def _waited(self, at: float, tid: int, numbers: tuple[int, ...], _: str) -> None:
        if numbers[0] <= 0:
            return
        reaper = self._tasks.get(tid)
        if reaper is not None or numbers[0] in self._buried:
            self._waits.append((Mark(at, self._order, reaper), numbers[0]))

    def _collected(self, at: float, tid: int, numbers: tuple[int, ...], _: str) -> None:
        actor = self._tasks.get(tid)
        if actor is not None and numbers[0] == 0:
            actor.collects.append(Mark(at, self._order, actor))

    def _prctl(self, _at: float, tid: int, numbers: tuple[int, ...], _: str) -> None:
        actor = self._tasks.get(tid)
        if actor is not None and numbers[0] == PR_SET_CHILD_SUBREAPER:
            actor.adopts = bool(numbers[1])

    # -------------------------------------------------------------------------------------------- the signals

    def _generate(self, at: float, tid: int, numbers: tuple[int, ...], _: str) -> Want | None:
        number, code, aim, group, result = numbers
        sender, target = self._tasks.get(tid), self._tasks.get(aim)
        if number == CHLD.number and code in _CHILD_CODES:
            if sender is not None and sender.died is not None and code in _CHILD_ENDED:
                sender.notices.append(target)
            return None
        if target is None or number in _THREAD_LIBRARY or not 1 <= number <= _LAST_SIGNAL:
            return None
        by_end = (
            number == KILL.number and code == _SI_KERNEL and sender is not None and tid not in sender.threads
        )
        if by_end and (sender is target or target.died is not None or self._doomed(target)):
            return None
        if self._full():
            return None
        origin = Origin.NAMESPACE if by_end else _origin(number, code, sender, target)
        known = sender if origin in {Origin.NAMESPACE, Origin.PROCESS} else None
        target.box.send(
            Sent(at, self._order, Signal(number), origin, known, aim, bool(group), result),
        )
        return Want(Ask.MASKS, target.host) if result == REFUSED and target is self.root else None

    @staticmethod
    def _doomed(target: Actor) -> bool:
        return any(one.origin is Origin.NAMESPACE for one in target.box.sent)

    def _deliver(self, _at: float, tid: int, numbers: tuple[int, ...], _: str) -> None:
        actor = self._tasks.get(tid)
        if actor is not None and 1 <= numbers[0] <= _LAST_SIGNAL:
            actor.box.deliver(tid, Signal(numbers[0]), numbers[2])

    def _sigwait(self, _at: float, tid: int, numbers: tuple[int, ...], _: str) -> None:
        actor = self._tasks.get(tid)
        if actor is not None and 1 <= numbers[0] <= _LAST_SIGNAL:
            actor.box.wait(tid, Signal(numbers[0]))

    def _read(self, at: float, tid: int, _numbers: tuple[int, ...], _: str) -> Want | None:
        actor = self._tasks.get(tid)
        return Want(Ask.MASKS, actor.host) if actor is not None and actor.box.read(at) else None

    # ------------------------------------------------------------------------------------------------ the end

    def tell(self) -> tuple[tuple[Event, ...], int]:
        """Return the events in order of time, and how many processes are missing; to be called once.

        Missing is a process whose number inside nobody saw: the records of its birth were lost.
        """
        for actor in self.actors:
            actor.end()
        adoptions = settle(self.actors, self.root, self._waits)
        told: list[tuple[float, int, Event]] = []
        for actor in self.actors:
            hidden = actor is self.root and self._from_birth and actor.programs
            told.extend(life(actor, actor.programs[0].order if hidden else 0))
        for mark, child, keeper in adoptions:
            if child.pid is not None and keeper.pid is not None:
                told.append((mark.at, mark.order, Adopted(mark.at, child.pid, keeper.pid)))
        told.sort(key=lambda one: one[:2])
        return tuple(event for _, _, event in told), sum(actor.pid is None for actor in self.actors)


def _origin(number: int, code: int, sender: Actor | None, target: Actor) -> Origin:
    in_our_name = sender is target and code == 0 and number in _IN_OUR_NAME
    if code > 0 or code in _BY_KERNEL or in_our_name:
        return Origin.KERNEL
    return Origin.OUTSIDE if sender is None else Origin.PROCESS
