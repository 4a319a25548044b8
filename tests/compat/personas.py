"""The inits of the field: where the real one is, and how its lines are told from those of its command."""

from __future__ import annotations

import os
import re
import shutil
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Persona:
    """One program that endwell-init can be: the name it is called by, and the real program of Debian."""

    name: str
    real: str
    mask: Callable[[str, int], str]


def _who(pid: str, init: int) -> str:
    return "init" if int(pid) == init else "child"


def mask_tini(line: str, init: int) -> str:
    """Puts roles in the place of pids in a line of tini's."""
    line = re.sub(
        r"^\[(FATAL|WARN |INFO |DEBUG|TRACE) tini \((\d+)\)\]", lambda m: f"<{_who(m[2], init)}> {m[1]}", line
    )
    return re.sub(r"pid(: '|=| ')\d+", r"pid\1N", line)


def mask_dumb_init(line: str, init: int) -> str:
    """Puts N in the place of pids in a line of dumb-init's, and says which process wrote it."""
    del init
    if not line.startswith("[dumb-init] "):
        return line
    words = re.sub(r"PID \d+", "PID N", line.removeprefix("[dumb-init] "))
    child = re.match(r"Unable to (attach|setsid)|setsid complete|.*: [A-Z][a-z ]+$", words)
    return f"<{'child' if child else 'init'}> {words}"


def mask_catatonit(line: str, init: int) -> str:
    """Puts roles in the place of pids in a line of catatonit's."""
    line = re.sub(r"^([A-Z]+) \(catatonit:(\d+)\):", lambda m: f"<{_who(m[2], init)}> {m[1]}", line)
    return re.sub(r"(process|pid1 \()(\(?-?)\s*\d+", r"\1\2 N", line)


PERSONAS = {
    persona.name: persona
    for persona in (
        Persona("tini", "tini", mask_tini),
        Persona("tini-static", "tini-static", mask_tini),
        Persona("docker-init", "tini-static", mask_tini),
        Persona("dumb-init", "dumb-init", mask_dumb_init),
        Persona("catatonit", "catatonit", mask_catatonit),
        Persona("podman-init", "catatonit", mask_catatonit),
    )
}


def real_init(persona: Persona) -> Path | None:
    """The Debian program, or None when it is not installed."""
    found = shutil.which(persona.real, path=f"{os.environ.get('PATH', '')}:/usr/bin:/usr/local/bin")
    return Path(found) if found else None


def our_init() -> Path | None:
    """endwell-init as the environment names it, or as it is installed beside the interpreter."""
    named = os.environ.get("ENDWELL_INIT")
    path = Path(named) if named else Path(sysconfig.get_path("scripts")) / "endwell-init"
    return path.resolve() if path.exists() else None
