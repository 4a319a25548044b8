"""What is measured, each for all contenders in turn, so that a slow moment of the machine is shared."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from bench.inits.contenders import TRACER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.inits.contenders import Contender, Field

PLAIN: Final = "plain command"
AT_ONCE: Final = 25
"""Rounds per call of the helper: few enough for a lively progress line."""
HELD: Final = 0.5
"""Seconds a traced init is left waiting, so that its wait is told from its other calls by its length."""

ENVIRONMENT: Final = {"PATH": os.defpath}
"""Small and the same everywhere: it lies on the stack of every program, so its size is measured with it."""

Figures = dict[str, list[float]]
"""Per contender one figure a round: the same index is the same round."""


def progress(text: str) -> None:
    """Say on stderr what is being measured."""
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def one_processor(*, wanted: bool) -> Iterator[None]:
    """Keep this process, and what it starts, on one processor (the last one it may use)."""
    allowed = os.sched_getaffinity(0)
    if wanted:
        os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def ask(field: Field, *words: str) -> str:
    """What the helper prints; what the inits themselves say on stderr is dropped unless something fails."""
    done = subprocess.run(
        [str(field.helper), *words],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"helper {' '.join(words)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def guest(field: Field, init: Contender, *words: str) -> list[str]:
    """The argument list that runs one of the helper's guests under `init`."""
    return init.command(field.helper, "guest", *words)


def start(field: Field, rounds: int, *, pinned: bool) -> tuple[Figures, Figures]:
    """Microseconds from spawn to the end of a command that does nothing: on the clock, and on a processor."""
    names = [PLAIN, *(init.name for init in field.inits)]
    commands = [[str(field.plain)], *(init.command(field.plain) for init in field.inits)]
    words = [word for command in commands for word in ("+", *command)]
    wall: Figures = defaultdict(list)
    processor: Figures = defaultdict(list)
    with one_processor(wanted=pinned):
        for done in range(0, rounds, AT_ONCE):
            progress(f"start{' on one processor' if pinned else ''}: round {done} of {rounds}")
            for line in ask(
                field, "start", str(min(AT_ONCE, rounds - done)), str(done + 1), *words
            ).splitlines():
                for name, pair in zip(names, line.split(), strict=True):
                    first, second = pair.split(":")
                    wall[name].append(int(first) / 1000)
                    processor[name].append(int(second) / 1000)
    return wall, processor


def latency(field: Field, rounds: int, signals: int, *, pinned: bool) -> Figures:
    """Microseconds from kill() of the init to the child's handler; the plain command is signalled itself."""
    figures: Figures = defaultdict(list)
    programs = {init.name: guest(field, init, "stamp") for init in field.inits}
    programs = {PLAIN: [str(field.helper), "guest", "stamp"], **programs}
    with one_processor(wanted=pinned):
        for done in range(rounds):
            progress(f"forwarding{' on one processor' if pinned else ''}: round {done} of {rounds}")
            for name, command in programs.items():
                delays = ask(field, "latency", str(signals), *command).split()
                figures[name] += [int(delay) / 1000 for delay in delays]
    return figures


def reaping(field: Field, rounds: int, kind: str, number: int) -> tuple[Figures, Figures]:
    """Milliseconds until `number` orphans are reaped, and the init's microseconds on a processor for each."""
    took: Figures = defaultdict(list)
    each: Figures = defaultdict(list)
    for done in range(rounds):
        progress(f"reaping {number} ({kind}): round {done} of {rounds}")
        for init in field.inits:
            wall, processor = ask(field, "reap", *guest(field, init, kind, str(number))).split()
            took[init.name].append(int(wall) / 1e6)
            each[init.name].append(int(processor) / 1000 / number)
    return took, each


@contextlib.contextmanager
def waiting(field: Field, init: Contender, *tracer: str) -> Iterator[int]:
    """`init` as PID 1 with a child that is ready and asleep; gives the pid of the helper that started it."""
    command = [*tracer, str(field.helper), "pid1", *guest(field, init, "pause")]
    with subprocess.Popen(
        command,
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        output: IO[bytes] | None = process.stdout
        if output is None or output.read(1) != b"r":
            raise RuntimeError(f"{init.name}: the guest did not start")
        yield process.pid


def child_of(process: int) -> int:
    """The pid of the only child."""
    return int(Path(f"/proc/{process}/task/{process}/children").read_text().split()[0])


def memory(field: Field, rounds: int) -> dict[str, Figures]:
    """Kilobytes of the init while its child sleeps: resident, proportional share, and private dirty."""
    wanted = {"Rss": "resident", "Pss": "proportional", "Private_Dirty": "private dirty"}
    figures: dict[str, Figures] = {name: defaultdict(list) for name in wanted.values()}
    for done in range(rounds):
        progress(f"memory: round {done} of {rounds}")
        for init in field.inits:
            with waiting(field, init) as helper:
                for line in Path(f"/proc/{child_of(helper)}/smaps_rollup").read_text().splitlines():
                    key, _, value = line.partition(":")
                    if key in wanted:
                        figures[wanted[key]][init.name].append(int(value.split()[0]))
    return figures


def switches(process: int) -> int:
    """How often the process has been switched on or off so far."""
    status = Path(f"/proc/{process}/status").read_text()
    return sum(int(count) for count in re.findall(r"voluntary_ctxt_switches:\s+(\d+)", status))


def idle(field: Field, seconds: float) -> Figures:
    """Wake-ups a second while the child sleeps; all inits wait at the same time."""
    progress(f"idle: {seconds:g} s")
    with contextlib.ExitStack() as stack:
        processes = {init.name: child_of(stack.enter_context(waiting(field, init))) for init in field.inits}
        time.sleep(1)  # whoever still had something to do after the start has done it
        before = {name: switches(process) for name, process in processes.items()}
        time.sleep(seconds)
        return {name: [(switches(process) - before[name]) / seconds] for name, process in processes.items()}


def system_calls(field: Field) -> dict[str, Figures]:
    """How many system calls until signals are blocked, and until it waits (each included; execve is not)."""
    figures: dict[str, Figures] = {"until blocked": {}, "until it waits": {}}
    for init in () if TRACER in field.missing else field.inits:
        progress(f"system calls: {init.name}")
        with tempfile.NamedTemporaryFile("r", suffix=".strace") as log:
            with waiting(field, init, TRACER, "-f", "-T", "-qq", "-e", "signal=none", "-o", log.name):
                time.sleep(HELD)
            blocked, waits = calls_in(log.read(), str(init.path))
        if blocked is not None:
            figures["until blocked"][init.name] = [blocked]
        figures["until it waits"][init.name] = [waits]
    return figures


def calls_in(log: str, path: str) -> tuple[int | None, int]:
    """Read `strace -f -T`: the number of the call that blocks signals, and of the one the init waits in."""
    own = re.search(rf'^(\d+) +execve\("{re.escape(path)}"', log, re.MULTILINE)
    if own is None:
        raise RuntimeError(f"no execve of {path} in the trace")
    blocked: int | None = None
    number = -1  # the execve itself
    for line in log[own.start() :].splitlines():
        process, _, call = line.partition(" ")
        if process != own[1]:
            continue
        call = call.lstrip()
        if not call.startswith("<..."):
            number += 1
            if blocked is None and re.match(r"rt_sigprocmask\(SIG_(BLOCK|SETMASK), ~\[", call):
                blocked = number
        took = re.search(r"<(\d+\.\d+)>$", call)
        if took and float(took[1]) > HELD / 5:
            return blocked, number
    raise RuntimeError(f"{path} never waited in the trace")
