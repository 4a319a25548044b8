"""The supervisors that are measured, and how each is told to run the same services.

| | what it is | how it gets here |
|---|---|---|
| endwell | this source tree, run as `pip install` would have it | a virtual environment of the benchmark's |
| supervisord Debian | supervisor of the system | apt-get install supervisor |
| supervisord PyPI, circus | the newest release | the same virtual environment |
| s6, runit | a process per service, and one more per log | apt-get install s6 runit |
| floor | the least that Python can do (floor.py) | is here |
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.supervisors import asking

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PLACE = ROOT / "build" / "bench-supervisors"
FROM_PYPI = ("supervisor", "circus")
OURS = "endwell"
OURS_TOML = "endwell, endwell.toml"
DEBIAN = "supervisord, Debian"
FLOOR = "floor (bare Python)"
_NEWEST_SUPERVISORD = "supervisord, PyPI"
_FILES = 8192


class CannotMeasureError(Exception):
    """Says what is missing, why, and what to do next."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service of a measurement.

    Args:
        number: from 0; its name is made of it.
        words: the guest's, after its number.
        log: where its stdout goes: a file's name; empty for nowhere, `-` for the supervisor's own stdout.
        timed: whether each line of it gets the time put before it.
    """

    number: int
    words: str = "wait"
    log: str = ""
    timed: bool = False

    @property
    def name(self) -> str:
        """What it is called."""
        return f"s{self.number:04}"


@dataclass(frozen=True, slots=True)
class Task:
    """What a supervisor is to do.

    Args:
        directory: where everything is.
        guest: the program of all services.
        services: them.
        control: whether it is going to be asked for their states.
    """

    directory: Path
    guest: Path
    services: Sequence[Service]
    control: bool = False

    def command(self, service: Service) -> list[str]:
        """What a service's process is."""
        return [str(self.guest), str(self.directory / "fifo"), str(service.number), *service.words.split()]

    def log(self, service: Service) -> str:
        """The path of a service's log."""
        return str(self.directory / service.log)


@dataclass(frozen=True)
class System:
    """A supervisor.

    Args:
        name: in the tables.
        prepare: writes its configuration, and returns the command that starts it.
        version: of it; empty if it is not here.
        stop: the signal it is stopped by.
        environment: it needs.
        ask: asks for the states of all services of a task and returns how many it was told of; and who asks.
        timed: whether it can put the time before lines.
        shares: whether a service's lines can go to the container's stdout.
    """

    name: str
    prepare: Callable[[Task], list[str]]
    version: str
    stop: int = signal.SIGTERM
    environment: Mapping[str, str] = field(default_factory=dict)
    ask: Callable[[Task], Callable[[], int]] | None = None
    asked_by: str = ""
    timed: bool = True
    shares: bool = True


def systems() -> tuple[list[System], list[str]]:
    """Return those that are here, ours first, and the names of those that are missing."""
    own = _environment()
    ours, pypi = partial(_ours, own / "endwell"), {name: _version_in(own, name) for name in FROM_PYPI}
    debian = shutil.which("supervisord", path="/usr/bin") or ""
    everybody = [
        ours(OURS, _endwell_conf(own / "endwell")),
        ours(OURS_TOML, _endwell_toml(own / "endwell")),
        _real(DEBIAN, [debian], _said(debian, "--version") if debian else ""),
        _real(_NEWEST_SUPERVISORD, [str(own / "supervisord")], pypi["supervisor"]),
        System(
            "circus",
            _circus(own / "circusd"),
            pypi["circus"],
            ask=asking.circus(own / "circusctl"),
            asked_by="circusctl",
            timed=False,
        ),
        System("s6", _s6, _of_debian("s6"), ask=asking.s6, asked_by="an s6-svstat for each"),
        System("runit", _runit, _of_debian("runit"), stop=signal.SIGHUP, ask=asking.runit, asked_by="sv"),
        System(FLOOR, _floor, f"Python {sys.version.split()[0]}", timed=False, shares=False),
    ]
    return [one for one in everybody if one.version], [one.name for one in everybody if not one.version]


def _ours(program: Path, name: str, prepare: Callable[[Task], list[str]]) -> System:
    version = _said(program, "--version").split()[-1]
    return System(name, prepare, version, ask=asking.endwell, asked_by="its socket")


def _real(name: str, command: list[str], version: str) -> System:
    """Return a supervisord as it is."""
    how = _supervisord(command)
    return System(name, how, version, ask=asking.supervisord, asked_by="XML-RPC", timed=False)


# ------------------------------------------------------------------------------------------ where they are

_VERSION = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"
_SCRIPT = """\
#!{python}
import sys
from endwell.__main__ import main
if __name__ == "__main__":
    sys.exit(main())
"""


def _environment() -> Path:
    """Make the virtual environment, once; return the directory of its programs."""
    own = PLACE / "venv"
    programs = own / "bin"
    if not (programs / "endwell").exists():
        shutil.rmtree(own, ignore_errors=True)
        print(f"making {own} with {', '.join(FROM_PYPI)}", file=sys.stderr)
        made = subprocess.run(
            [sys.executable, "-m", "venv", str(own)], capture_output=True, text=True, check=False
        )
        if made.returncode:
            raise CannotMeasureError(f"cannot make {own}: {made.stderr.strip()}; install python3-venv")
        pip = [str(programs / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        for one in FROM_PYPI:  # one by one: what cannot be had is left out
            subprocess.run([*pip, one], check=False)
        libraries = next((own / "lib").glob("python3*/site-packages"))
        (libraries / "endwell.pth").write_text(f"{ROOT / 'src'}\n")
        script = programs / "endwell"
        script.write_text(_SCRIPT.format(python=programs / "python"))
        script.chmod(0o755)
    # As pip would: else the first rounds would do it, or all of them, where nothing is to be written.
    subprocess.run([str(programs / "python"), "-m", "compileall", "-q", str(ROOT / "src")], check=True)
    return programs


def _said(*command: str | Path) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def _version_in(environment: Path, name: str) -> str:
    return _said(environment / "python", "-c", _VERSION, name)


def _of_debian(package: str) -> str:
    if not shutil.which({"s6": "s6-svscan", "runit": "runsvdir"}[package]):
        return ""
    return _said("dpkg-query", "--show", "--showformat=${Version}", package) or "of this system"


# ----------------------------------------------------------------------------------- how each of them is told


def _supervisord_conf(task: Task) -> str:
    """Write a supervisord.conf, the same for all who read it; return its path."""
    lines = ["[supervisord]", "nodaemon=true", "logfile=/dev/null", "logfile_maxbytes=0"]
    lines += [f"pidfile={task.directory / 'pid'}", f"minfds={_FILES}"]
    if task.control:
        lines += ["[unix_http_server]", f"file={task.directory / 'rpc'}", "[rpcinterface:supervisor]"]
        lines += ["supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface"]
    for service in task.services:
        lines += [f"[program:{service.name}]", f"command={' '.join(task.command(service))}"]
        lines += ["autorestart=true", "redirect_stderr=true"]
        if service.words.startswith("fail"):
            lines += ["startsecs=0"]
        if service.log == "-":
            lines += ["stdout_logfile=/dev/stdout", "stdout_logfile_maxbytes=0"]
        elif service.log:
            lines += [f"stdout_logfile={task.log(service)}", "stdout_logfile_maxbytes=0"]
        else:
            lines += ["stdout_logfile=NONE"]
        if service.timed:
            lines += ["endwell_log_prefix=time"]
    path = task.directory / "supervisord.conf"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def _supervisord(command: list[str]) -> Callable[[Task], list[str]]:
    return lambda task: [*command, "-n", "-c", _supervisord_conf(task)]


def _socket(task: Task) -> list[str]:
    return ["--socket", str(task.directory / "socket") if task.control else "none"] if _has_socket() else []


def _has_socket() -> bool:
    return "--socket" in (ROOT / "src/endwell/cli/up.py").read_text()


def _endwell_conf(program: Path) -> Callable[[Task], list[str]]:
    return lambda task: [str(program), "up", "-c", _supervisord_conf(task), *_socket(task)]


def _endwell_toml(program: Path) -> Callable[[Task], list[str]]:
    def prepare(task: Task) -> list[str]:
        lines = []
        for service in task.services:
            stdout = {"": "none", "-": "container"}.get(service.log) or task.log(service)
            prefix = "time" if service.timed else "none"
            lines += [f"[services.{service.name}]", f"command = {json.dumps(task.command(service))}"]
            lines += ['restart = { condition = "always", delay = "0s" }']
            lines += [f'logs = {{ stdout = "{stdout}", stderr = "stdout", prefix = "{prefix}" }}']
        path = task.directory / "endwell.toml"
        path.write_text("\n".join(lines) + "\n")
        return [str(program), "up", "-c", str(path), *_socket(task)]

    return prepare


def _circus(program: Path) -> Callable[[Task], list[str]]:
    def prepare(task: Task) -> list[str]:
        places = {name: f"ipc://{task.directory}/{name}" for name in ("endpoint", "pubsub_endpoint")}
        lines = ["[circus]", *(f"{name} = {place}" for name, place in places.items())]
        for service in task.services:
            lines += [f"[watcher:{service.name}]", f"cmd = {' '.join(task.command(service))}"]
            lines += ["numprocesses = 1", "graceful_timeout = 10"]
            for stream in ("stdout", "stderr"):
                if service.log == "-":
                    lines += [f"{stream}_stream.class = StdoutStream"]
                elif service.log:
                    lines += [f"{stream}_stream.class = FileStream"]
                    lines += [f"{stream}_stream.filename = {task.log(service)}"]
                else:
                    lines += [f"close_child_{stream} = True"]
        path = task.directory / "circus.ini"
        path.write_text("\n".join(lines) + "\n")
        return [str(program), str(path)]

    return prepare


def _directories(task: Task, logger: Callable[[Service], str]) -> Path:
    """Write service directories as s6 and runit have them; the guest is the interpreter of its own script."""
    place = task.directory / "services"
    for service in task.services:
        own = place / service.name
        own.mkdir(parents=True)
        words = " ".join(task.command(service))
        (own / "run").write_text(f"#!{words}\n")
        (own / "run").chmod(0o755)
        if service.log not in {"", "-"}:
            (own / "log").mkdir()
            (own / "log" / "run").write_text(f"#!/bin/sh\nexec {logger(service)}\n")
            (own / "log" / "run").chmod(0o755)
    return place


def _s6(task: Task) -> list[str]:
    def logger(service: Service) -> str:
        return f"s6-log -b {'T ' if service.timed else ''}n10 s268435455 {task.log(service)}"

    return ["s6-svscan", "-c", "2000", "-t", "0", str(_directories(task, logger))]


def _runit(task: Task) -> list[str]:
    def logger(service: Service) -> str:
        # It wants its directory to be there, and a size at which it rotates: none here.
        place = Path(task.log(service))
        place.mkdir(exist_ok=True)
        (place / "config").write_text("s0\n")
        return f"svlogd {'-tt ' if service.timed else ''}-b 65536 {place}"

    return ["runsvdir", str(_directories(task, logger))]


def _floor(task: Task) -> list[str]:
    words = [[task.command(one), task.log(one) if one.log else None] for one in task.services]
    path = task.directory / "floor.json"
    path.write_text(json.dumps(words))
    return [sys.executable, str(HERE / "floor.py"), str(path)]


def raise_files() -> None:
    """Have as many open files as may be: some supervisors take a few for each service."""
    import resource  # noqa: PLC0415  once

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.environ.pop("PYTHONPATH", None)
