"""`plan`: the start order and the stop plan of what runs, in the words of `endwell plan --json`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from endwell.machine.budget import Row
    from endwell.model.control import Value
    from endwell.model.service import ServiceSpec
    from endwell.supervise.control.desk import Desk
    from endwell.supervise.control.exchange import Exchange


def plan(desk: Desk, exchange: Exchange) -> None:
    """Say who is started when, and who is stopped when if all were running and had to be killed."""
    ensemble = desk.supervisor.ensemble
    schedule = ensemble.schedule()
    exchange.ok(
        {
            "start": ensemble.order.start_levels,
            "stop": {
                "fits": schedule.fits,
                "grace": _finite(desk.supervisor.account.given),
                "budget": _finite(schedule.budget),
                "wanted": _finite(schedule.wanted),
                "chain": schedule.chain,
                "steps": [_step(row, desk.lives[row.service, row.index].spec) for row in schedule.rows],
            },
        }
    )


def _step(row: Row, spec: ServiceSpec) -> Value:
    return {
        "service": spec.name,
        "replica": spec.index + 1,
        "label": spec.label,
        "level": row.level,
        "signal": spec.stop_signal.name,
        "group": spec.stop_group,
        "asked": _finite(row.begins),
        "told": _finite(row.told),
        "killed": _finite(row.killed),
        "over": _finite(row.ends),
        "wanted": _finite(row.wanted),
        "cut": row.cut,
    }


def _finite(seconds: float) -> float | None:
    return None if math.isinf(seconds) else round(seconds, 6) + 0.0
