"""The real clients, Debian's and PyPI's, and what there is to control."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.compat.supervisord.servers import OURS, REAL

if TYPE_CHECKING:
    from collections.abc import Mapping


def pypi(module: str) -> tuple[str, ...] | None:
    """Return the command of a program of the package that this Python has; None if it has none."""
    found = importlib.util.find_spec("supervisor")
    if found is None or found.origin is None:
        return None
    place = str(Path(found.origin).parents[1])
    text = f"import sys; sys.path.append({place!r}); from supervisor.{module} import main; main()"
    return sys.executable, "-W", "ignore", "-c", text


def clients() -> dict[str, Mapping[str, tuple[str, ...]]]:
    """Return the clients that are there, by where they are from."""
    found: dict[str, Mapping[str, tuple[str, ...]]] = {}
    if Path(REAL["supervisorctl"][0]).exists():
        found["Debian"] = REAL
    if (client := pypi("supervisorctl")) is not None:
        found["PyPI"] = {"supervisorctl": client}
    return found


# Nobody but supervisord's clients is to come.
SERVER = {name: ("env", "ENDWELL_SOCKET=none", *words) for name, words in OURS.items()}

HEAD = """
[supervisord]
logfile={here}/own.log
pidfile={here}/pid
childlogdir={here}
identifier=box
[unix_http_server]
file={here}/s
username=kim
; secret
password={{SHA}}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4
[supervisorctl]
serverurl=unix://{here}/s
username=kim
password=secret
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""

PROGRAMS = """
[program:cat]
command=cat
startsecs=0
[program:off]
command=cat
autostart=false
startsecs=0
[program:slow]
command=cat
autostart=false
startsecs=1
[program:talk]
command=sh -c "echo hello talk; echo trouble >&2; exec cat"
startsecs=0
stdout_logfile={here}/talk.out
stderr_logfile={here}/talk.err
[program:joined]
command=sh -c "echo one; echo two >&2; exec cat"
startsecs=0
redirect_stderr=true
stdout_logfile={here}/joined.out
[program:mute]
command=cat
startsecs=0
stdout_logfile=NONE
stderr_logfile=NONE
[program:nofile]
command=/nonexistent/program
autostart=false
startretries=0
[program:nopath]
command=nonexistent-program with words
autostart=false
startretries=0
[program:noexec]
command={here}/supervisord.conf
autostart=false
startretries=0
[program:nodir]
command={here}
autostart=false
startretries=0
[program:fails]
command=sh -c "exit 3"
autostart=false
startretries=0
[program:deaf]
command=sh -c "trap '' TERM; echo deaf; while true; do read line; done"
autostart=false
startsecs=0
stopwaitsecs=1
[program:ends]
command=sh -c "read line; exit 7"
autostart=false
autorestart=false
startsecs=0
[program:a]
command=cat
startsecs=0
priority=2
[program:b]
command=cat
startsecs=0
numprocs=2
process_name=%(program_name)s_%(process_num)d
autostart=false
priority=1
[group:g]
programs=a,b
priority=5
[eventlistener:ears]
command=sh -c "read line"
events=TICK_3600
startsecs=0
[fcgi-program:fast]
command=sleep 1000
socket=unix://{here}/fast
autostart=false
startsecs=0
"""

MORE = """
[program:fresh]
command=cat
startsecs=0
[program:later]
command=cat
startsecs=0
autostart=false
"""
