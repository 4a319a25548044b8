"""Probe as often as `endwell probe` was asked to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.cli.progress import Line
from endwell.probe.repeat import Series
from endwell.probe.run import observe, probe
from endwell.records import replace

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from endwell.model.report import Report
    from endwell.probe.plan import Plan


def run(plan: Plan, options: argparse.Namespace, show: Callable[[Series], int]) -> int:
    """Probe `--repeat` times, and with `--control` once unobserved; say meanwhile how far it has got.

    What was finished is shown also when the next run fails or is interrupted; that error goes on.

    Args:
        plan: what is probed.
        options: of the command line.
        show: shows what was found, and returns the exit status.
    """
    reports: list[Report] = []
    control = None
    try:
        with Line("endwell probe", wanted=not options.quiet) as line:
            for _ in range(options.repeat):
                reports.append(probe(plan, line))  # noqa: PERF401  what is finished stays if one raises
            if options.control:
                control = observe(replace(plan, observer="none"), line).stop
    except BaseException:
        if reports:
            show(Series(tuple(reports), wanted=options.repeat))
        raise
    return show(Series(tuple(reports), control, options.repeat))
