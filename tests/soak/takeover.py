"""Kill the supervisor again and again, at any instant and under load, and see that everybody was told.

    python -m tests.soak.takeover --rounds 1000

A round is a container's life in a PID namespace of its own: services of all kinds (quick, slow, chatty, deaf,
with children in sessions of their own, with orphans, crash-looping, forking all the time) are started by
`endwell up` as PID 1, and the supervisor gets a SIGKILL at a random instant: while it starts, while all
run, or while it stops them. What everybody has seen stands in one file, and is held against the law:

    told     who was there heard SIGTERM, or had ended by himself
    once     nobody heard it twice
    order    who needs another one had ended before that one was told
    none     nobody is left, and nobody was started after the supervisor was gone
    one      no replica was there twice
"""

from __future__ import annotations

import argparse
import os
import random
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from endwell.records import dataclass, field
from endwell.system.tree import children_of
from tests.supervise.under_init import NAMESPACE, command, interpreter

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCES = Path(__file__).parents[2] / "src"
LIMIT = 60.0  # seconds after which a round has failed, whatever it is waiting for
KINDS = ("quick", "slow", "chatty", "deaf", "parent", "orphans", "crash", "burst")
MOMENTS = {"start": 0.4, "run": 0.3, "stop": 0.3}


class Event(NamedTuple):
    """A line of what was seen.

    Args:
        name: of a process, by the replica from which it came.
        pid: its number.
        event: `born`, `TERM` or `end`.
    """

    name: str
    pid: str
    event: str


@dataclass
class Round:
    """What came of one round.

    Args:
        seed: of its chances.
        moment: when the supervisor was killed.
        status: of the container.
        problems: what was against the law.
        took: seconds from the SIGKILL to the end.
    """

    seed: int
    moment: str
    status: int = 0
    problems: list[str] = field(default_factory=list)
    took: float = 0.0


@cache
def guest() -> str:
    """Return the path of the guest, compiled."""
    path = Path(interpreter()).with_name("guest")
    source = Path(__file__).with_name("guest.c")
    subprocess.run(["cc", "-O1", "-static", "-Wall", "-o", path, source], check=True)
    return str(path)


def configuration(log: Path) -> str:
    """Return the supervisord.conf of a round."""
    text = "[supervisord]\nnodaemon=true\n"
    for kind in KINDS:
        quoted = shlex.join([guest(), kind, f"{kind}-%(process_num)d", str(log)]).replace("%%", "%")
        text += (
            f"[program:{kind}]\ncommand={quoted}\nnumprocs=2\nprocess_name=%(program_name)s-%(process_num)d\n"
            "stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\nredirect_stderr=true\nstartsecs=0\n"
            f"stopwaitsecs={1 if kind in {'deaf', 'parent'} else 20}\n"
            f"autorestart={'true' if kind == 'crash' else 'false'}\nendwell_restart_delay=0s\n"
        )
    return text.replace("[program:slow]\n", "[program:slow]\nendwell_after=quick\n")


def play(seed: int) -> Round:
    """Play one round."""
    chance = random.Random(seed)  # noqa: S311  no secret
    moment = chance.choices(list(MOMENTS), list(MOMENTS.values()))[0]
    played = Round(seed, moment)
    with tempfile.TemporaryDirectory(prefix="endwell-soak-") as name:
        directory = Path(name)
        log = directory / "log"
        log.touch()
        (directory / "supervisord.conf").write_text(configuration(log))
        said = directory / "said"
        with (
            said.open("wb") as output,
            subprocess.Popen(
                [*NAMESPACE, *command(), "up", "-c", f"{directory}/supervisord.conf", "--grace", "20s"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=output,
                env={**os.environ, "PYTHONPATH": str(SOURCES)},
            ) as container,
        ):
            reading = ThreadPoolExecutor(1)
            assert container.stdout is not None
            reading.submit(container.stdout.read)
            try:
                _kill(container.pid, moment, chance, log, played)
                killed = time.monotonic()
                played.status = container.wait(LIMIT)
                played.took = time.monotonic() - killed
            except (TimeoutError, subprocess.TimeoutExpired) as error:
                played.problems.append(f"hangs: {error}")
            finally:
                container.kill()
            reading.shutdown()
        judge(played, log.read_text().splitlines(), said.read_text())
    return played


def _kill(outer: int, moment: str, chance: random.Random, log: Path, played: Round) -> None:
    """Send SIGKILL to the supervisor at a moment."""
    until = time.monotonic() + LIMIT
    init = supervisor = 0
    while not supervisor:
        if time.monotonic() > until:
            raise TimeoutError("no supervisor")
        for first in children_of(outer):
            if Path(f"/proc/{first}/comm").read_text() == "endwell-init\n":
                init, supervisor = first, next(iter(children_of(first)), 0)
    pidfd = os.pidfd_open(supervisor)
    try:
        if moment == "start":
            time.sleep(chance.uniform(0.0, 0.35))
        else:
            while len(log.read_text().splitlines()) < 2 * len(KINDS) + 6:
                if time.monotonic() > until:
                    raise TimeoutError("not all were started")
                time.sleep(0.01)
            time.sleep(chance.uniform(0.0, 0.3))
        if moment == "stop":
            os.kill(init, signal.SIGTERM)
            time.sleep(chance.uniform(0.0, 0.2))
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        with log.open("a") as file:
            file.write("supervisor 0 killed\n")
    except ProcessLookupError:
        played.moment = "too late"
    finally:
        os.close(pidfd)


def judge(played: Round, lines: list[str], said: str) -> None:
    """Hold what was seen against the law."""
    events = [Event(*line.rsplit(" ", 2)) for line in lines if not line.startswith("supervisor ")]
    played.problems += [*_told_once(events), *_one(events), *_in_order(events)]
    if "mistake" in said or "Traceback" in said:
        played.problems.append("it made a mistake")
    if "the supervisor was ended" not in said and " (SIGTERM): " in said:
        played.moment = "too late"  # it had ended, and was not collected yet
    wanted = {0, 124, 137} if played.moment == "too late" else {137}
    if played.status not in wanted:
        played.problems.append(f"its status was {played.status}")
    if played.problems:
        played.problems.append(f"it said: {said[-1500:]}")


def _told_once(events: list[Event]) -> Iterator[str]:
    by_process: dict[tuple[str, str], list[str]] = {}
    for name, pid, event in events:
        by_process.setdefault((name, pid), []).append(event)
    for (name, pid), own in by_process.items():
        if "TERM" not in own and "end" not in own:
            yield f"{name} {pid} was never told"
        if own.count("TERM") > 1:
            yield f"{name} {pid} was told {own.count('TERM')} times"


def _one(events: list[Event]) -> Iterator[str]:
    there: dict[str, set[str]] = {}
    for name, pid, event in events:
        own = there.setdefault(name, set())
        if event == "born" and "." not in name:
            own.add(pid)
        elif event == "end":
            own.discard(pid)
        if len(own) > 1:
            yield f"{name} was there twice: {own}"


def _in_order(events: list[Event]) -> Iterator[str]:
    needing: set[str] = set()
    for name, pid, event in events:
        if name.startswith("slow") and event == "born":
            needing.add(pid)
        elif name.startswith("slow") and event == "end":
            needing.discard(pid)
        elif name.startswith("quick") and event == "TERM" and needing:
            yield f"{name} was told before slow had ended: {needing}"


def main() -> int:
    """Play, and print what came of it; returns 1 if anything was against the law."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the first round")
    parser.add_argument("--together", type=int, default=2, help="rounds at a time")
    options = parser.parse_args()
    guest()
    moments: Counter[str] = Counter()
    bad = 0
    longest = 0.0
    with ThreadPoolExecutor(options.together) as pool:
        for played in pool.map(play, range(options.seed, options.seed + options.rounds)):
            moments[played.moment] += 1
            longest = max(longest, played.took)
            if played.problems:
                bad += 1
                print(f"round {played.seed} ({played.moment}):", *played.problems, sep="\n  ", flush=True)
    words = ", ".join(f"{count} {moment}" for moment, count in sorted(moments.items()))
    print(f"{options.rounds} rounds ({words}), {bad} against the law; the longest end took {longest:.2f} s")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
