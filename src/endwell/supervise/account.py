"""The account of a stop: who was told when, who ended how, who had to be killed, and the exit status.

    0                     everybody ended by himself, in his time
    the service's own     what `exit-when` or `--exit-code-from` asks for
    124                   somebody had to be killed, or was still there when the time was over

124 is what timeout(1) says of the same. 137 would be the engine's own SIGKILL, which is what all this is to
avoid, and would not tell who did it.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from endwell.machine.life import Life
    from endwell.machine.outcome import Outcome
    from endwell.model.process import End

SCHEMA = "endwell.up/1"
KILLED = 124
_MANY = 20  # services that ended well are named up to this many; those that did not always

Key = tuple[str, int]


class Account:
    """What is noted from the moment the stop was asked for.

    Args:
        given: the container's grace in seconds.
        exit_code_from: the service whose exit status is ours; empty for none.

    Attributes:
        asked: when the stop was asked for; None before.
        reason: by what.
        outcome: why the project ended by itself, if it did.
        present: the replicas of which there was a process then.
        rest_told: the others who got SIGTERM at the end, by number with their command line.
        rest_killed: likewise SIGKILL.
        visitors: those among them who were started by `endwell exec`, by number with the service's name.
        rest_more: how many others there were who got it, of whom nothing more is known.
        killed_last: the replicas that were killed when the time for all was over.
        late: the replicas that were still there when the time was over.
        lost: sentences about output that could not be written.
        over: when it was over.
    """

    def __init__(self, given: float, exit_code_from: str = "") -> None:
        self.given = given
        self.exit_code_from = exit_code_from
        self.asked: float | None = None
        self.reason = ""
        self.outcome: Outcome | None = None
        self.present: tuple[Key, ...] = ()
        self.rest_told: dict[int, str] = {}
        self.rest_killed: dict[int, str] = {}
        self.visitors: dict[int, str] = {}
        self.rest_more = 0
        self.killed_last: frozenset[Key] = frozenset()
        self.late: tuple[Key, ...] = ()
        self.lost: tuple[str, ...] = ()
        self.over = 0.0

    def begin(self, reason: str, lives: Iterable[Life], now: float) -> None:
        """The stop was asked for."""
        if self.asked is None:
            self.asked, self.reason = now, reason
            self.present = tuple(life.spec.key for life in lives if life.pid or life.left)

    @property
    def took(self) -> float:
        """Seconds from the first signal to the end."""
        return self.over - (self.over if self.asked is None else self.asked)

    def killed(self, lives: Collection[Life]) -> list[Life]:
        """Return those who had to be killed during the stop."""
        return [
            life
            for life in self._of(lives)
            if life.spec.key in self.killed_last or _after(life.killed_at, self.asked) is not None
        ]

    def status(self, lives: Collection[Life]) -> int:
        """Return the exit status of the container."""
        if self.exit_code_from:
            own = [life for life in lives if life.spec.name == self.exit_code_from]
            return next((status for life in own if (status := _status(life))), 0)
        if self.outcome is not None and self.outcome.status:
            return self.outcome.status
        return KILLED if self.killed(lives) or self.rest_killed or self.late else 0

    def lines(self, lives: Collection[Life]) -> Iterator[str]:
        """Tell it to people: those who had to be killed come last, where they are seen."""
        stopped, killed = self._of(lives), self.killed(lives)
        names = {life.spec.key: life.spec.label for life in lives}
        well = [life for life in stopped if life not in killed and life.spec.key not in self.late]
        if len(well) <= _MANY:
            for life in sorted(well, key=lambda one: one.ended_at or 0.0):
                yield f"{life.spec.label} {self._course(life)}"
        told = {pid: name for pid, name in self.rest_told.items() if pid not in self.rest_killed}
        for pid, name in islice(told.items(), _MANY):
            yield f"{self._stranger(pid, name)} was told SIGTERM and ended"
        if (others := len(told) - _MANY) > 0:
            yield f"{others} other processes, which belonged to no service, were told SIGTERM and ended"
        for life in killed:
            if _left_somebody(life):
                at = _after(life.killed_at, self.asked) or 0.0
                yield (
                    f"{life.spec.label} {self._course(life)}; those it left behind "
                    f"had to be killed: SIGKILL at {at:.2f} s"
                )
            else:
                yield f"{life.spec.label} had to be killed: {self._course(life)}"
        for pid, name in islice(self.rest_killed.items(), _MANY):
            yield f"{self._stranger(pid, name)} had to be killed"
        others = self.rest_more + max(0, len(self.rest_killed) - _MANY)
        if others:
            yield f"{others} other processes, which belonged to no service, had to be killed"
        for key in self.late:
            yield f"{names.get(key, key[0])} was still there when the time was over"
        yield from self.lost
        good = (
            f"{len(well)} of {len(stopped)} services ended by themselves"
            if stopped
            else "no service was running"
        )
        yield f"over after {self.took:.2f} s of {self.given:g} s ({self.reason}): {good}"

    def report(self, lives: Collection[Life]) -> dict[str, Any]:
        """Tell it to programs: times are in seconds after the stop was asked for."""
        return {
            "schema": SCHEMA,
            "stop": {"reason": self.reason, "why": self.outcome.why if self.outcome else None},
            "services": [self._row(life) for life in self._of(lives)],
            "rest": [
                {
                    "pid": pid,
                    "command": name,
                    "killed": pid in self.rest_killed,
                    "exec_of": self.visitors.get(pid),
                }
                for pid, name in {**self.rest_told, **self.rest_killed}.items()
            ],
            "late": [
                {"service": life.spec.name, "replica": life.spec.index + 1, "label": life.spec.label}
                for life in lives
                if life.spec.key in self.late
            ],
            "rest_more": self.rest_more,
            "lost": list(self.lost),
            "grace": {"given": round(self.given, 6), "used": round(self.took, 6)},
            "exit": self.status(lives),
        }

    # ---------------------------------------------------------------------------------------------------- how

    def _stranger(self, pid: int, name: str) -> str:
        if pid in self.visitors:
            return f"exec of {self.visitors[pid]}: {name} (process {pid})"
        return f"process {pid} ({name}), which belonged to no service,"

    def _of(self, lives: Iterable[Life]) -> list[Life]:
        return [life for life in lives if life.spec.key in self.present]

    def _course(self, life: Life) -> str:
        told, killed = _after(life.told_at, self.asked), _after(life.killed_at, self.asked)
        words = []
        if told is not None:
            words.append(f"told {life.spec.stop_signal} at {told:.2f} s")
        if killed is not None and not _left_somebody(life):
            words.append(f"SIGKILL at {killed:.2f} s")
        ended = _after(life.ended_at, self.asked)
        words.append(
            "did not end" if life.pid else f"{life.how}" + ("" if ended is None else f" at {ended:.2f} s")
        )
        return ", ".join(words)

    def _row(self, life: Life) -> dict[str, Any]:
        return {
            "service": life.spec.name,
            "replica": life.spec.index + 1,
            "label": life.spec.label,
            "signal": str(life.spec.stop_signal),
            "told": _round(_after(life.told_at, self.asked)),
            "killed": _round(_after(life.killed_at, self.asked)),
            "ended": None if life.pid else _round(_after(life.ended_at, self.asked)),
            "end": None if life.pid else _end(life.end),
        }


def _left_somebody(life: Life) -> bool:
    """Whether it had ended already when SIGKILL came: that was for others, whom it had started."""
    ended, killed = life.ended_at, life.killed_at
    return not life.pid and ended is not None and killed is not None and ended < killed


def _end(end: End | None) -> dict[str, Any] | None:
    if end is None:
        return None
    if end.signal is not None:
        said = {"out_of_memory": True} if end.out_of_memory else {}
        return {"kind": "signal", "signal": str(end.signal), **said}
    return {"kind": "exit", "code": end.code}


def _status(life: Life) -> int:
    if life.end is not None:
        return life.end.status or 0
    return life.failure_status


def _after(at: float | None, asked: float | None) -> float | None:
    return None if at is None or asked is None or at < asked else at - asked


def _round(at: float | None) -> float | None:
    return None if at is None else round(at, 6)
