"""Measures what supervisors cost: `endwell up`, supervisord, circus, s6, runit, all with the same services.

All systems take turns within one run, each round in another order, so that figures of one run may be
compared with each other; figures of two runs may not. Nothing is judged here: there is no threshold.

    python -m bench.supervisors                  # tables on stdout, progress on stderr; an hour
    python -m bench.supervisors --quick          # a rough look; ten minutes
    python -m bench.supervisors --only start --systems endwell,s6
    python -m bench.supervisors --json figures.json --write docs/reference/supervisors-cost.md

`python -m bench.supervisors.capture` measures the carrying of lines alone, without processes around it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from bench.inits.__main__ import machine
from bench.supervisors import arena, contenders, measures, tables
from bench.supervisors.contenders import OURS, CannotMeasureError, System
from bench.supervisors.measures import CRASHES, KILLS, SLOW, Bench, Measure
from bench.supervisors.tables import Column, Results

if TYPE_CHECKING:
    from collections.abc import Sequence

NUMBERS = (1, 10, 100, 500)
RESTING = (1, 100, 500)
NOTE = """\
{machine}; load {before:.1f} before and {after:.1f} after; {rounds} rounds, medians. In
brackets is the ratio to endwell with a supervisord.conf, the median of the ratios within a round. Measured
were {versions}."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables, and keep them where asked; 0 unless something could not run."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.supervisors",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, help="rounds of each measure (3; with --quick 1)")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, fewer bytes, less waiting")
    parser.add_argument("--only", default="", metavar="WORD", help="measures with this in their names")
    parser.add_argument(
        "--systems", default="", metavar="NAME,...", help="those that begin with one of these"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single figure there")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables between its markers")
    options = parser.parse_args(arguments)
    rounds = options.rounds or (1 if options.quick else 3)
    before = os.getloadavg()[0]
    try:
        if options.write:
            tables.around(options.write)  # better now than in an hour
        contenders.raise_files()
        arena.become_subreaper()
        systems, missing = contenders.systems()
        wanted = tuple(options.systems.split(","))
        systems = [one for one in systems if one.name.startswith(wanted)]
        with tempfile.TemporaryDirectory(prefix="bench-supervisors-") as place:
            guest = measures.build(Path(place) / "guest")
            bench = Bench(guest, 1.0 if options.quick else 5.0, 64 if options.quick else 256)
            every = [one for one in measures_of(bench) if options.only in one.name]
            results = measure(every, systems, rounds)
        note = NOTE.format(
            machine=machine(),
            before=before,
            after=os.getloadavg()[0],
            rounds=rounds,
            versions=", ".join(f"{one.name} {one.version}" for one in systems),
        )
        text = page(results, systems, missing, note)
        if options.json:
            options.json.write_text(json.dumps(results, indent=1) + "\n")
        if options.write:
            tables.write_between(options.write, text)
    except (CannotMeasureError, ValueError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    print(text)
    return 0


def measures_of(bench: Bench) -> list[Measure]:
    """Everything that is measured, in order."""
    return [
        *(Measure(f"start {number}", bench.life(number, rest=number in RESTING)) for number in NUMBERS),
        *(Measure(f"start {number} with logs", bench.life(number, logs=True)) for number in (100, 500)),
        Measure("slow stop", bench.slow),
        Measure("restart", bench.restart),
        Measure("capture of blocks", bench.capture(65536, timed=False)),
        Measure("capture of lines", bench.capture(100, timed=False)),
        Measure("capture with time", bench.capture(65536, timed=True), lambda one: one.timed),
        Measure("status 100", bench.status(100), lambda one: one.ask is not None),
        Measure("blocked", bench.blocked, lambda one: one.shares),
        Measure("crashes", bench.crashes(CRASHES, 10.0)),
    ]


def measure(every: Sequence[Measure], systems: Sequence[System], rounds: int) -> Results:
    """Take all systems through all rounds, each time in another order."""
    order = Random(1)  # noqa: S311  nothing secret
    results: Results = {}
    for one in every:
        own = results.setdefault(one.name, {})
        for number in range(rounds):
            suited = [system for system in systems if one.suits(system)]
            order.shuffle(suited)
            for system in suited:
                figures = _figures(one, system)
                print(
                    f"{one.name}, round {number + 1} of {rounds}: {system.name}: {_shown(figures)}",
                    file=sys.stderr,
                )
                for name, value in figures.items():
                    own.setdefault(name, {}).setdefault(system.name, []).append(value)
    return results


def _figures(one: Measure, system: System) -> dict[str, float]:
    try:
        return one.run(system)
    except arena.TooLateError as error:
        print(f"{one.name}: {system.name}: {error}", file=sys.stderr)
        return {}


def _shown(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in figures.items()) or "nothing"


def page(results: Results, systems: Sequence[System], missing: Sequence[str], note: str) -> str:
    """The tables as Markdown, with what must be known to read them."""
    names = [one.name for one in systems]
    ours = OURS if OURS in names else names[0]
    with_logs = [("100", "start 100"), ("500", "start 500")]
    parts = [note]
    for title, columns in (
        ("start, s", [Column(f"of {one}", f"start {one}", "start", "{:.3f}") for one in NUMBERS]),
        (
            "with log files",
            [
                *(
                    Column(f"start of {one}, s", f"{where} with logs", "start", "{:.3f}")
                    for one, where in with_logs
                ),
                *(
                    Column(f"PSS at {one}, MB", f"{where} with logs", "memory", "{:.1f}")
                    for one, where in with_logs
                ),
                *(
                    Column(f"stop of {one}, s", f"{where} with logs", "stop", "{:.3f}")
                    for one, where in with_logs
                ),
            ],
        ),
        ("PSS, MB", [Column(f"at {one}", f"start {one}", "memory", "{:.1f}") for one in NUMBERS]),
        (
            "at rest",
            [
                *(
                    Column(f"wake-ups/s at {one}", f"start {one}", "wake-ups", "{:.1f}", ratio=False)
                    for one in RESTING
                ),
                Column("processor at 500, ms/s", "start 500", "idle time", "{:.2f}", 1000, ratio=False),
            ],
        ),
        (
            "stop, s",
            [
                *(Column(f"of {one}", f"start {one}", "stop", "{:.3f}") for one in NUMBERS),
                Column(f"of {SLOW[0]} that take {SLOW[1] / 1000:g} s each", "slow stop", "stop"),
            ],
        ),
        (
            f"killed until there again, {KILLS} kills",
            [
                Column("median, ms", "restart", "median", "{:.1f}", 1000),
                Column("worst, ms", "restart", "worst", "{:.1f}", 1000, ratio=False),
            ],
        ),
        (
            "lines of one writer into a file",
            [
                *(
                    column
                    for name, where in (
                        ("64 KiB at a time", "capture of blocks"),
                        ("a line at a time", "capture of lines"),
                        ("with the time before each", "capture with time"),
                    )
                    for column in (
                        Column(f"{name}: MB/s", where, "MB/s", "{:.0f}"),
                        Column("processor, s", where, "processor", ratio=False),
                        Column("lost or broken", where, "lost or broken", "{:.0f}", ratio=False),
                    )
                ),
            ],
        ),
        ("states of 100 services", [Column("answered in, ms", "status 100", "median", "{:.1f}", 1000)]),
        (
            "nobody reads stdout",
            [Column("SIGTERM until another service is told, ms", "blocked", "told", "{:.1f}", 1000)],
        ),
        (
            f"{CRASHES} services that end at once",
            [
                Column("starts a second", "crashes", "starts a second", "{:.0f}", ratio=False),
                Column("processors", "crashes", "processors", ratio=False),
                Column("slowest answer, s", "crashes", "answer", "{:.3f}"),
                Column("stop, s", "crashes", "stop"),
            ],
        ),
    ):
        if text := tables.table(title, columns, results, names, ours):
            parts.append(text)
    if asked := [f"{one.name} by {one.asked_by}" for one in systems if one.asked_by]:
        parts.append(f"States were asked for: {'; '.join(asked)}.")
    if missing:
        parts.append(f"Not installed and left out: {', '.join(missing)}.")
    return "\n\n".join(parts)


if __name__ == "__main__":
    raise SystemExit(main())
