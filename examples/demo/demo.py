"""The same real workload, stopped by Docker's rules: first as it is, then with endwell-init in front.

A shell entrypoint starts a worker in its own session and then the store (redis-server; where it is not
installed a small program that saves when it is told to stop). A thousand keys are set, the worker takes two
hundred jobs, and the container is stopped: SIGTERM to PID 1 alone, ten seconds, SIGKILL. What is counted
afterwards is what is on the disk.

Needs no Docker: the container is a PID namespace of its own. If an engine answers, the same runs there too.
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
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from client import Store

from endwell.engine.host_image import host_image_engine
from endwell.engine.local import LocalEngine
from endwell.engine.protocol import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from endwell.engine.docker import DockerEngine
    from endwell.engine.protocol import Ending, Engine

HERE = Path(__file__).parent
KEYS, JOBS = 1000, 200
REPORT = "report.json"
IMAGE = "endwell-demo"


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
    """Run the demo; returns 0 when endwell-init kept everything."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--grace", type=int, default=10, metavar="SECONDS", help="what `docker stop` waits (default: 10)"
    )
    parser.add_argument("--json", action="store_true", help="print the outcomes as JSON")
    arguments = parser.parse_args()
    if arguments.grace < 1:
        parser.error(f"--grace {arguments.grace}: docker stop waits whole seconds, at least one here")
    outcomes = {}
    try:
        with tempfile.TemporaryDirectory(prefix="endwell-demo-") as place, docker_engine(place) as docker:
            Path(place).chmod(0o755)
            outcomes["in a PID namespace of its own"] = compare(LocalEngine(), Path(place), arguments.grace)
            if docker:
                outcomes["in a Docker container"] = compare(docker, Path(place), arguments.grace)
    except EngineError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    if arguments.json:
        print(json.dumps({where: [asdict(outcome) for outcome in pair] for where, pair in outcomes.items()}))
    else:
        for where, pair in outcomes.items():
            print(table(where, pair, arguments.grace))
    kept = all((ours.keys, ours.results) == (KEYS, JOBS) for _, ours in outcomes.values())
    return 0 if kept else 1


@contextmanager
def docker_engine(place: str) -> Iterator[DockerEngine | None]:
    """This machine's Docker engine, for containers that run the host's programs; None if none answers."""
    init = sysconfig.get_path("scripts")
    try:
        engine = host_image_engine(IMAGE, mounts=[init], writable=[place])
    except EngineError as error:
        print(f"demo: no Docker engine, so a PID namespace only ({error})", file=sys.stderr)
        yield None
        return
    try:
        yield engine
    finally:
        engine.remove_image(IMAGE)


def compare(engine: Engine, place: Path, grace: int) -> tuple[Outcome, Outcome]:
    """Run the workload twice, below `place`: as it is, and with endwell-init in front."""
    entrypoint = ["sh", "entrypoint.sh", *store_command()]
    init = str(Path(sysconfig.get_path("scripts"), "endwell-init"))
    with_init = [init, "--grace", f"{grace}s", "--report", REPORT, "--", *entrypoint]
    return (
        perform(engine, entrypoint, place / f"{engine.name}-without", grace),
        perform(engine, with_init, place / f"{engine.name}-with", grace),
    )


def perform(engine: Engine, command: Sequence[str], directory: Path, grace: int) -> Outcome:
    """Start, load, stop, and count what is left."""
    shutil.copytree(HERE, directory, ignore=shutil.ignore_patterns("__pycache__"))
    shown = " ".join(Path(word).name if word.startswith("/") else word for word in command)
    print(f"{engine.name}: {shown}", file=sys.stderr)
    environment = {"PATH": os.environ["PATH"]} if engine.name == "local" else {}
    with engine.start(command, environment=environment, directory=str(directory)) as container:
        container.expect("worker: ready")
        load(directory)
        container.expect(f"worker: {JOBS} results in hand")
        ending = watched(lambda: container.stop(grace))
        said = [line.text for line in container.lines]
    marks = {"store": "Received SIGTERM", "worker": "worker: told to stop"}
    told = tuple(name for name, mark in marks.items() if any(mark in line for line in said))
    return Outcome(round(ending.took, 1), ending.status, ending.killed, told, *count(directory))


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
        store_command(),
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
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
            print(
                f"\r  stopping ... {time.monotonic() - started:4.1f} s ", end="", file=sys.stderr, flush=True
            )
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


def table(where: str, outcomes: Sequence[Outcome], grace: int) -> str:
    """The outcomes side by side."""
    rows: list[tuple[str, ...]] = [(where, "as it is", "with endwell-init")]
    for name, show in ROWS.items():
        rows.append((name, *(show(outcome, grace) for outcome in outcomes)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join(("", lines[0], "-" * max(map(len, lines)), *lines[1:]))


ROWS: dict[str, Callable[[Outcome, int], str]] = {
    "time to stop": lambda outcome, grace: f"{outcome.took:.1f} s of {grace} s",
    "exit status": lambda outcome, _: f"{outcome.status}{' (SIGKILL)' * outcome.killed}",
    "who was told": lambda outcome, _: ", ".join(outcome.told) or "nobody",
    "who was killed": lambda outcome, _: "everybody" if outcome.killed else "nobody",
    "keys kept": lambda outcome, _: f"{outcome.keys} of {KEYS}",
    "results kept": lambda outcome, _: f"{outcome.results} of {JOBS}",
}


if __name__ == "__main__":
    sys.exit(main())
