"""getAllConfigInfo: what the file says about every program, in supervisord's words."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from endwell.gateway.method import Method
from endwell.gateway.rows import asked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from endwell.gateway.supervisor import Supervisor

_STREAM = ("capture_maxbytes", "events_enabled", "logfile", "logfile_backups", "logfile_maxbytes", "syslog")
KEYS = (
    *("autostart", "command", "directory", "exitcodes", "group", "group_prio", "inuse", "killasgroup"),
    *("name", "process_prio", "redirect_stderr", "serverurl", "startretries", "startsecs", "stopsignal"),
    *("stopwaitsecs", "uid"),
    *(f"{stream}_{key}" for stream in ("stdout", "stderr") for key in _STREAM),
)


async def all_config(supervisor: Supervisor) -> list[dict[str, Any]]:
    """As getAllConfigInfo."""
    scene = await supervisor.scene()
    rows = {asked(row): row for row in scene.rows}
    found = []
    for program in await supervisor.programs():
        said = {key: "none" if program.get(key) is None else program[key] for key in KEYS}
        for stream in ("stdout", "stderr"):
            kept = rows.get(f"{program['group']}:{program['name']}", {}).get(stream)
            if said[f"{stream}_logfile"] == "auto" and kept:
                said[f"{stream}_logfile"] = kept["path"]
        found.append(said)
    return sorted(found, key=lambda said: str(said["name"]))


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "getAllConfigInfo": Method(
            all_config,
            "array",
            "Say what the file says about every program, whether it is active or not.",
            (),
            "for each process all its options, none for those that are not there",
        )
    }
)
