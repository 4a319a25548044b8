"""Print the matrix: every scenario with every init.

python -m tests.scenarios                                 everything, locally
python -m tests.scenarios --engine docker --init tini --init endwell-init
python -m tests.scenarios --scenario shell_form --notes
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from endwell.engine.local import LocalEngine
from tests.scenarios.field import FIELD
from tests.scenarios.inits import INITS
from tests.scenarios.run import cannot_run, play
from tests.scenarios.table import SCENARIOS
from tests.support.docker import NoDockerError, docker_engine

if TYPE_CHECKING:
    from endwell.engine.protocol import Engine
    from tests.scenarios.inits import Init
    from tests.scenarios.model import Scenario, Verdict

_MARKS = {True: "P", False: "."}
Row = dict[str, "Verdict | None"]


def _matrix(scenarios: list[Scenario], inits: list[Init], engine: Engine, *, notes: bool) -> dict[str, Row]:
    matrix: dict[str, Row] = {}
    width = max(len(scenario.name) for scenario in scenarios)
    for number, scenario in enumerate(scenarios, 1):
        row: Row = {}
        for init in inits:
            _progress(f"{number}/{len(scenarios)} {scenario.name}: {init.name}")
            row[init.name] = None if cannot_run(scenario, engine.name) else play(scenario, init, engine)
        _progress("")
        matrix[scenario.name] = row
        if notes:
            for name, verdict in row.items():
                if verdict and (verdict.note or not verdict.passed):
                    print(
                        f"{scenario.name:{width}}  {name}: {_MARKS[verdict.passed]} {verdict.note}",
                        file=sys.stderr,
                    )
    return matrix


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)


def _print(matrix: dict[str, Row], inits: list[Init]) -> None:
    width = max([*map(len, matrix), len("of the field's 31")])
    print(f"{'scenario':{width}}  " + "  ".join(init.name for init in inits))
    for name, row in matrix.items():
        cells = ("-" if verdict is None else _MARKS[verdict.passed] for verdict in row.values())
        print(
            f"{name:{width}}  "
            + "  ".join(f"{cell:^{len(init.name)}}" for cell, init in zip(cells, inits, strict=True))
        )
    field = {scenario.name for scenario in FIELD}
    for title, names in (("of the field's 31", field & matrix.keys()), ("of all", set(matrix))):
        if not names:
            continue
        totals = []
        for init in inits:
            played = [verdict for name in names if (verdict := matrix[name][init.name])]
            totals.append(f"{sum(verdict.passed for verdict in played)}/{len(played)}")
        print(
            f"{title:{width}}  "
            + "  ".join(f"{cell:^{len(i.name)}}" for cell, i in zip(totals, inits, strict=True))
        )


def main() -> int:
    """Run what the command line names; 0 unless our own init failed a scenario."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.scenarios", description="Compare inits, scenario by scenario."
    )
    parser.add_argument("--engine", choices=("local", "docker"), default="local")
    parser.add_argument(
        "--init", action="append", choices=[init.name for init in INITS], help="may be repeated"
    )
    parser.add_argument(
        "--scenario", action="append", choices=list(SCENARIOS), metavar="NAME", help="may be repeated"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    parser.add_argument("--notes", action="store_true", help="say on standard error why something failed")
    options = parser.parse_args()
    scenarios = [
        scenario for name, scenario in SCENARIOS.items() if not options.scenario or name in options.scenario
    ]
    inits = [init for init in INITS if not options.init or init.name in options.init]
    missing = [init.name for init in inits if init.program and init.path is None]
    if missing:
        parser.error(f"not installed: {', '.join(missing)}; install them, or name others with --init")
    with ExitStack() as stack:
        try:
            engine: Engine = (
                LocalEngine() if options.engine == "local" else stack.enter_context(docker_engine())
            )
        except NoDockerError as error:
            parser.error(str(error))
        matrix = _matrix(scenarios, inits, engine, notes=options.notes)
    if options.json:
        plain = {
            name: {
                init: None if verdict is None else [verdict.passed, verdict.note]
                for init, verdict in row.items()
            }
            for name, row in matrix.items()
        }
        print(json.dumps({"engine": engine.name, "scenarios": plain}, indent=1))
    else:
        _print(matrix, inits)
    ours = (row.get("endwell-init") for row in matrix.values())
    return int(any(verdict is not None and not verdict.passed for verdict in ours))


if __name__ == "__main__":
    sys.exit(main())
