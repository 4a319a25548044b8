"""The process between us and a program of an approximation; see `system.approximation`."""

from __future__ import annotations

import os
import select
import signal
import struct
from typing import TYPE_CHECKING, NamedTuple

from endwell.records import replace
from endwell.system import libc
from endwell.system.descent import children, descendants
from endwell.system.launch import Inside, away
from endwell.system.pidfd import wait_for_end

if TYPE_CHECKING:
    from typing import NoReturn

    from endwell.system.launch import Launch

# How it tells the program's status, as wait gives it.
STATUS = struct.Struct("i")
# How often it looks, in ms, whether those whom its program has left behind have ended.
_LOOK = 50


def become_keeper(
    launch: Launch, pipes: tuple[int, int, int, int], outer: tuple[int, ...], until: int
) -> NoReturn:
    """Be the keeper, in the process just forked, and start the program; never returns to the caller.

    Args:
        launch: what to start.
        pipes: our ends: for the report, the gate, the status of the program, and the orders.
        outer: the caller's ends.
        until: a pidfd: everything below us ends with that process. -1: it is the first one, the program.
    """
    report, gate, statuses, orders = pipes

    def work(inside: Inside) -> None:
        inside.step = "become a subreaper"
        libc.set_child_subreaper()
        if os.geteuid():
            libc.set_no_new_privileges()
        # All that it needs itself is there before anybody hears of the first one.
        keeping = _Keeping(away(statuses), away(orders), until if until < 0 else away(until))
        inside.step = "fork"
        main = os.fork()
        if main:
            pidfd = os.pidfd_open(main)
            inside.tell(str(main))
            _keep(main, pidfd, keeping)
            os._exit(0)
        inside.step = "prepare"
        libc.set_child_subreaper()
        os.setsid()
        inside.wait_at_the_gate()
        inside.become()

    try:
        # Only our caller may hold the outer ends: its death must open the gate, and is the order to end.
        for descriptor in outer:
            os.close(descriptor)
        inside = Inside.take(replace(launch, confined=True), gate, report)
    except BaseException:  # noqa: BLE001  whatever it is must not go on in a copy of the caller
        os._exit(1)
    inside.guarded(work)


class _Keeping(NamedTuple):
    """Where a keeper tells the status, and what it waits for beside the end of its program."""

    statuses: int
    orders: int
    until: int


def _keep(main: int, pidfd: int, keeping: _Keeping) -> None:
    """Wait for the end of the first one, or an order, or the end of `until`; then end what is left."""
    statuses, _, until = keeping
    kept = {pidfd, *keeping}
    for first, last in _between(sorted(kept - {-1})):
        libc.close_from(first, last)
    poll = select.poll()
    for descriptor in kept - {statuses, -1}:
        poll.register(descriptor, select.POLLIN)
    ended = {descriptor for descriptor, _ in poll.poll()}
    if until >= 0 and ended == {pidfd}:
        # One that entered has ended; those it has left behind go on, as in a container.
        os.write(statuses, STATUS.pack(os.waitpid(main, 0)[1]))
        poll.unregister(pidfd)
        while not poll.poll(_LOOK):
            if not _collect():
                return
        _end_descendants()
        return
    if pidfd not in ended:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        # Only when it has ended are its children ours.
        wait_for_end(pidfd)
    # The last one to be collected, as PID 1 is.
    _end_descendants(last=main)
    os.write(statuses, STATUS.pack(os.waitpid(main, 0)[1]))


def _collect() -> bool:
    """Collect who has ended; whether there is somebody left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _end_descendants(last: int = 0) -> None:
    """Kill everybody below us and collect all of our children but `last`, which has to have ended.

    Those whom we may not signal are left alone: they have become somebody else, which only root can.
    """
    us, refused = os.getpid(), set[int]()
    while left := children(us) - {last} - refused:
        killed = set[int]()
        # The children come first: even where there are more than we may open, each turn ends some.
        for pid, pidfd in descendants(us):
            try:
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            except PermissionError:
                refused.add(pid)
            except ProcessLookupError:  # its own parent has collected it just now
                pass
            else:
                killed.add(pid)
        for child in left & killed:
            os.waitpid(child, 0)


def _between(kept: list[int]) -> list[tuple[int, int]]:
    """Return the ranges of descriptors from 3 on that are not kept."""
    starts = [3, *(descriptor + 1 for descriptor in kept)]
    ends = [*(descriptor - 1 for descriptor in kept), 0xFFFFFFFF]
    return [(first, last) for first, last in zip(starts, ends, strict=True) if first <= last]
