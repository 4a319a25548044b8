"""How something is stopped: what is left of the grace period, and who is told what, when.

A stop has one budget, the grace period: from the stop signal until whoever asked kills everything. It is
spent in phases, and every phase has to leave enough for those that follow it:

    |  drain       |  main              |  rest                |  kill    |  after-exit  |  margin  |
    0           drained               told                   kill                      leave      grace
       go on          the main process      SIGTERM to all       what is     the hook's     the way
       serving;       is told, and ends     that is left,        left is     own time       out
       before-stop    its own workers       wait for them        killed
       hook

Every instant is the latest one: a phase ends early when what it waits for has happened, those that follow
begin early, and what was not needed is given back to whoever waits for the container.
"""

import math
from enum import Enum
from typing import Self

from endwell.model.signals import CONT, KILL, TERM, Signal
from endwell.records import dataclass, field

# What is kept back from the grace: we, who know the names, must be the ones who kill, not the engine. One
# half lets the killed ones be collected, the other one is for our own way out.
MARGIN_SHARE = 0.1
MARGIN_MOST = 0.5
MAIN_SHARE = 2 / 3
HOOK_SHARE = 0.25
HOOK_WITHOUT_GRACE = 10.0


@dataclass(frozen=True, slots=True, order=True)
class Deadline:
    """The instant by which something has to be over.

    Args:
        at: seconds on the monotonic clock; infinity means never.
    """

    at: float = math.inf

    def __post_init__(self) -> None:
        if math.isnan(self.at):
            raise ValueError("a deadline cannot be nan: it would neither come nor stay away")

    @classmethod
    def after(cls, now: float, seconds: float | None) -> Self:
        """The deadline `seconds` from `now`; None means never."""
        return cls(math.inf if seconds is None else now + seconds)

    def left(self, now: float) -> float:
        """Seconds until then, never negative, infinite without a deadline."""
        return max(0.0, self.at - now)

    def passed(self, now: float) -> bool:
        """Whether the instant has come."""
        return now >= self.at

    def share(self, now: float, part: float) -> Self:
        """The deadline of somebody who may use `part` (0 to 1) of what is left."""
        if not 0 <= part <= 1:
            raise ValueError(f"a share of what is left goes from 0 to 1, not {part}")
        return self if math.isinf(self.at) else type(self)(min(self.at, now + self.left(now) * part))

    def cut(self, seconds: float) -> Self:
        """The deadline of somebody who has to leave `seconds` to those who come after."""
        if seconds < 0:
            raise ValueError(f"a deadline is cut, not stretched: {seconds} s is negative")
        return type(self)(self.at - seconds)

    def within(self, now: float, seconds: float | None) -> Self:
        """The earlier one of this deadline and `seconds` from `now`."""
        return min(self, self.after(now, seconds))


class Audience(Enum):
    """Whom a signal is sent to."""

    MAIN = "main"
    GROUP = "group"
    TREE = "tree"
    REST = "rest"  # everything but ourselves, whether main has ended or not
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the stop: who is sent which signals when it begins, and when it is over at the latest.

    Args:
        name: as in the init's report.
        begins: seconds after the stop was asked for, at the latest.
        ends: likewise; infinite when nothing but the processes' own end ends it.
        to: who is told.
        signals: what they are told, in this order; SIGCONT so that the stopped ones can hear it.
        hook: the command that runs meanwhile, or None.
    """

    name: str
    begins: float
    ends: float
    to: Audience = Audience.NOBODY
    signals: tuple[Signal, ...] = ()
    hook: str | None = None

    @property
    def lasts(self) -> float:
        """Seconds it may take at most."""
        return self.ends - self.begins if self.ends > self.begins else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StopPlan:
    """Who gets which signal in which order, and how long each may take.

    Args:
        grace: seconds from the stop signal until whoever asked kills everything; None means no deadline.
        drain: seconds to go on serving before anybody is told.
        main_timeout: seconds main may take before the rest is told; None means two thirds of what is left.
        signal: what main is told.
        to: who is told first: main, its process group, or the whole tree.
        before_stop: a command that runs during the drain.
        after_exit: a command that runs when everything has ended or was killed.
        hook_timeout: seconds each hook may take; None means a quarter of the grace, 10 s without one.
    """

    grace: float | None = None
    drain: float = 0.0
    main_timeout: float | None = None
    signal: Signal = field(default=TERM)
    to: Audience = Audience.MAIN
    before_stop: str | None = None
    after_exit: str | None = None
    hook_timeout: float | None = None

    def __post_init__(self) -> None:
        for name in ("grace", "drain", "main_timeout", "hook_timeout"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < math.inf:
                raise ValueError(f"{name} must be a length of time, not {value}; None means unset")

    @property
    def hook_time(self) -> float:
        """Seconds each hook may take."""
        if self.hook_timeout is not None:
            return self.hook_timeout
        return HOOK_WITHOUT_GRACE if self.grace is None else self.grace * HOOK_SHARE

    @property
    def margin(self) -> float:
        """Seconds of the grace that are kept back."""
        return 0.0 if self.grace is None else min(self.grace * MARGIN_SHARE, MARGIN_MOST)

    @property
    def leave(self) -> float:
        """The instant everything is over, at the latest."""
        return math.inf if self.grace is None else self.grace - self.margin / 2

    @property
    def kill(self) -> float:
        """The instant what is left is killed: early enough for the after-exit hook and the margin."""
        if self.grace is None:
            return math.inf
        return max(0.0, self.grace - self.margin - (self.hook_time if self.after_exit else 0.0))

    @property
    def drained(self) -> float:
        """The instant main is told, at the latest."""
        hook = self.hook_time if self.before_stop else 0.0
        return min(max(self.drain, hook), self.kill)

    @property
    def told(self) -> float:
        """The instant the rest is told, at the latest: main has had its share."""
        share = (self.kill - self.drained) * MAIN_SHARE if self.main_timeout is None else self.main_timeout
        return min(self.drained + share, self.kill)

    @property
    def misfit(self) -> str | None:
        """The first length of time for which the grace has no room, by its name, or None.

        The init refuses such a plan. Here its phases are cut short, so that what would happen can be shown.
        """
        left = math.inf if self.grace is None else self.grace - self.margin
        hook = self.hook_time if self.after_exit else None
        for name, time in (
            ("drain", self.drain),
            ("main_timeout", self.main_timeout),
            ("hook_timeout", hook),
        ):
            if time and time >= left:
                return name
            left -= time or 0.0
        return None

    def phases(self) -> tuple[Phase, ...]:
        """The phases in their order, each beginning where the one before it ends."""
        killed = min(self.kill + self.margin / 2, self.leave)
        after = min(killed + self.hook_time, self.leave) if self.after_exit else killed
        return (
            Phase("drain", 0.0, self.drained, hook=self.before_stop),
            Phase("main", self.drained, self.told, self.to, (self.signal,)),
            Phase("rest", self.told, self.kill, Audience.REST, (TERM, CONT)),
            Phase("kill", self.kill, killed, Audience.REST, (KILL,)),
            Phase("after-exit", killed, after, hook=self.after_exit),
        )

    def deadline(self, asked: float) -> Deadline:
        """By when everything is over, for a stop that was asked for at `asked` on the monotonic clock."""
        return Deadline(asked + self.leave)
