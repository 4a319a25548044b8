"""What is to be done about a project: what `machine.ensemble` answers, and what is news."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from endwell.records import dataclass

if TYPE_CHECKING:
    from endwell.machine.effect import Effect
    from endwell.machine.ending import KillRest, Over, TellRest
    from endwell.machine.event import HooksDone, Spawned, SpawnFailed
    from endwell.machine.outcome import Outcome
    from endwell.machine.reloading import Cleared, Dropped, Renewing, Swapped

Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Refused:
    """It cannot be started now, and the reason does not go away by itself.

    Args:
        why: one line for people.
    """

    why: str


@dataclass(frozen=True, slots=True)
class RollingDone:
    """A restart one by one is over.

    Args:
        left: the replicas that were not restarted, because this one did not come back.
    """

    left: tuple[Key, ...] = ()


class Act(NamedTuple):
    """Something to be done.

    Args:
        key: the replica it is about; None for the project.
        effect: what.
    """

    key: Key | None
    effect: (
        Effect
        | Spawned  # for listeners only
        | SpawnFailed  # likewise
        | HooksDone  # likewise
        | Refused
        | RollingDone
        | Outcome
        | Renewing  # for listeners only
        | Cleared
        | Swapped
        | Dropped
        | TellRest
        | KillRest
        | Over
    )
