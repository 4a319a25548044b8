"""Which groups have changed: ours say the same as the real supervisord's reloadConfig."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, cast
from xmlrpc.client import ServerProxy

import pytest

from endwell.cli.rereading import words_of
from endwell.cli.surroundings import surroundings
from endwell.machine.changes import groups
from endwell.parse.project import read_project
from tests.compat.supervisord.servers import REAL, STARTED, Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.parse.project import ProjectFile

with socket.create_server(("127.0.0.1", 0)) as door:
    PORT: int = door.getsockname()[1]

MAIN = f"""\
[supervisord]
nodaemon=true
environment=X="1"
[inet_http_server]
port=127.0.0.1:{PORT}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
PROGRAMS = """\
[program:a]
command=sleep 1000
autostart=false
[program:b]
command=sleep 1000
autostart=false
numprocs=2
process_name=b%(process_num)s
[program:c]
command=sleep 1000
autostart=false
[program:d]
command=sleep 1000
autostart=false
[group:g]
programs=c,d
[eventlistener:l]
command=cat
autostart=false
events=TICK_5
"""
BASE = MAIN + PROGRAMS
# In the file for the first one, and what takes its place.
CHANGES: dict[str, tuple[str, str]] = {
    "nothing": ("", ""),
    "a line before": ("[program:a]", "; a comment\n\n[program:a]"),
    "spelled otherwise": ("[program:a]\ncommand=sleep", "[program:a]\npriority: 999\ncommand = sleep"),
    "command": ("[program:a]\ncommand=sleep 1000", "[program:a]\ncommand=sleep 1001"),
    "of one in a group": ("[program:c]\n", "[program:c]\nstopwaitsecs=3\n"),
    "numprocs": ("numprocs=2", "numprocs=3"),
    "numprocs_start": ("numprocs=2", "numprocs=2\nnumprocs_start=1"),
    "process_name": ("process_name=b", "process_name=x"),
    "priority of a program": ("[program:a]\n", "[program:a]\npriority=1\n"),
    "priority of a group": ("[group:g]\n", "[group:g]\npriority=1\n"),
    "one leaves a group": ("programs=c,d", "programs=c"),
    "order in a group": ("programs=c,d", "programs=d,c"),
    "a program goes": ("[program:a]\ncommand=sleep 1000\nautostart=false\n", ""),
    "a group goes": ("[group:g]\nprograms=c,d\n", ""),
    "two come": ("[group:g]", "[program:z]\ncommand=x\n[program:e]\ncommand=x\npriority=1\n[group:g]"),
    "a group takes the name of a program": ("[group:g]", "[group:a]"),
    "events": ("events=TICK_5", "events=TICK_60"),
    "buffer_size": ("events=TICK_5", "events=TICK_5\nbuffer_size=3"),
    "log file": ("[program:a]\n", "[program:a]\nstdout_logfile=/dev/null\n"),
    "rotation": ("[program:a]\n", "[program:a]\nstdout_logfile_backups=3\n"),
    "events of a log": ("[program:a]\n", "[program:a]\nstdout_events_enabled=true\n"),
    "capture": ("[program:a]\n", "[program:a]\nstdout_capture_maxbytes=1\n"),
    "syslog": ("[program:a]\n", "[program:a]\nstdout_syslog=true\n"),
    "its environment": ("[program:a]\n", '[program:a]\nenvironment=A="1"\n'),
    "killasgroup": ("[program:a]\n", "[program:a]\nkillasgroup=true\n"),
    "serverurl": ("[program:a]\n", "[program:a]\nserverurl=http://x:1\n"),
    "exitcodes": ("[program:a]\n", "[program:a]\nexitcodes=0,3\n"),
    "umask": ("[program:a]\n", "[program:a]\numask=077\n"),
    "directory": ("[program:a]\n", "[program:a]\ndirectory=/\n"),
    "user": ("[program:a]\n", "[program:a]\nuser=nobody\n"),
    "the environment of all": ('environment=X="1"', 'environment=X="2"'),
    "identifier": ("nodaemon=true", "nodaemon=true\nidentifier=other"),
    "user of all": ("nodaemon=true", "nodaemon=true\nuser=root"),
    "childlogdir": ("nodaemon=true", "nodaemon=true\nchildlogdir=/var"),
    "strip_ansi": ("nodaemon=true", "nodaemon=true\nstrip_ansi=true"),
    "all else": ("nodaemon=true", "nodaemon=true\nlogfile_backups=1\nidentifier=supervisor"),
}


@pytest.fixture(scope="module")
def real() -> Iterator[Server]:
    with Server(BASE, REAL) as server:
        server.wait_for(STARTED)
        yield server


def ours(server: Server, text: str) -> ProjectFile:
    server.file.write_text(text)
    return read_project(str(server.file), surroundings())


@pytest.mark.parametrize("name", CHANGES)
def test_the_same_groups_have_changed(real: Server, name: str) -> None:
    before, after = CHANGES[name]
    assert before in BASE
    old, new = ours(real, BASE), ours(real, BASE.replace(before, after, 1))
    found = groups(old.project.services, new.project.services, words_of(old), words_of(new))
    with ServerProxy(f"http://127.0.0.1:{PORT}/RPC2") as proxy:
        ((added, changed, removed),) = cast("list[list[list[str]]]", proxy.supervisor.reloadConfig())
    assert [list(found.added), list(found.changed), list(found.removed)] == [added, changed, removed]
