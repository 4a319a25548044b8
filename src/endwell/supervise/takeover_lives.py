"""The lives of a killed supervisor's replicas, taken up where they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.machine.event import Drained, KillingTime
from endwell.machine.replica import Phase
from endwell.machine.state import State

if TYPE_CHECKING:
    from endwell.machine.life import Life
    from endwell.supervise.last_plan import Row


def take_up(life: Life, row: Row, main: int, now: float, *, left: bool) -> None:
    """Put a life where the notes and the kernel say it is.

    What was told, or may have been, is not told again, and its time goes on from then. A drain that was begun
    goes on; its hooks have been run. Who has outlived the process, or what nobody had noted, is told in the
    service's turn.

    Args:
        life: a new one.
        row: what was noted.
        main: the number of its process; 0: it has none any more.
        now: on the monotonic clock.
        left: whether others of its tree are there.
    """
    life.now = now
    life.pid = life.about = main
    life.asked_at = row.asked or None
    life.told_at = row.told or None
    life.killed_at = row.killed or None
    longest = now + life.spec.stop_timeout
    due = min(row.kill_at or longest, longest)
    if not main:
        life.left = left
        life.state = State.EXITED if row.told or left else State.STOPPED
        if left and (row.tree_told or row.killed):
            life.phase = Phase.SWEEPING
            life.timers[KillingTime] = due
        return
    life.spawned_at = now
    life.started = True
    life.state = State.STOPPING
    if row.killed:
        life.phase = Phase.KILLED
        life.timers[KillingTime] = due
    elif row.told or row.telling:
        life.phase = Phase.TOLD
        life.timers[KillingTime] = due
    elif row.asked:
        life.phase = Phase.DRAINING
        life.timers[Drained] = max(now, row.asked + life.spec.drain)
    else:
        life.phase = Phase.RUNNING
        life.state = State.RUNNING
        life.ready = True
