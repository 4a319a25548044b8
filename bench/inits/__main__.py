"""Measures what an init costs: endwell-init beside tini, dumb-init, catatonit, and an init without a libc.

All contenders take turns within one run, in random order where microseconds count, so that figures of one run
may be compared with each other; figures of two runs may not. Nothing is judged here: there is no threshold.

    python -m bench.inits                    # the table on stdout, progress on stderr; some minutes
    python -m bench.inits --quick            # a rough look; half a minute
    python -m bench.inits --json figures.json --write docs/reference/inits-cost.md
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.inits import measures, tables
from bench.inits.contenders import FLOOR, CannotBuildError, Field, field
from bench.inits.measures import PLAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

SEQUENCE = 20_000
CROWD = 1_000
SIGNALS = 250
NOTE = """\
{machine}; load {load before:.1f} before and {load after:.1f} after. {rounds} rounds of starts, medians;
the interval behind a ratio is where 95 % of resampled runs fall. Starts and signals are measured on one
processor, which shows the program's own work, and on all, where waking another one is added for everybody."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, and keep it where asked; 0 unless something could not run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, help="rounds of the start measurement (1000; with --quick 100)")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and orphans, less waiting")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single figure there")
    parser.add_argument(
        "--write", type=Path, metavar="PAGE", help="put the table between the markers of this page"
    )
    parser.add_argument("--endwell", type=Path, metavar="FILE", help="the endwell-init to measure")
    options = parser.parse_args(arguments)
    rounds = options.rounds or (100 if options.quick else 1000)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-inits-") as directory:
            contenders = field(Path(directory), options.endwell and options.endwell.resolve())
            figures = measure(contenders, rounds, quick=options.quick)
        text = page(contenders, figures)
        if options.json:
            options.json.write_text(json.dumps(figures, indent=1) + "\n")
        if options.write:
            tables.write_between(options.write, text)
    except (CannotBuildError, RuntimeError, ValueError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    print(text)
    return 0


def measure(contenders: Field, rounds: int, *, quick: bool) -> dict[str, Any]:
    """All figures of one run, by measure, then by contender."""
    few = 2 if quick else 7
    figures: dict[str, Any] = {"machine": machine(), "load before": os.getloadavg()[0]}
    figures["file size"] = {init.name: [init.path.stat().st_size] for init in contenders.inits}
    calls = measures.system_calls(contenders)
    figures |= {f"system calls {name}": values for name, values in calls.items()}
    figures |= measures.memory(contenders, few)
    figures["idle"] = measures.idle(contenders, 3 if quick else 10)
    for pinned, where in ((True, "one processor"), (False, "all processors")):
        wall, processor = measures.start(contenders, rounds, pinned=pinned)
        figures[f"start, {where}"] = wall
        figures[f"processor time, {where}"] = processor
        figures[f"latency, {where}"] = measures.latency(
            contenders, 3 if quick else 12, SIGNALS, pinned=pinned
        )
    number = SEQUENCE // 10 if quick else SEQUENCE
    figures["sequence"], figures["processor time each"] = measures.reaping(contenders, few, "orphans", number)
    figures["sequence of"] = number
    figures["crowd"], _ = measures.reaping(contenders, few, "crowd", CROWD)
    figures["load after"] = os.getloadavg()[0]
    return figures


def machine() -> str:
    """The machine in a few words, without its name."""
    cpu = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    virtual = ", virtual" if any(" hypervisor" in line for line in _lines("/proc/cpuinfo")) else ""
    return f"Linux {platform.release().partition('-')[0]}, {os.cpu_count()} processors ({cpu}{virtual})"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def page(contenders: Field, figures: dict[str, Any]) -> str:
    """The table as Markdown, with what must be known to read it."""
    columns = [PLAIN, *(init.name for init in contenders.inits)]
    rows: list[tables.Row | None] = [
        tables.medians("file, bytes", figures["file size"], "{:,.0f}"),
        tables.medians("resident, kB", figures["resident"]),
        tables.medians("proportional share, kB", figures["proportional"]),
        tables.medians("private dirty, kB", figures["private dirty"]),
        tables.medians("system calls until signals are blocked", figures["system calls until blocked"]),
        tables.medians("system calls until it waits", figures["system calls until it waits"]),
        tables.medians("wake-ups a second while idle", figures["idle"], "{:.1f}"),
    ]
    for where in ("one processor", "all processors"):
        wall = figures[f"start, {where}"]
        added = tables.over(wall)
        rows += [
            tables.medians(f"start and end of a command, µs ({where})", {PLAIN: wall[PLAIN]}),
            tables.medians(f"added to it, µs ({where})", added),
            tables.ratios(f"added, against tini ({where})", added, "tini"),
            tables.ratios(f"added, against an init without libc ({where})", added, FLOOR),
            tables.medians(f"processor time of all of it, µs ({where})", figures[f"processor time, {where}"]),
            tables.medians(f"signal to handler, median µs ({where})", figures[f"latency, {where}"], "{:.1f}"),
            tables.ratios(f"signal to handler, against tini ({where})", figures[f"latency, {where}"], "tini"),
            tables.percentiles(f"signal to handler, p99 µs ({where})", figures[f"latency, {where}"], 99),
        ]
    rows += [
        tables.medians(f"{figures['sequence of']:,} orphans in sequence, ms", figures["sequence"]),
        tables.medians("processor time per orphan, µs", figures["processor time each"], "{:.1f}"),
        tables.medians(f"{CROWD:,} orphans dying at once, ms", figures["crowd"]),
    ]
    notes = [NOTE.format(rounds=len(figures["start, one processor"][PLAIN]), **figures)]
    if contenders.missing:
        notes.append(f"Not installed and left out: {', '.join(contenders.missing)}.")
    return "\n\n".join([tables.markdown(rows, columns), *notes])


if __name__ == "__main__":
    raise SystemExit(main())
