"""Measures what being watched costs: the same busy server with and without an observer, turn by turn.

    python -m bench.probe                     # the table on stdout, progress on stderr; a few minutes
    python -m bench.probe --rounds 3          # a rough look
    python -m bench.probe --write docs/reference/probe-cost.md

Every figure is the median of the ratios of neighbouring rounds (watched / unwatched), so that a machine that
changes its speed meanwhile does not count for one side. There is no threshold: nothing is judged here.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from bench.probe import workloads
from endwell.engine.local import LocalEngine
from endwell.model.spec import ContainerSpec
from endwell.probe import observers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.probe.workloads import Workload

OBSERVERS = ("none", "tracefs", "tracefs live", "seccomp")
BEGIN, END = "<!-- figures:begin -->", "<!-- figures:end -->"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, and keep it where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9, help="rounds of each workload (default 9)")
    parser.add_argument("--only", metavar="WORKLOAD", help="one of them, by name")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table between its markers")
    options = parser.parse_args(arguments)
    table = "\n".join(
        [*heading(options.rounds), *rows(options.rounds, options.only), "", *own_time(options.rounds)]
    )
    print(table)
    if options.write:
        page = options.write.read_text()
        head, _, rest = page.partition(BEGIN)
        options.write.write_text(f"{head}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}")
    return 0


def heading(rounds: int) -> Iterator[str]:
    """What the table is of."""
    load = os.getloadavg()[0]
    yield (
        f"{os.cpu_count()} processors, Linux {platform.release()}, Python {platform.python_version()}; "
        f"load {load:.1f}; {rounds} rounds, medians of the ratio to the round without an observer."
    )
    yield ""
    yield "| workload | figure | " + " | ".join(OBSERVERS[1:]) + " |"
    yield "|---|---|" + "---|" * len(OBSERVERS[1:])


def rows(rounds: int, only: str | None) -> Iterator[str]:
    """One row for each figure of each workload."""
    for workload in workloads.ALL:
        if only not in {None, workload.name}:
            continue
        ratios: dict[tuple[str, str], list[float]] = defaultdict(list)
        for number in range(rounds):
            print(f"{workload.name}: round {number + 1} of {rounds}", file=sys.stderr)
            figures = {name: measure(workload, name) for name in OBSERVERS}
            for name in OBSERVERS[1:]:
                for figure, value in figures[name].items():
                    ratios[figure, name].append(value / figures["none"][figure])
        for figure in dict.fromkeys(figure for figure, _ in ratios):
            medians = [f"{statistics.median(ratios[figure, name]):.2f}" for name in OBSERVERS[1:]]
            yield f"| {workload.name} | {figure} | " + " | ".join(medians) + " |"


def measure(workload: Workload, name: str) -> dict[str, float]:
    """Run the workload once under the observer of that name; return its figures."""
    kind, _, live = name.partition(" ")
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-probe-")))
        observer = observers.enter(kind, "local")
        stack.push(observer)
        spec = ContainerSpec(command=workload.command(directory), environment={"PATH": os.environ["PATH"]})
        container = stack.enter_context(LocalEngine().create(spec, listener=observer.listener))
        observer.follow(container.pid)
        if live:
            observer.hurry()
        begun = time.perf_counter()
        container.start()
        figures = workload.load(container, directory)
        if figures is None:  # the workload is the program itself
            container.wait()
            figures = {"time": time.perf_counter() - begun}
        container.kill()
        observer.finish()
        return figures


def own_time(rounds: int) -> Iterator[str]:
    """How long one whole probe takes beyond the program's own stop."""
    command = [sys.executable, "-m", "endwell", "probe", "--json", "--", "/bin/sleep", "1000"]
    handled = [*command[:-2], "/bin/sh", "-c", "trap exit TERM; while :; do sleep 1000 & wait; done"]
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        subprocess.run(handled, stdout=subprocess.DEVNULL, check=False)
        taken.append(time.perf_counter() - begun)
    yield (
        f"One whole probe of a shell that leaves at once, start of Python included: "
        f"{statistics.median(taken):.2f} s (median of {rounds})."
    )


if __name__ == "__main__":
    if shutil.which("redis-benchmark") is None:
        sys.exit("bench/probe: cannot measure: no redis-benchmark; install redis-tools")
    sys.exit(main())
