"""The same real workload, stopped by Docker's rules: first as it is, then with endwell-init in front.

A shell entrypoint starts a worker in its own session and then the store (redis-server; where it is not installed
a small program that saves when it is told to stop). A thousand keys are set, the worker takes two hundred jobs, and the
container is stopped: SIGTERM to PID 1 alone, ten seconds, SIGKILL. What is counted afterwards is what is on the disk.

Needs no Docker: the container is a PID namespace of its own. If a Docker engine answers, the same runs there too.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from client import Store

from endwell.engine.docker import DockerEngine
from endwell.engine.local import LocalEngine
from endwell.engine.protocol import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from endwell.engine.protocol import Ending, Engine

HERE = Path(__file__).parent
KEYS, JOBS = 1000, 200
REPORT = "report.json"


@dataclass(frozen=True)
class Outcome:
    """What one stop was like, and what was left on the disk."""

    took: float
    status: int
    killed: bool
    told: tuple[str, ...]
    keys: int
    results: int


def main() -> int:
    """Run the demo; 0 when endwell-init kept everything and the naive way did not, so that it shows what it says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grace", type=int, default=10, metavar="SECONDS", help="what `docker stop` waits (default: 10)")
    parser.add_argument("--json", action="store_true", help="print the outcomes as JSON")
    arguments = parser.parse_args()
    try:
        outcomes = {"in a PID namespace of its own": compare(LocalEngine(), arguments.grace)}
        if docker := docker_engine():
            outcomes["in a Docker container"] = compare(docker, arguments.grace)
    except EngineError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    if arguments.json:
        print(json.dumps({where: [vars(outcome) for outcome in pair] for where, pair in outcomes.items()}))
    else:
        for where, (without, with_endwell) in outcomes.items():
            print(table(where, without, with_endwell, arguments.grace))
    return 0 if all(with_endwell.keys == KEYS and with_endwell.results == JOBS for _, with_endwell in outcomes.values()) else 1


def docker_engine() -> DockerEngine | None:
    """The Docker engine of this machine, or None when none answers."""
    return None


def compare(engine: Engine, grace: int) -> tuple[Outcome, Outcome]:
    """Run the workload twice: as it is, and with endwell-init in front."""
    entrypoint = ["sh", "entrypoint.sh", *store_command()]
    init = str(Path(sysconfig.get_path("scripts"), "endwell-init"))
    without = perform(engine, entrypoint, grace)
    with_endwell = perform(engine, [init, "--grace", f"{grace}s", "--report", REPORT, "--", *entrypoint], grace)
    return without, with_endwell


def perform(engine: Engine, command: Sequence[str], grace: int) -> Outcome:
    """Start, load, stop, and count what is left."""
    with tempfile.TemporaryDirectory(prefix="endwell-demo-") as place:
        directory = Path(place)
        directory.chmod(0o755)
        for file in HERE.iterdir():
            if file.is_file():
                shutil.copy(file, directory)
        shown = " ".join(Path(word).name if word.startswith("/") else word for word in command)
        print(f"{engine.name}: {shown}", file=sys.stderr)
        with engine.start(command, environment={"PATH": os.environ["PATH"]}, directory=place) as container:
            container.expect("worker: ready")
            load(directory)
            container.expect(f"worker: {JOBS} results in hand")
            ending = watched(lambda: container.stop(grace))
            said = [line.text for line in container.lines]
        told = tuple(
            name
            for name, mark in (("store", "Received SIGTERM"), ("worker", "worker: told to stop"))
            if any(mark in line for line in said)
        )
        keys, results = count(directory)
    return Outcome(round(ending.took, 1), ending.status, ending.killed, told, keys, results)


def load(directory: Path) -> None:
    """Set the keys and queue the jobs."""
    with Store(directory / "store.sock") as store:
        for number in range(KEYS):
            store.send("SET", f"key:{number}", "value")
        for _ in range(KEYS):
            store.reply()
        store.ask("RPUSH", "jobs", *(f"job:{number}" for number in range(JOBS)))


def count(directory: Path) -> tuple[int, int]:
    """Start the store again on what it left, ask it for its keys, and count the worker's results."""
    (directory / "store.sock").unlink(missing_ok=True)
    with subprocess.Popen(
        store_command(), cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as again:
        try:
            with Store(directory / "store.sock") as store:
                keys = store.ask("DBSIZE")
        finally:
            again.terminate()
    results = directory / "results.txt"
    return int(str(keys)), len(results.read_text().splitlines()) if results.exists() else 0


def store_command() -> list[str]:
    """Redis, or what stands in for it."""
    return ["redis-server", "redis.conf"] if shutil.which("redis-server") else ["python3", "store.py"]


def watched(act: Callable[[], Ending]) -> Ending:
    """Perform `act`, and count the seconds on a terminal meanwhile."""
    done = threading.Event()

    def tick() -> None:
        started = time.monotonic()
        while not done.wait(0.1):
            print(f"\r  stopping ... {time.monotonic() - started:4.1f} s ", end="", file=sys.stderr, flush=True)
        print("\r\033[K", end="", file=sys.stderr, flush=True)

    if not sys.stderr.isatty():
        return act()
    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        return act()
    finally:
        done.set()
        ticker.join()


def table(where: str, without: Outcome, with_endwell: Outcome, grace: int) -> str:
    """The two outcomes side by side."""

    def status(outcome: Outcome) -> str:
        return f"{outcome.status} (SIGKILL by the engine)" if outcome.killed else str(outcome.status)

    def told(outcome: Outcome) -> str:
        return ", ".join(outcome.told) or "nobody"

    rows = (
        ("time to stop", *(f"{outcome.took:.1f} s of {grace} s" for outcome in (without, with_endwell))),
        ("exit status", status(without), status(with_endwell)),
        ("who was told", told(without), told(with_endwell)),
        ("who was killed", "everybody" if without.killed else "nobody", "everybody" if with_endwell.killed else "nobody"),
        ("keys kept", f"{without.keys} of {KEYS}", f"{with_endwell.keys} of {KEYS}"),
        ("results kept", f"{without.results} of {JOBS}", f"{with_endwell.results} of {JOBS}"),
    )
    head = (where, "as it is", "with endwell-init")
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(3)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)]
    return "\n".join(("", lines[0], "-" * len(lines[0]), *lines[1:]))


if __name__ == "__main__":
    sys.exit(main())
