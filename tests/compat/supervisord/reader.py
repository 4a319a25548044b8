"""Both readers of a configuration behind one face: the real supervisord's, and ours."""

from __future__ import annotations

import glob
import grp
import json
import os
import platform
import pwd
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from endwell.model.supervisord import EventListener, FastCgi, Logfile
from endwell.model.supervisord_servers import UnixServer
from endwell.parse.supervisord import Surroundings, read_client, read_configuration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from endwell.model.supervisord import Group, Output, Program
    from endwell.model.supervisord_servers import InetServer

PACKAGES = "/usr/lib/python3/dist-packages"
PYTHON = "/usr/bin/python3"
ORACLE = Path(__file__).parent / "guests" / "oracle.py"
Seen = dict[str, Any]
STREAM = ("logfile", "logfile_maxbytes", "logfile_backups", "capture_maxbytes", "events_enabled", "syslog")
_PROGRAM = (
    "name uid command directory umask priority autostart startsecs startretries stopsignal stopwaitsecs "
    "stopasgroup killasgroup redirect_stderr serverurl"
)
_MAIN = (
    "logfile logfile_maxbytes logfile_backups loglevel pidfile umask nodaemon silent minfds minprocs "
    "nocleanup childlogdir user uid gid directory strip_ansi identifier serverurl"
)
_CLIENT = "serverurl username password prompt history_file"


class Real:
    """The real supervisord's reader: a process of Debian's Python that answers one request after another."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [PYTHON, "-W", "ignore", str(ORACLE), PACKAGES],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()

    def read(
        self, path: str, directory: Path, environment: Mapping[str, str], *, client: bool
    ) -> Seen | None:
        """Return what it reads; None where it refuses the file."""
        request = {
            "path": path,
            "directory": str(directory),
            "environment": dict(environment),
            "client": client,
        }
        assert self.process.stdin
        assert self.process.stdout
        print(json.dumps(request), file=self.process.stdin, flush=True)
        answer: Seen | None = json.loads(self.process.stdout.readline())["answer"]
        return answer


def surroundings(directory: Path, environment: Mapping[str, str]) -> Surroundings:
    """Return this machine as seen from a directory."""
    return Surroundings(
        read=lambda path: (directory / path).read_text(encoding="utf-8"),
        glob=glob.glob,
        is_directory=lambda path: (directory / path).is_dir(),
        expand_user=os.path.expanduser,
        user=_user,
        group=_group,
        environment=environment,
        node=platform.node(),
        directory=str(directory),
        temporary=tempfile.gettempdir(),
        uid=os.getuid(),
    )


def _user(name: str | int) -> tuple[int, int] | None:
    try:
        found = pwd.getpwuid(name) if isinstance(name, int) else pwd.getpwnam(name)
    except (KeyError, OverflowError):
        return None
    return found.pw_uid, found.pw_gid


def _group(name: str | int) -> int | None:
    try:
        return (grp.getgrgid(name) if isinstance(name, int) else grp.getgrnam(name)).gr_gid
    except (KeyError, OverflowError):
        return None


def ours(path: str, directory: Path, environment: Mapping[str, str], *, client: bool) -> Seen:
    """Return what we read, in the same words; ConfigurationError where we refuse the file."""
    around = surroundings(directory, environment)
    if client:
        return _fields(read_client(path, around), _CLIENT)
    read = read_configuration(path, around).configuration
    return {
        "main": _fields(read, _MAIN) | {"environment": dict(read.environment)},
        "groups": [_of_group(one) for one in read.groups],
        "servers": [*map(_of_server, read.inet_servers), *map(_of_server, read.unix_servers)],
        "interfaces": [[one.name, dict(one.arguments)] for one in read.rpc_interfaces],
    }


def _fields(value: object, names: str) -> Seen:
    return {name: getattr(value, name) for name in names.split()}


def _of_program(program: Program) -> Seen:
    return (
        _fields(program, _PROGRAM)
        | _of_output("stdout", program.stdout)
        | _of_output("stderr", program.stderr)
        | {
            "autorestart": program.autorestart.value,
            "exitcodes": list(program.exitcodes),
            "environment": dict(program.environment),
        }
    )


def _of_output(stream: str, output: Output) -> Seen:
    found = {f"{stream}_{name}": getattr(output, name) for name in STREAM}
    logfile = output.logfile
    return found | {f"{stream}_logfile": logfile.value if isinstance(logfile, Logfile) else logfile}


def _of_group(group: Group) -> Seen:
    found: Seen = {"name": group.name, "priority": group.priority, "kind": "ProcessGroupConfig"}
    found["programs"] = [_of_program(one) for one in group.programs]
    if isinstance(group, EventListener):
        found |= {"kind": "EventListenerPoolConfig", "events": list(group.events)}
        found["buffer_size"] = group.buffer_size
    if isinstance(group, FastCgi):
        socket = group.socket
        found |= {"kind": "FastCGIGroupConfig", "socket": socket.url, "backlog": socket.backlog}
        found |= {"mode": socket.mode, "owner": list(socket.owner) if socket.owner else None}
    return found


def _of_server(server: UnixServer | InetServer) -> Seen:
    found = _fields(server, "section name username password")
    if isinstance(server, UnixServer):
        return found | {"file": server.file, "chmod": server.chmod, "chown": list(server.chown)}
    return found | {"host": server.host, "port": server.port}
