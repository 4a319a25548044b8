"""A PID namespace if the kernel allows it, and otherwise as near to one as ordinary processes come.

The kernel spares PID 1 every signal for which it has no handler. An ordinary process would be ended by it, so
here the signal is not sent at all: `send` asks first how the program stands to it, which decides alike.
"""

from __future__ import annotations

import os

from endwell.engine.protocol import EngineError
from endwell.engine.stance import stance
from endwell.machine.fates import fate
from endwell.model.signals import RTMAX, Default, Signal
from endwell.model.timeline import Fate
from endwell.system.approximation import Kept
from endwell.system.descent import can_be_listed
from endwell.system.launch import Launch, LaunchError
from endwell.system.membership import namespace_of
from endwell.system.namespace import Namespace, hold

# The steps of `hold` that the kernel refuses where no namespace can be had.
_REFUSED = frozenset({"unshare", "map the user", "mount /proc"})
# What would be done to it if it were sent: the others do no harm.
_HARM = frozenset({Default.TERMINATE, Default.CORE, Default.STOP})
_INITIAL = 0xEFFFFFFC  # PROC_PID_INIT_INO of linux/proc_ns.h: the machine's own PID namespace


class Approximation(Kept):
    """A program that is treated as PID 1 without being it; `note` says why, and what would help."""

    def __init__(self, launch: Launch, reason: LaunchError) -> None:
        super().__init__(launch)
        self.note = (
            f"an approximation: no PID namespace could be made here ({reason.step}: {reason.strerror}); "
            "for the real thing run it as root on the host, or give the container --privileged"
        )

    def send(self, number: int) -> None:
        """Send it a signal, unless the kernel would not give that signal to PID 1."""
        if 1 <= number <= RTMAX and self._spared(Signal(number)):
            return
        super().send(number)

    def _spared(self, signal: Signal) -> bool:
        if signal.default not in _HARM:
            return False
        try:
            found = stance(self.pid, signal)
        except (OSError, ValueError):  # it has gone, or nobody may look: then it is as with any process
            return False
        return fate(signal, found, first=True, outside=True) is Fate.DISCARDED


def make(launch: Launch) -> Namespace | Approximation:
    """Return a held PID 1 of a fresh namespace, or where that is refused an approximation of it.

    Raises:
        LaunchError: a process, the filter or another step was refused.
        EngineError: we are root in the machine's own PID namespace, where nothing keeps a mistake in; or
            there is no listener, which keeps in what the program signals; or no lists of children, by which
            those are found whom it leaves behind.
    """
    try:
        return hold(launch)
    except LaunchError as error:
        if error.step not in _REFUSED:
            raise
        here = namespace_of("self")
        if not os.geteuid() and (here is None or here[1] == _INITIAL):
            raise EngineError(
                f"cannot run {launch.command[0]} as root on the host: no PID namespace can be made "
                f"({error.step}: {error.strerror}), and without one root could end anything; "
                "run it as another user, or in a container"
            ) from error
        if launch.listener is None:
            raise EngineError(
                f"cannot run {launch.command[0]} unobserved: no PID namespace can be made ({error.step}: "
                f"{error.strerror}), and only the observer keeps in what it signals; leave out --control"
            ) from error
        if not can_be_listed():
            raise EngineError(
                f"cannot run {launch.command[0]}: no PID namespace can be made ({error.step}: "
                f"{error.strerror}), and whom it leaves behind could not be found: this kernel has no "
                "/proc/PID/task/TID/children (CONFIG_PROC_CHILDREN); run it as root on the host, or give the "
                "container --privileged"
            ) from error
        return Approximation(launch, error)
