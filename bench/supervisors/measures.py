"""What is measured. Each takes one system through one round; who calls lets the systems take turns."""

from __future__ import annotations

import math
import os
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from bench.supervisors.arena import Arena, TooLateError, below, until
from bench.supervisors.contenders import HERE, CannotMeasureError, Service, System, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LATE = math.inf
"""The figure of what has not come while somebody waited for it."""
SETTLED = 1.6
"""Seconds after which everybody calls a service running: supervisord's startsecs, and a little more."""
KILLS = 10
SLOW = (8, 500)
"""So many services, each of which takes so many milliseconds to stop."""
CRASHES = 1000
_LOOK = 0.01
_LAST_ANSWER = 20.0
_LINE = 100
_MB = 1_000_000

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Measure:
    """One kind of round.

    Args:
        name: of it.
        run: takes a system through it and returns its figures by name.
        suits: whether a system can do it at all.
    """

    name: str
    run: Callable[[System], Figures]
    suits: Callable[[System], bool] = lambda _: True


class Bench:
    """Where rounds are run.

    Args:
        guest: the program of all services.
        idle: seconds of idleness that are measured.
        megabytes: that one writer writes.
    """

    def __init__(self, guest: Path, idle: float, megabytes: int) -> None:
        self.guest = guest
        self.idle = idle
        self.megabytes = megabytes

    @contextmanager
    def at_work(
        self,
        system: System,
        services: list[Service],
        *,
        control: bool = False,
        stdout: int | None = None,
        wait: bool = True,
    ) -> Iterator[tuple[Arena, Task]]:
        """Have a system run services, in a directory of its own in memory; all of them have started."""
        with tempfile.TemporaryDirectory(prefix="bench-", dir=_memory()) as place:
            directory = Path(place)
            os.mkfifo(directory / "fifo")
            task = Task(directory, self.guest, services, control)
            command = system.prepare(task)
            with Arena(command, directory, self.guest, dict(system.environment), stdout) as arena:
                if wait:
                    arena.wait_for(len(services), "S")
                yield arena, task

    # ------------------------------------------------------------------------------------------------- rounds

    def life(self, number: int, *, logs: bool = False, rest: bool = False) -> Callable[[System], Figures]:
        """Start so many services; let them be, for a while if what they do at rest is wanted; stop them."""

        def run(system: System) -> Figures:
            services = [Service(one, log=f"log-{one}" if logs else "") for one in range(number)]
            with self.at_work(system, services) as (arena, _):
                start = max(one.at for one in arena.reports) - arena.began
                time.sleep(SETTLED)
                figures = {"start": start, "memory": arena.memory()}
                if rest:
                    before, began = arena.usage(), time.monotonic()
                    time.sleep(self.idle)
                    after, took = arena.usage(), time.monotonic() - began
                    figures["wake-ups"] = (after.switches - before.switches) / took
                    figures["idle time"] = (after.seconds - before.seconds) / took
                figures["stop"] = _or_late(lambda: arena.end(system.stop))
                return figures

        return run

    def slow(self, system: System) -> Figures:
        """Stop services that take their time."""
        number, milliseconds = SLOW
        services = [Service(one, f"slow {milliseconds}") for one in range(number)]
        with self.at_work(system, services) as (arena, _):
            time.sleep(SETTLED)
            return {"stop": _or_late(lambda: arena.end(system.stop))}

    def restart(self, system: System) -> Figures:
        """Kill services one after another, and see when each is there again."""
        services = [Service(one) for one in range(KILLS)]
        with self.at_work(system, services) as (arena, _):
            time.sleep(SETTLED)
            taken = []
            for first in arena.wait_for(KILLS, "S"):
                seen = len(arena.reports)
                killed = time.monotonic()
                os.kill(first.pid, signal.SIGKILL)
                arena.wait_for(seen + 1, "S")
                taken.append(arena.reports[-1].at - killed)
            return {"median": statistics.median(taken), "worst": max(taken)}

    def capture(self, block: int, *, timed: bool) -> Callable[[System], Figures]:
        """Write lines as fast as they are taken, and see when all of them are in the file."""
        megabytes = self.megabytes if block > _LINE else self.megabytes // 4
        lines = megabytes * _MB // _LINE

        def run(system: System) -> Figures:
            services = [Service(0, f"write {megabytes} {block}", "log", timed)]
            with self.at_work(system, services) as (arena, task):
                place = Path(task.log(services[0]))
                begin, before = arena.wait_for(1, "B")[0].at, arena.usage().seconds
                until(lambda: bool(_first_line(place)))
                first = _first_line(place)
                end = until(lambda: _size(place) >= lines * len(first))
                used = arena.usage().seconds - before
                arena.wait_for(1, "E")
                broken = lines - _whole_lines(place, first)
                return {"MB/s": megabytes / (end - begin), "processor": used, "lost or broken": broken}

        return run

    def status(self, number: int) -> Callable[[System], Figures]:
        """Ask for the states of so many services."""

        def run(system: System) -> Figures:
            assert system.ask is not None  # noqa: S101  it would not suit
            with self.at_work(system, [Service(one) for one in range(number)], control=True) as (_, task):
                time.sleep(SETTLED)
                ask = system.ask(task)
                taken = []
                for _ in range(15):
                    began = time.monotonic()
                    told = ask()
                    taken.append(time.monotonic() - began)
                    if told != number:
                        raise CannotMeasureError(f"{system.name} told of {told} of {number} services")
                return {"median": statistics.median(taken)}

        return run

    def blocked(self, system: System) -> Figures:
        """Ask for the end while nobody reads the container's stdout: when is another service told?"""
        reading, writing = os.pipe()
        try:
            services = [Service(0, "flood", "-"), Service(1, "slow 0")]
            with self.at_work(system, services, stdout=writing) as (arena, _):
                time.sleep(SETTLED)
                asked = time.monotonic()
                os.kill(arena.process.pid, system.stop)
                told = _or_late(lambda: arena.wait_for(1, "T", 5.0)[0].at - asked)
                return {"told": told}
        finally:
            os.close(reading)
            os.close(writing)

    def crashes(self, number: int, window: float) -> Callable[[System], Figures]:
        """Have so many services that end at once, for a while: does anything else still work?"""

        def run(system: System) -> Figures:
            services = [Service(one, "fail") for one in range(number)]
            with self.at_work(system, services, control=True, wait=False) as (arena, task):
                began, used = time.monotonic(), arena.usage()
                asking = None
                while (took := time.monotonic() - began) < window:
                    arena.read_all()
                    if system.ask is not None and asking is None and took > window / 2:
                        asking = _Asking(partial(system.ask, task))
                    time.sleep(_LOOK)
                starts: dict[int, int] = defaultdict(int)
                for one in arena.reports:
                    starts[one.number] += 1
                processors = (arena.usage().seconds - used.seconds) / took
                figures = {"starts a second": len(arena.reports) / took, "processors": processors}
                figures["most"] = max(starts.values(), default=0)
                if asking is not None:
                    figures["answer"] = asking.slowest(arena)
                figures["stop"] = _or_late(lambda: arena.end_amid_reports(system.stop))
                return figures

        return run


class _Asking(Thread):
    """Asks again and again, beside whoever reads what guests report: those would have to wait otherwise."""

    def __init__(self, connect: Callable[[], Callable[[], int]]) -> None:
        super().__init__(daemon=True)
        self._connect = connect
        self._taken: list[float] = []
        self._enough = False
        self.start()

    def run(self) -> None:
        """Ask; how long that takes begins with the connection."""
        began = time.monotonic()
        with suppress(OSError, HTTPException, subprocess.TimeoutExpired):
            ask = self._connect()
            while not self._enough:
                ask()
                self._taken.append(time.monotonic() - began)
                began = time.monotonic()

    def slowest(self, arena: Arena) -> float:
        """Return how long the slowest answer took; one that does not come any more is too late."""
        self._enough = True
        until = time.monotonic() + _LAST_ANSWER
        while self.is_alive() and time.monotonic() < until:
            arena.read_all()
            time.sleep(_LOOK)
        return LATE if self.is_alive() or not self._taken else max(self._taken)


def build(into: Path) -> Path:
    """Compile the guest."""
    compiler = next((one for one in ("musl-gcc", "cc") if shutil.which(one)), None)
    if compiler is None:
        raise CannotMeasureError("cannot build the services' program: no C compiler; install gcc")
    flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static"]
    done = subprocess.run(
        [compiler, *flags, str(HERE / "guest.c"), "-o", str(into)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotMeasureError(f"cannot build the services' program: {done.stderr.strip()}")
    return into


def nobody_left() -> bool:
    """Whether nothing that a round has started is left."""
    return not below(os.getpid())


def _or_late(what: Callable[[], float]) -> float:
    try:
        return what()
    except (TooLateError, OSError):
        return LATE


def _memory() -> str | None:
    return "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112, S108  a place in memory


def _parts(place: Path) -> list[Path]:
    """The files of a log; a logger with a directory has several."""
    if not place.is_dir():
        return [place] if place.exists() else []
    return [one for one in place.iterdir() if one.name not in {"lock", "state", "config", "newstate"}]


def _size(place: Path) -> int:
    return sum(one.stat().st_size for one in _parts(place))


def _first_line(place: Path) -> bytes:
    for one in sorted(_parts(place)):
        with one.open("rb") as file:
            line = file.readline()
            if line.endswith(b"\n"):
                return line
    return b""


def _whole_lines(place: Path, first: bytes) -> int:
    own = first[-_LINE:]
    found = 0
    for one in _parts(place):
        with one.open("rb") as file:
            found += sum(1 for line in file if len(line) == len(first) and line.endswith(own))
    return found
