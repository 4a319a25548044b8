"""When a project ends by itself, and with which exit status: `exit-when`.

Only an end for good counts: a service that is restarted by its policy has not ended, and one that was stopped
by hand has done what it was told. The status is that of the first service that failed, or 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from endwell.machine.state import State
from endwell.model.project import When
from endwell.model.readiness import Condition

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from endwell.machine.replica import Replica
    from endwell.model.project import ExitWhen

Key = tuple[str, int]


class Outcome(NamedTuple):
    """Why a project ends by itself.

    Args:
        status: the exit status of the container.
        why: one line for people.
    """

    status: int
    why: str


def finished(replica: Replica) -> bool:
    """Whether it has ended for good, and not because somebody told it to."""
    return replica.at_rest and (replica.failed or replica.state in {State.EXITED, State.FATAL})


def outcome(
    exit_when: ExitWhen, replicas: Mapping[Key, Replica], failures: Collection[Key], waiting: Collection[Key]
) -> Outcome | None:
    """Return why the project ends now, or None if it does not.

    Args:
        exit_when: what the file says.
        replicas: all of them.
        failures: those that have failed for good, the first one first.
        waiting: those that are to be started when others allow it, and still may be.
    """
    if exit_when.when is When.STOPPED:
        return None
    if exit_when.when is When.ANY_FAILS:
        return _first(failures, replicas) if failures else None
    if exit_when.when is When.ANY_EXITS:
        return _first(failures, replicas) if failures else _first_end(replicas)
    everybody = exit_when.when is When.ALL_EXIT
    # Who listens to the others stays for as long as there are others.
    own = {
        key: one
        for key, one in replicas.items()
        if (one.spec.listener is None if everybody else key[0] == exit_when.service)
    }
    if any(not one.at_rest or key in waiting for key, one in own.items()):
        return None
    if not any(finished(one) for one in own.values()):
        return None
    failed = [key for key in failures if key in own]
    who = "all services have" if everybody else f"{exit_when.service} has"
    return _first(failed, replicas) if failed else Outcome(0, f"{who} exited")


def _first_end(replicas: Mapping[Key, Replica]) -> Outcome | None:
    needs = (need for one in replicas.values() for need in one.spec.after)
    may_complete = {need.service for need in needs if need.condition is Condition.COMPLETED}
    for (name, _), one in replicas.items():
        if finished(one) and name not in may_complete:
            return Outcome(0, f"{one.spec.label} has exited")
    return None


def _first(failures: Collection[Key], replicas: Mapping[Key, Replica]) -> Outcome:
    one = replicas[next(iter(failures))]
    return Outcome(one.failure_status, f"{one.spec.label} has failed: {one.why}")
