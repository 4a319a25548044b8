"""Scenarios that are many shots at one instant: is a TERM lost that comes just now?

How a shot is judged without waiting for nothing to happen: the guest has no handler for TERM and exits 3 on
the highest real-time signal. It gets TERM at the instant in question and, if it ever says `ready`, the other
signal after that. Of two pending signals the lower number is taken first, so 143 means that TERM arrived and
3 that it was lost.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from endwell.engine.local import LocalEngine
from endwell.engine.protocol import NotSeenError
from endwell.model.spec import ContainerSpec
from endwell.system.namespace import Namespace
from tests import zoo
from tests.scenarios.model import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from endwell.engine.local import LocalContainer
    from tests.scenarios.inits import Init

SHOTS = 100
HELD_SHOTS = 20
_LOST, _KEPT = 3, 143
_LIMIT = 5.0


def signal_at_fork(init: Init, words: tuple[str, ...]) -> Verdict:
    """Send TERM at the moment PID 1's first child appears; nothing may be lost."""
    if not init.program:
        return Verdict(passed=True, note="no fork")

    def aim(namespace: Namespace) -> None:
        path = f"/proc/{namespace.pid}/task/{namespace.pid}/children"
        with Path(path).open("rb") as children:
            namespace.release()
            _spin(lambda: os.pread(children.fileno(), 16, 0))

    return _verdict([_shoot(words, aim) for _ in range(SHOTS)], allowed=0)


def early_signal(_init: Init, words: tuple[str, ...]) -> Verdict:
    """Send TERM 50 to 250 us after PID 1 has become the init; fewer than half may be lost.

    Before its first instruction nobody can keep a signal: the kernel discards it. What an init can choose is
    how much it does before it blocks signals: an init without a libc needs 40 us here from the exec, libc's
    start code alone takes 300. What it cannot choose is whether it gets to run at all, so it is given a
    processor where it may.
    """

    def aim(delay: float) -> Callable[[Namespace], None]:
        def aimed(namespace: Namespace) -> None:
            _give_processor(namespace.pid, max(processors))
            with Path(f"/proc/{namespace.pid}/comm").open("rb") as comm:
                before = os.pread(comm.fileno(), 16, 0)
                namespace.release()
                _spin(lambda: os.pread(comm.fileno(), 16, 0) != before)
                end = time.monotonic() + delay
                _spin(lambda: time.monotonic() >= end)

        return aimed

    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(processors)})
    try:
        delays = [0.00005 + 0.0002 * shot / (SHOTS - 1) for shot in range(SHOTS)]
        shots = [_shoot(words, aim(delay)) for delay in delays]
    finally:
        os.sched_setaffinity(0, processors)
    return _verdict(shots, allowed=SHOTS // 2 - 1)


def before_exec(init: Init, words: tuple[str, ...]) -> Verdict:
    """Send TERM while the init's child is held in the middle of its exec; nothing may be lost.

    What holds it is a write lease on the program: the kernel lets nobody open the file until its holder, told
    by SIGIO, gives the lease up (fcntl(2)).
    """
    if not init.program:
        return Verdict(passed=True, note="no fork")
    *front, program = words
    with tempfile.TemporaryDirectory(dir=zoo.cache_directory()) as directory:
        leased = shutil.copy(program, directory)
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGIO})
        try:
            shots = [_shoot_held((*front, leased), leased) for _ in range(HELD_SHOTS)]
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return _verdict(shots, allowed=0)


def _shoot_held(words: tuple[str, ...], leased: str) -> int:
    lease = os.open(leased, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.fcntl(lease, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        with LocalEngine().start(words) as container:
            if signal.sigtimedwait({signal.SIGIO}, _LIMIT) is None:
                return -1
            container.send(signal.SIGTERM)
            # An init that starts its child like vfork(2) cannot take the signal before the exec is done.
            _spin(lambda: not _pending(container.pid), limit=0.05)
            fcntl.fcntl(lease, fcntl.F_SETLEASE, fcntl.F_UNLCK)
            return _finish(container)
    finally:
        os.close(lease)


def _pending(pid: int) -> bool:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("ShdPnd:"):
            return bool(int(line.split()[1], 16) & 1 << (signal.SIGTERM - 1))
    return False


def _shoot(words: tuple[str, ...], aim: Callable[[Namespace], None]) -> int:
    with LocalEngine().create(ContainerSpec(command=words)) as container:
        # It is started by hand, for the instant's sake.
        assert isinstance(container.namespace, Namespace)
        aim(container.namespace)
        container.send(signal.SIGTERM)
        container.confirm()
        return _finish(container)


def _finish(container: LocalContainer) -> int:
    """Return the status: 143 if TERM arrived, 3 if the guest never got it."""
    try:
        container.expect("ready", _LIMIT)
    except NotSeenError:
        pass
    else:
        container.send(signal.SIGRTMAX)
    ending = container.wait(_LIMIT)
    return ending.status if ending else -1


def _give_processor(pid: int, processor: int) -> None:
    """Let `pid`, but not its children, run before everybody else on `processor`, if we may say so."""
    try:
        os.sched_setaffinity(pid, {processor})
        os.sched_setscheduler(pid, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except OSError:
        return


def _spin(reached: Callable[[], object], limit: float = _LIMIT) -> None:
    """Look as often as possible until `reached`: what matters here is shorter than any wake-up."""
    end = time.monotonic() + limit
    while not reached() and time.monotonic() < end:
        pass


def _verdict(statuses: list[int], allowed: int) -> Verdict:
    lost = statuses.count(_LOST)
    strange: Iterator[int] = (status for status in statuses if status not in {_LOST, _KEPT})
    odd = next(strange, None)
    note = f"lost {lost} of {len(statuses)}" + ("" if odd is None else f", one ended with {odd}")
    return Verdict(passed=lost <= allowed and odd is None, note=note)
