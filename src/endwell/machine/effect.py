"""What the machine of one replica wants done, in order; whoever runs it reports what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.records import dataclass

if TYPE_CHECKING:
    from endwell.machine.event import Moment
    from endwell.machine.state import State
    from endwell.model.process import End
    from endwell.model.service import Hook
    from endwell.model.signals import Signal
    from endwell.model.stopping import Audience, Deadline


@dataclass(frozen=True, slots=True)
class Spawn:
    """Start the process; answer with `Spawned` or `SpawnFailed`."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send these signals in this order; that nobody is there any more is no error.

    Args:
        signals: SIGCONT comes with them where a stopped process has to hear them.
        to: `MAIN`, `GROUP` (its process group) or `TREE` (everything that came from it).
    """

    signals: tuple[Signal, ...]
    to: Audience


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL to everything that came from it; it comes again while something is left."""


@dataclass(frozen=True, slots=True)
class Run:
    """Run these hooks one after another, each within its own timeout; answer with `HooksDone`.

    Args:
        moment: what they are run for.
        hooks: at least one.
        by: when the machine goes on without them; it says `Cancel` then.
    """

    moment: Moment
    hooks: tuple[Hook, ...]
    by: Deadline


@dataclass(frozen=True, slots=True)
class Cancel:
    """Kill the hooks of this moment, if they still run; `HooksDone` is no longer waited for."""

    moment: Moment


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Call `tick` at this instant, and no longer at the one before; infinity means not at all."""

    at: float


@dataclass(frozen=True, slots=True)
class Announce:
    """Something that others can see has changed.

    Args:
        was: the state before; the same as `state` when something beside it has changed.
        state: the state now.
        pid: of the process this is about; 0 for none.
        tries: failed starts in a row.
        expected: with EXITED, whether it ended as it may.
        ready: whether it can be used.
        healthy: what its health checks say; None before the first answer and without any.
        why: what led to it, in one line for people.
        end: how its process ended; None before that, and while one runs.
    """

    was: State
    state: State
    pid: int
    tries: int
    expected: bool
    ready: bool
    healthy: bool | None
    why: str
    end: End | None = None


Effect = Spawn | Send | Kill | Run | Cancel | WakeAt | Announce
