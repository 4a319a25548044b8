"""A history made up by hypothesis, rendered as the kernel would record it: the fold has to give it back."""

from __future__ import annotations

import time
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st

from endwell.machine.command_lines import Order
from endwell.machine.lives import lives
from endwell.machine.question import Ask, Found, Want
from endwell.machine.story import CLONE_PARENT, CLONE_THREAD, PR_SET_CHILD_SUBREAPER, Story
from endwell.machine.visitors import CLONE_NEWPID, Visit
from endwell.model.signals import CONT, INT, KILL, TERM, USR1, Signal
from endwell.model.timeline import (
    Adopted,
    Born,
    Died,
    Event,
    Executed,
    Fate,
    Origin,
    Reaped,
    Sender,
    Signalled,
    Timeline,
)
from endwell.records import dataclass, field, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

FIRST = 100
OUTSIDE = 7
HANDLER = 0x5000
ENGINE = Sender(Origin.OUTSIDE)
CHILD_EXITED, CHILD_KILLED = 1, 2


@dataclass(eq=False)
class Guest:
    """One process of the made-up world."""

    host: int
    pid: int
    keeper: Guest | None
    threads: list[int]
    cloning: dict[int, int] = field(default_factory=dict)
    pending: list[int] = field(default_factory=list)
    zombie: bool = False

    def idle(self) -> list[int]:
        return [tid for tid in self.threads if tid not in self.cloning]


class World:
    """A container that lives as drawn; `records` is what the kernel writes, `events` what happened."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        self.at = 0.0
        self.records: list[tuple[float, int, str, tuple[int, ...], str]] = []
        self.events: list[Event] = []
        self.frees: list[int] = []
        self.root = Guest(FIRST, 1, None, [FIRST])
        self.guests = [self.root]
        self.write(OUTSIDE, "task_newtask", FIRST, 0)
        self.events.append(Born(self.at, 1, 0))
        self.execute(self.root)

    def write(self, tid: int, event: str, *numbers: int, text: str = "") -> None:
        self.at += 1.0
        self.records.append((self.at, tid, event, numbers, text))

    def draw(self, some: Sequence[int]) -> int:
        return self.data.draw(st.sampled_from(some))

    def pick(self, *, zombies: bool = False) -> Guest | None:
        some = [one for one in self.guests if one.zombie == zombies and (zombies or one.idle())]
        return self.data.draw(st.sampled_from(some)) if some else None

    def host_number(self) -> int:
        """A number that is free: of those that are, the smallest, so that they come round."""
        taken = {tid for one in self.guests for tid in (one.host, *one.threads)}
        return next(number for number in range(FIRST, FIRST + 1000) if number not in taken)

    # ---------------------------------------------------------------------------------------- what can happen

    def fork(self) -> None:
        parent = self.pick()
        if parent is None:
            return
        tid = self.draw(parent.idle())
        taken = {one.pid for one in self.guests}
        pid = next(number for number in range(2, 1000) if number not in taken)
        host = self.host_number()
        sibling = parent.keeper is not None and self.data.draw(st.booleans())
        keeper = parent.keeper if sibling else parent
        assert keeper is not None
        self.write(tid, "task_newtask", host, CLONE_PARENT if sibling else 0)
        self.events.append(Born(self.at, pid, keeper.pid))
        self.guests.append(Guest(host, pid, keeper, [host]))
        parent.cloning[tid] = pid
        if self.data.draw(st.booleans()):
            self.come_back()

    def come_back(self) -> None:
        """Let a clone return, at once or long after the child has begun to act."""
        busy = [(one, tid) for one in self.guests for tid in one.cloning]
        if busy:
            guest, tid = self.data.draw(st.sampled_from(busy))
            self.write(
                tid, self.data.draw(st.sampled_from(["sys_clone", "sys_vfork"])), guest.cloning.pop(tid)
            )

    def start_thread(self) -> None:
        guest = self.pick()
        if guest is not None:
            tid, new = self.draw(guest.idle()), self.host_number()
            self.write(tid, "task_newtask", new, CLONE_THREAD)
            guest.threads.append(new)
            self.write(tid, "sys_clone3", 999)

    def execute(self, guest: Guest | None = None) -> None:
        guest = guest or self.pick()
        if guest is None or guest.cloning:
            return
        tid = self.draw(guest.idle())
        for other in guest.threads:
            if other != tid:
                self.write(other, "signal_deliver", 9, 0, 0)
                self.write(other, "sched_process_exit", other, 0)
        path = f"/bin/p{len(self.records)}"
        self.write(guest.host, "sched_process_exec", guest.host, tid, text=path)
        guest.threads = [guest.host]
        self.events.append(Executed(self.at, guest.pid, (path,)))

    def leave(self) -> None:
        guest = self.pick()
        if guest is None or guest is self.root or guest.cloning:
            return
        code = self.data.draw(st.integers(0, 300))
        self.write(self.draw(guest.idle()), "sys_exit_group", code)
        self.bury(guest, Died(0.0, guest.pid, code & 0xFF))

    def fell(self) -> None:
        """Kill by a signal that nobody handles."""
        guest, sender = self.pick(), self.pick()
        if guest is None or guest is self.root or guest.cloning:
            return
        signal = self.data.draw(st.sampled_from([TERM, KILL, INT]))
        if signal.number in guest.pending:
            return
        known = sender if self.data.draw(st.booleans()) else None
        start = self.send(known, guest, signal, 0)
        self.told(start, guest, signal, known, Fate.DEFAULT)
        if self.data.draw(st.booleans()):
            late = self.send(None, guest, USR1, 1)
            self.told(late, guest, USR1, None, Fate.TOO_LATE)
        for tid in guest.threads:
            self.write(tid, "signal_deliver", 9, 0, 0)
        self.bury(guest, Died(0.0, guest.pid, None, signal, self.sender(known)))

    def handle(self) -> None:
        guest, sender = self.pick(), self.pick()
        if guest is None:
            return
        signal = self.data.draw(st.sampled_from([TERM, INT, CONT]))
        if signal.number in guest.pending:
            return
        start = self.send(sender, guest, signal, 0)
        self.told(start, guest, signal, sender, Fate.HANDLER)
        if self.data.draw(st.booleans()):
            self.told(self.send(None, guest, signal, 2), guest, signal, None, Fate.MERGED)
        self.write(self.draw(guest.idle()), "signal_deliver", signal.number, 0, HANDLER)

    def wait_for(self) -> None:
        guest = self.pick()
        if guest is not None and USR1.number not in guest.pending:
            self.told(self.send(None, guest, USR1, 0), guest, USR1, None, Fate.SIGWAIT)
            self.write(self.draw(guest.idle()), "sys_rt_sigtimedwait", USR1.number)

    def refuse(self) -> None:
        guest = self.pick()
        if guest is not None:
            fate = Fate.DISCARDED if guest is self.root else Fate.IGNORED
            self.told(self.send(None, guest, TERM, 1), guest, TERM, None, fate)

    def leave_pending(self) -> None:
        guest = self.pick()
        if guest is not None and 12 not in guest.pending:
            guest.pending.append(12)
            self.told(self.send(None, guest, Signal(12), 0), guest, Signal(12), None, Fate.PENDING)

    def collect(self) -> None:
        guest = self.pick(zombies=True)
        if guest is not None and guest.keeper is not None and guest.keeper.idle() and not guest.keeper.zombie:
            # Nobody can wait for a number that clone has not told yet: but another thread can.
            self.write(self.draw(guest.keeper.idle()), "sys_wait4", guest.pid)
            self.events.append(Reaped(self.at, guest.pid, guest.keeper.pid))
            self.guests.remove(guest)
            self.frees.append(guest.host)

    def free(self) -> None:
        if self.frees:
            host = self.frees.pop(0)
            self.write(0, "sched_process_free", host)

    def noise(self) -> None:
        self.write(OUTSIDE, "signal_generate", 15, 0, OUTSIDE, 1, 0)
        self.write(OUTSIDE, "task_newtask", 5000, 0)
        self.write(5000, "sched_process_exec", 5000, 5000, text="/bin/other")

    # ------------------------------------------------------------------------------------------------ helpers

    def sender(self, guest: Guest | None) -> Sender:
        return Sender(Origin.PROCESS, guest.pid) if guest else ENGINE

    def send(self, sender: Guest | None, guest: Guest, signal: Signal, result: int) -> float:
        tid = self.draw(sender.idle()) if sender else OUTSIDE
        aim = guest.host
        self.write(tid, "signal_generate", signal.number, 0, aim, 1, result)
        return self.at

    def told(self, at: float, guest: Guest, signal: Signal, sender: Guest | None, fate: Fate) -> None:
        self.events.append(Signalled(at, guest.pid, signal, self.sender(sender), fate))

    def bury(self, guest: Guest, died: Died) -> None:
        for tid in guest.threads:
            self.write(tid, "sched_process_exit", tid, int(tid == guest.threads[-1]))
        self.events.append(replace(died, at=self.at))
        last = guest.threads[-1]
        guest.zombie = True
        guest.threads = []
        for child in self.guests:
            if child.keeper is guest:
                child.keeper = self.root
                self.events.append(Adopted(self.at, child.pid, 1))
        keeper = guest.keeper
        if keeper is not None:
            code = CHILD_KILLED if died.signal else CHILD_EXITED
            self.write(last, "signal_generate", 17, code, keeper.host, 1, 0)

    def end(self) -> None:
        while any(one.cloning for one in self.guests):
            self.come_back()
        tid = self.draw(self.root.threads)
        self.write(tid, "sys_exit_group", 3)
        for one in self.root.threads:
            self.write(one, "sched_process_exit", one, int(one == self.root.threads[-1]))
        last = self.root.threads[-1]
        self.events.append(Died(self.at, 1, 3))
        by_end = Sender(Origin.NAMESPACE, 1)
        for one in self.root.threads:
            self.write(last, "signal_generate", 9, 128, one, 1, 1)
        for guest in self.guests[1:]:
            for number, one in enumerate(guest.threads or [guest.host]):
                self.write(last, "signal_generate", 9, 128, one, 1, int(number > 0 or guest.zombie))
                if not number and not guest.zombie:
                    self.events.append(Signalled(self.at, guest.pid, KILL, by_end, Fate.DEFAULT))
        for guest in self.guests[1:]:
            if not guest.zombie:
                for tid in guest.threads:
                    self.write(tid, "signal_deliver", 9, 0, 0)
                    self.write(tid, "sched_process_exit", tid, int(tid == guest.threads[-1]))
                self.events.append(Died(self.at, guest.pid, None, KILL, by_end))
            self.write(0, "sched_process_free", guest.host)


STEPS = (
    *(World.fork, World.fork, World.come_back, World.start_thread, World.execute, World.leave, World.fell),
    *(
        World.handle,
        World.wait_for,
        World.refuse,
        World.leave_pending,
        World.collect,
        World.free,
        World.noise,
    ),
)


@given(data=st.data(), steps=st.lists(st.sampled_from(STEPS), max_size=40), old_kernel=st.booleans())
def test_a_made_up_history_comes_back(
    data: st.DataObject, steps: list[Callable[[World], None]], *, old_kernel: bool
) -> None:
    world = World(data)
    for step in steps:
        step(world)
    world.end()
    story = Story(FIRST, 1.0)
    for at, tid, event, numbers, text in world.records:
        if old_kernel and event == "sched_process_exit":
            numbers = (numbers[0], -1)  # noqa: PLW2901  before 6.17 the kernel does not tell the last thread
        story.feed(at, tid, event, numbers, text)
    events, missing = story.tell()
    assert not missing
    assert sorted(events, key=_key) == sorted(world.events, key=_key)
    assert [event.at for event in events] == sorted(event.at for event in events)


def _key(event: Event) -> tuple[float, str]:
    return event.at, repr(event)


def test_a_session_that_was_looked_up_at_its_birth_is_taken_in_though_it_has_gone() -> None:
    story = began()
    story.feed(3.0, 300, "sys_setns", (CLONE_NEWPID,))
    assert story.feed(3.1, 300, "task_newtask", (301, 0)) == Want(Ask.VISITOR, 301)
    story.visitors.know(301, 9)
    assert story.feed(4.0, 301, "sched_process_exec", (301, 301), "/bin/true") == Want(Ask.ARGV, 301)
    story.feed(4.1, 301, "sys_exit_group", (0,))
    story.feed(4.2, 301, "sched_process_exit", (301, 1))
    assert story.tell()[0][2:] == (Born(4.0, 9, 0), Executed(4.0, 9, ("/bin/true",)), Died(4.2, 9, 0))
    assert not story.visitors.overlooked


@pytest.mark.parametrize(("noted", "known"), [(3.2, True), (4.5, False)])
def test_a_session_that_we_have_sent_in_is_known_without_a_look(noted: float, *, known: bool) -> None:
    # One noted after this one had executed was another one, with the same number.
    story = began(sent={301: Visit(noted, 9)})
    story.feed(3.0, 300, "sys_setns", (CLONE_NEWPID,))
    story.feed(3.1, 300, "task_newtask", (301, 0))
    want = story.feed(4.0, 301, "sched_process_exec", (301, 301), "/bin/true")
    assert want == Want(Ask.ARGV if known else Ask.MEMBER, 301)
    assert (Born(4.0, 9, 0) in story.tell()[0]) == known


@pytest.mark.parametrize(
    ("kind", "elsewhere", "overlooked"),
    [(CLONE_NEWPID, False, 1), (0, False, 1), (CLONE_NEWPID, True, 0), (0x40000000, False, 0)],
)
def test_a_session_that_had_gone_is_counted_unless_it_was_elsewhere(
    kind: int, overlooked: int, *, elsewhere: bool
) -> None:
    story = began()
    story.feed(3.0, 300, "sys_setns", (kind,))
    story.feed(3.1, 300, "task_newtask", (301, 0))
    if elsewhere:
        story.visitors.know(301, None)
    assert story.feed(4.0, 301, "sched_process_exec", (301, 301), "/bin/true") == Want(Ask.MEMBER, 301)
    story.visitors.lose(301)
    story.feed(5.0, OUTSIDE, "task_newtask", (301, 0))
    assert story.feed(6.0, 301, "sched_process_exec", (301, 301), "/bin/true") == Want(Ask.MEMBER, 301)
    story.visitors.lose(301)
    assert story.visitors.overlooked == overlooked
    assert len(story.actors) == 1


def test_a_session_from_outside_is_asked_for_and_taken_in() -> None:
    story = began()
    assert story.feed(3.0, 300, "sched_process_exec", (300, 300), "/bin/sh") == Want(Ask.MEMBER, 300)
    story.found(3.5, Found(3.0, 300, 9, 0, (300,), "/bin/sh", ("sh", "-c", "x")))
    story.feed(4.0, 300, "task_newtask", (301, 0))
    story.feed(5.0, 300, "sys_clone", (10,))
    story.feed(6.0, 300, "sys_exit_group", (0,))
    story.feed(7.0, 300, "sched_process_exit", (300, 1))
    assert story.concerns(OUTSIDE, "sys_wait4")
    story.feed(8.0, OUTSIDE, "sys_wait4", (300,))
    assert story.tell()[0][2:] == (
        Born(3.0, 9, 0),
        Executed(3.0, 9, ("sh", "-c", "x")),
        Born(4.0, 10, 9),
        Died(7.0, 9, 0),
        Adopted(7.0, 10, 1),
        Reaped(8.0, 9, 0),
    )


def test_a_command_line_read_after_the_next_exec_is_not_the_first_ones() -> None:
    story = began()
    assert story.feed(3.0, FIRST, "sched_process_exec", (FIRST, FIRST), "/bin/a") == Want(Ask.ARGV, FIRST)
    story.named(5.0, FIRST, ("b", "-x"))
    story.feed(4.0, FIRST, "sched_process_exec", (FIRST, FIRST), "/bin/b")
    story.named(6.0, FIRST, ("b", "-x"))
    told = [event.argv for event in story.tell()[0] if isinstance(event, Executed)]
    assert told == [("/bin/first",), ("/bin/a",), ("b", "-x")]


def test_the_masks_tell_ignored_from_discarded_at_pid_1() -> None:
    story = began()
    want = story.feed(3.0, OUTSIDE, "signal_generate", (15, 0, FIRST, 1, 1))
    assert want == Want(Ask.MASKS, FIRST)
    story.looked(3.1, FIRST, 1 << 14, 0)
    story.feed(4.0, OUTSIDE, "signal_generate", (2, 0, FIRST, 1, 1))
    assert fates(story) == [Fate.IGNORED, Fate.DISCARDED]


def test_a_default_action_is_spared_pid_1_also_when_it_was_delivered() -> None:
    story = began()
    story.feed(3.0, FIRST, "signal_generate", (15, 0, FIRST, 1, 0))
    story.feed(4.0, FIRST, "signal_deliver", (15, 0, 0))
    story.feed(5.0, FIRST, "sys_exit_group", (143,))
    story.feed(6.0, FIRST, "sched_process_exit", (FIRST, 1))
    events, _ = story.tell()
    assert events[-2:] == (
        Signalled(3.0, 1, TERM, Sender(Origin.PROCESS, 1), Fate.DISCARDED),
        Died(6.0, 1, 143),
    )


def test_a_fault_of_pid_1_ends_it() -> None:
    story = began()
    story.feed(3.0, FIRST, "signal_generate", (11, 1, FIRST, 0, 0))
    story.feed(4.0, FIRST, "signal_deliver", (11, 1, 0))
    story.feed(5.0, FIRST, "sched_process_exit", (FIRST, 1))
    assert story.tell()[0][-1] == Died(5.0, 1, None, Signal(11), Sender(Origin.KERNEL))


def test_a_signal_that_left_the_mask_unseen_was_read_from_a_signalfd() -> None:
    for pending, reads, expected in (
        (0, False, Fate.SIGNALFD),
        (1 << 14, True, Fate.PENDING),
        (None, True, Fate.SIGNALFD),
        (None, False, Fate.PENDING),
    ):
        story = began()
        story.feed(3.0, OUTSIDE, "signal_generate", (15, 0, FIRST, 1, 0))
        if reads:
            assert story.feed(4.0, FIRST, "sys_read", (128,)) == Want(Ask.MASKS, FIRST)
        if pending is not None:
            story.looked(5.0, FIRST, 0, pending)
        assert fates(story) == [expected]


@pytest.mark.parametrize(
    ("blocked", "killed", "fate"),
    [
        (1 << 14, 3.001, Fate.PENDING),
        (1 << 14, 9.0, Fate.PENDING),
        (0, 3.001, Fate.TOO_LATE),
        (0, 9.0, Fate.TOO_LATE),
        (None, 3.001, Fate.TOO_LATE),
        (None, 9.0, Fate.PENDING),
    ],
)
def test_what_was_never_taken_was_blocked_or_came_too_late(
    blocked: int | None, killed: float, fate: Fate
) -> None:
    story = began()
    assert story.feed(3.0, OUTSIDE, "signal_generate", (15, 0, FIRST, 1, 0)) == Want(Ask.MASKS, FIRST)
    story.looked(3.0005, FIRST, 0, 1 << 14, blocked)
    story.feed(killed, OUTSIDE, "signal_generate", (9, 0, FIRST, 1, 0))
    story.feed(killed, FIRST, "signal_deliver", (9, 0, 0))
    story.feed(killed + 0.1, FIRST, "sched_process_exit", (FIRST, 1))
    assert fates(story) == [fate, Fate.DEFAULT]


def test_the_mask_before_counts_when_nobody_could_look_after() -> None:
    story = began()
    story.looked(2.5, FIRST, 0, 0, 1 << 14)
    story.feed(3.0, OUTSIDE, "signal_generate", (15, 0, FIRST, 1, 0))
    story.feed(3.001, OUTSIDE, "signal_generate", (9, 0, FIRST, 1, 0))
    story.feed(3.002, FIRST, "sched_process_exit", (FIRST, 1))
    assert fates(story)[0] is Fate.PENDING


def test_a_storm_is_not_looked_at_signal_by_signal() -> None:
    story = began()
    wants = [
        story.feed(3.0 + number / 10_000, OUTSIDE, "signal_generate", (34, 0, FIRST, 1, 0))
        for number in range(100)
    ]
    assert 9 <= sum(want is not None for want in wants) <= 11


def test_every_refusal_is_looked_at_unless_there_are_very_many() -> None:
    story = began()
    wants = [
        story.feed(3.0 + number / 1_000_000, OUTSIDE, "signal_generate", (15, 0, FIRST, 1, 1))
        for number in range(2000)
    ]
    assert all(wants[:1000])
    assert not all(wants[1000:])


def test_orphans_go_to_the_nearest_subreaper() -> None:
    story = began()
    for at, tid, child, pid in ((3.0, FIRST, 101, 2), (5.0, 101, 102, 3), (7.0, 102, 103, 4)):
        story.feed(at, tid, "task_newtask", (child, 0))
        story.feed(at + 1, tid, "sys_clone", (pid,))
    story.feed(9.0, 101, "sys_prctl", (PR_SET_CHILD_SUBREAPER, 1))
    story.feed(10.0, 102, "sys_exit_group", (0,))
    story.feed(11.0, 102, "sched_process_exit", (102, 1))
    assert Adopted(11.0, 4, 2) in story.tell()[0]


def test_a_parent_that_ignores_its_children_has_them_collected_at_once() -> None:
    for notices, reaped in ((0, [Reaped(6.0, 2, 1)]), (1, [])):
        story = began()
        story.feed(3.0, FIRST, "task_newtask", (101, 0))
        story.feed(4.0, FIRST, "sys_clone", (2,))
        story.feed(5.0, 101, "sys_exit_group", (0,))
        story.feed(6.0, 101, "sched_process_exit", (101, 1))
        if notices:
            story.feed(7.0, 101, "signal_generate", (17, 1, FIRST, 1, 1))
        story.feed(8.0, FIRST, "sys_exit_group", (0,))
        story.feed(9.0, FIRST, "sched_process_exit", (FIRST, 1))
        story.feed(10.0, 0, "sched_process_free", (101,))
        assert [event for event in story.tell()[0] if isinstance(event, Reaped)] == reaped


def test_a_waitid_shows_by_the_free_or_by_its_return() -> None:
    for waited, freed, at in ((7.0, 20.0, 7.0), (None, 8.0, 8.0)):
        story = began()
        story.feed(3.0, FIRST, "task_newtask", (101, 0))
        story.feed(4.0, FIRST, "sys_clone", (2,))
        story.feed(5.0, 101, "sched_process_exit", (101, 1))
        story.feed(6.0, 101, "signal_generate", (17, 1, FIRST, 1, 0))
        if waited:
            story.feed(waited, FIRST, "sys_waitid", (0,))
        if freed < 10:
            story.feed(freed, 0, "sched_process_free", (101,))
        story.feed(10.0, FIRST, "sched_process_exit", (FIRST, 1))
        story.feed(20.0, 0, "sched_process_free", (101,))
        assert Reaped(at, 2, 1) in story.tell()[0]


P_ALL, P_PID, WEXITED, WSTOPPED, WNOWAIT = 0, 1, 4, 2, 0x1000000


@pytest.mark.parametrize(
    ("call", "reaped"),
    [
        ((P_ALL, 0, WEXITED), True),
        ((P_PID, 2, WEXITED), True),
        ((P_PID, 3, WEXITED), False),
        ((P_PID, 2, WEXITED | WNOWAIT), False),
        ((P_ALL, 0, WSTOPPED), False),
    ],
)
def test_a_waitid_that_only_looks_collects_nobody(call: tuple[int, int, int], *, reaped: bool) -> None:
    story = began()
    story.feed(3.0, FIRST, "task_newtask", (101, 0))
    story.feed(4.0, FIRST, "sys_clone", (2,))
    story.feed(5.0, 101, "sched_process_exit", (101, 1))
    story.feed(6.0, 101, "signal_generate", (17, 1, FIRST, 1, 0))
    story.feed(7.0, FIRST, "sys_waitid", call)
    story.feed(8.0, FIRST, "sys_waitid", (0,))
    story.feed(9.0, FIRST, "sched_process_exit", (FIRST, 1))
    assert (Reaped(8.0, 2, 1) in story.tell()[0]) is reaped


def test_a_waitid_that_failed_says_nothing_of_the_next_one() -> None:
    story = began()
    story.feed(3.0, FIRST, "task_newtask", (101, 0))
    story.feed(3.5, FIRST, "sys_clone", (2,))
    story.feed(4.0, FIRST, "sys_waitid", (P_ALL, 0, WEXITED | WNOWAIT))
    story.feed(4.5, FIRST, "sys_waitid", (-4,))
    story.feed(5.0, 101, "sched_process_exit", (101, 1))
    story.feed(5.5, 101, "signal_generate", (17, 1, FIRST, 1, 0))
    story.feed(6.0, FIRST, "sys_waitid", (P_ALL, 0, WEXITED))
    story.feed(7.0, FIRST, "sys_waitid", (0,))
    assert Reaped(7.0, 2, 1) in story.tell()[0]


def test_a_command_line_is_that_of_the_program_it_was_read_in_whenever_it_is_told() -> None:
    story = began()
    for at, path in ((3.0, "/bin/a"), (4.0, "/bin/b")):
        story.feed(at, FIRST, "sched_process_exec", (FIRST, FIRST), path)
    story.feed(5.0, FIRST, "sched_process_exit", (FIRST, 1))
    for since, until, word in ((3.9, 4.1, "both"), (3.2, 3.4, "a"), (4.5, 5.5, "gone"), (6.0, 6.1, "other")):
        story.named(until, FIRST, (word,), since)
    told = [event.argv for event in story.tell()[0] if isinstance(event, Executed)]
    assert told == [("/bin/first",), ("a",), ("/bin/b",)]


@pytest.mark.parametrize(
    ("words", "argv", "unread"),
    [
        (("first", "-x"), ("first", "-x"), 1),
        (("./first", "-x"), ("./first", "-x"), 1),
        (("env", "first"), ("/bin/first",), 2),
        ((), ("/bin/first",), 2),
    ],
)
def test_what_nobody_could_read_is_what_was_ordered_if_the_path_agrees(
    words: tuple[str, ...], argv: tuple[str, ...], unread: int
) -> None:
    story = began()
    story.feed(3.0, FIRST, "sched_process_exec", (FIRST, FIRST), "/usr/bin/first")
    events, _ = story.tell([Order(1.5, FIRST, words)])
    told = [event.argv for event in events if isinstance(event, Executed)]
    assert told == [argv, ("/usr/bin/first",)]
    assert story.unread == unread


def test_what_was_read_counts_more_than_what_was_ordered() -> None:
    story = began()
    story.named(2.5, FIRST, ("/bin/sh", "./first"), 2.4)
    events, _ = story.tell([Order(1.5, FIRST, ("./first",))])
    assert Executed(2.0, 1, ("/bin/sh", "./first")) in events
    assert not story.unread


def test_an_order_is_for_the_one_that_had_the_number_next() -> None:
    story = began()
    for born, number in ((3.0, 9), (6.0, 10)):
        story.found(born, Found(born, 300, number, 0, (300,), "/bin/sh", ()))
        story.feed(born + 1, 300, "sched_process_exit", (300, 1))
        story.feed(born + 2, OUTSIDE, "task_newtask", (300, 0))
    story.feed(9.0, FIRST, "task_newtask", (300, 0))
    story.feed(9.1, FIRST, "sys_clone", (11,))
    story.feed(9.2, 300, "sched_process_exec", (300, 300), "/bin/sh")
    events, _ = story.tell([Order(2.5, 300, ("sh", "-c", "a")), Order(5.5, 300, ("sh", "-c", "b"))])
    told = {event.pid: event.argv for event in events if isinstance(event, Executed)}
    assert told == {1: ("/bin/first",), 9: ("sh", "-c", "a"), 10: ("sh", "-c", "b"), 11: ("/bin/sh",)}


@pytest.mark.parametrize("visits", [True, False])
def test_who_is_forked_by_one_from_outside_has_the_command_line_of_then(*, visits: bool) -> None:
    story = began()
    story.feed(3.0, OUTSIDE, "sys_setns", (CLONE_NEWPID,))
    story.feed(3.1, OUTSIDE, "task_newtask", (300, 0))
    if visits:
        story.visitors.know(300, 9)
    want = story.feed(4.0, 300, "sched_process_exec", (300, 300), "/bin/sh")
    if not visits:
        # Looked up late: what /proc says is of a program whose record is still to come.
        assert want == Want(Ask.MEMBER, 300)
        story.found(6.6, Found(4.0, 300, 9, 0, (300,), "/bin/sh", ()))
    story.feed(5.0, 300, "task_newtask", (301, 0))
    story.feed(5.1, 300, "sys_clone", (10,))
    story.feed(5.2, 301, "sched_process_exit", (301, 1))
    story.named(6.6, 300, ("sleep", "1000"), 6.5)
    story.feed(6.0, 300, "sched_process_exec", (300, 300), "/bin/sleep")
    events, _ = story.tell([Order(3.5, 300, ("sh", "-c", "touch it; exec sleep 1000"))])
    visitor, child = lives(Timeline(events))[1:]
    assert visitor.argv == (("sh", "-c", "touch it; exec sleep 1000"), ("sleep", "1000"))
    assert child.argv == (("sh", "-c", "touch it; exec sleep 1000"),)


def test_a_storm_that_is_looked_at_between_is_told_in_time() -> None:
    story = began()
    for number in range(60_000):
        story.feed(3.0 + number * 1e-3, OUTSIDE, "signal_generate", (15, 0, FIRST, 1, 1))
        story.looked(3.0005 + number * 1e-3, FIRST, number & 1 << 14, 0, number & 1)
    began_at = time.process_time()
    told = fates(story)
    assert time.process_time() - began_at < 5.0  # it was some minutes when each one looked at all looks
    assert told == [Fate.IGNORED if number & 1 << 14 else Fate.DISCARDED for number in range(60_000)]


def test_of_looks_that_saw_the_same_none_is_missed() -> None:
    story = began()
    story.feed(3.0, OUTSIDE, "signal_generate", (15, 0, FIRST, 1, 1))
    story.looked(3.1, FIRST, 1 << 14, 0)
    story.feed(3.2, OUTSIDE, "signal_generate", (15, 0, FIRST, 1, 1))
    story.looked(3.3, FIRST, 1 << 14, 0)
    story.looked(3.5, FIRST, 0, 0)
    story.feed(3.4, OUTSIDE, "signal_generate", (15, 0, FIRST, 1, 1))
    story.feed(3.6, OUTSIDE, "signal_generate", (15, 0, FIRST, 1, 1))
    assert fates(story) == [Fate.IGNORED, Fate.IGNORED, Fate.DISCARDED, Fate.DISCARDED]


def test_a_number_that_clone_did_not_tell_is_the_one_that_was_read() -> None:
    story = began()
    for host in (101, 102):
        story.feed(3.0, FIRST, "task_newtask", (host, 0))
    assert story.lacks_number(101)
    story.numbered(2.5, 101, 77)
    story.numbered(4.0, 101, 2)
    story.feed(4.5, 101, "sched_process_exit", (101, 1))
    story.numbered(5.0, 101, 78)
    events, missing = story.tell()
    assert [event for event in events if isinstance(event, Born)] == [Born(1.0, 1, 0), Born(3.0, 2, 1)]
    assert missing == 1
    assert story.foreign  # it ended, and no record tells why


def test_a_birth_whose_number_nobody_saw_is_counted_as_missing() -> None:
    story = began()
    story.feed(3.0, FIRST, "task_newtask", (101, 0))
    events, missing = story.tell()
    assert missing == 1
    assert len(events) == 2


def test_what_does_not_fit_is_counted() -> None:
    story = Story(FIRST, 1.0, most=2)
    story.feed(1.0, OUTSIDE, "task_newtask", (FIRST, 0))
    for number in range(5):
        story.feed(2.0 + number, FIRST, "task_newtask", (101 + number, 0))
    assert story.dropped == 3
    assert story.born == 6


def test_what_had_the_number_of_pid_1_before_it_is_forgotten() -> None:
    story = Story(FIRST, 10.0)
    story.feed(1.0, OUTSIDE, "task_newtask", (FIRST, 0))
    story.feed(2.0, FIRST, "task_newtask", (101, 0))
    story.feed(3.0, OUTSIDE, "task_newtask", (FIRST, 0))
    story.feed(4.0, 101, "signal_generate", (15, 0, FIRST, 1, 0))
    events, missing = story.tell()
    assert not missing
    assert events == (
        Born(3.0, 1, 0),
        Signalled(4.0, 1, TERM, ENGINE, Fate.PENDING),
    )


def began(sent: Mapping[int, Visit] = MappingProxyType({})) -> Story:
    story = Story(FIRST, 1.0, sent=sent)
    story.feed(1.0, OUTSIDE, "task_newtask", (FIRST, 0))
    story.feed(2.0, FIRST, "sched_process_exec", (FIRST, FIRST), "/bin/first")
    return story


def fates(story: Story) -> list[Fate]:
    return [event.fate for event in story.tell()[0] if isinstance(event, Signalled)]
