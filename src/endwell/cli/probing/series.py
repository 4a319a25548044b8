"""Probe as often as `endwell probe` was asked to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from endwell.cli.progress import Line
from endwell.probe.repeat import Series
from endwell.probe.run import observe, probe

if TYPE_CHECKING:
    import argparse

    from endwell.probe.plan import Plan


def run(plan: Plan, options: argparse.Namespace) -> Series:
    """Probe `--repeat` times, and with `--control` once unobserved; say meanwhile how far it has got."""
    with Line("endwell probe", wanted=not options.quiet) as line:
        reports = [probe(plan, line) for _ in range(options.repeat)]
        control = observe(replace(plan, observer="none"), line).stop if options.control else None
    return Series(tuple(reports), control)
