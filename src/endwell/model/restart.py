"""When a service is started again, and after which pause: Docker's words and semantics, and supervisord's.

Docker restarts after a pause that doubles from 100 ms to a minute, and forgets past failures when the
container has lived for 10 s (docs.docker.com, "Start containers automatically"). supervisord knows two kinds
of death: one that comes before `startsecs` is a failed start, which is tried again after 1, 2, 3, ... seconds
and given up after `startretries`; one that comes later is answered at once and without a limit. Both are
values of the same two dataclasses here, so that one machine lives both lives.
"""

from __future__ import annotations

from enum import Enum

from endwell.records import dataclass, field


class Restart(Enum):
    """After which kind of end; the words are Docker's."""

    NO = "no"
    ON_FAILURE = "on-failure"
    ALWAYS = "always"
    UNLESS_STOPPED = "unless-stopped"


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before the next try, in seconds.

    Args:
        first: before the first one.
        factor: by which it grows with each further one.
        step: what is added with each further one.
        most: never longer than this.
        jitter: the share of it, from 0 to 1, by which it may be shortened at random.
    """

    first: float = 0.1
    factor: float = 2.0
    step: float = 0.0
    most: float = 60.0
    jitter: float = 0.0

    def delay(self, failures: int, chance: float = 0.0) -> float:
        """Return the pause in seconds after the n-th failure in a row, shortened by chance (0 to 1)."""
        # A power that cannot be held is longer than the longest pause anyway.
        grown = self.first * self.factor ** min(failures - 1, 64) + self.step * (failures - 1)
        return min(grown, self.most) * (1 - self.jitter * chance)


DOCKER = Backoff()
AT_ONCE = Backoff(first=0.0, factor=1.0)
# At once, but not in a loop: one that dies again and again within `reset_after` waits up to a second.
AT_ONCE_AT_FIRST = Backoff(first=0.0, factor=1.0, step=0.05, most=1.0)
SUPERVISORD = Backoff(first=1.0, factor=1.0, step=1.0, most=float("inf"))


@dataclass(frozen=True, slots=True)
class StartPolicy:
    """What counts as started, and how often it is tried.

    Args:
        seconds: it has to live for longer than this; 0 means that it runs as soon as it is spawned.
        retries: failed starts in a row after which it is given up; None means never.
        backoff: the pause between them.
    """

    seconds: float = 0.0
    retries: int | None = None
    backoff: Backoff = DOCKER


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """What is done when a service that had started ends by itself.

    Args:
        when: after which kind of end.
        limit: restarts in a row after which it is left alone; None means no limit.
        success: the exit statuses that are not a failure; a death by signal always is.
        backoff: the pause before the restart.
        reset_after: a life of this many seconds makes past failures forgotten.
    """

    when: Restart = Restart.NO
    limit: int | None = None
    success: frozenset[int] = field(default=frozenset({0}))
    backoff: Backoff = DOCKER
    reset_after: float = 10.0

    def wants(self, status: int | None) -> bool:
        """Return whether it is to be started again after ending with this exit status; None: by a signal."""
        if self.when is Restart.ON_FAILURE:
            return status not in self.success
        return self.when is not Restart.NO


def docker(when: Restart, limit: int | None = None) -> tuple[StartPolicy, RestartPolicy]:
    """Return what Docker's policy of that name means, for a start that fails and for an end.

    A failed start (not executable, not ready in time) is a failure like any other: `no` does not try again.
    """
    retries = {Restart.NO: 0, Restart.ON_FAILURE: limit}.get(when)
    return StartPolicy(retries=retries), RestartPolicy(when, limit)
