"""`version`, `ps` and `config`: what there is to know about the whole, and about each replica."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from endwell import __version__
from endwell.machine.replica import Phase
from endwell.model.control import PROTOCOL, encode
from endwell.model.service import Stream
from endwell.model.supervisord import Autorestart, Logfile
from endwell.supervise.control.desk import process_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.machine.life import Life
    from endwell.model.control import Value
    from endwell.model.service import Log
    from endwell.model.supervisord import Output, Program
    from endwell.supervise.control.desk import Desk, Key
    from endwell.supervise.control.exchange import Exchange

_AT_ONCE = 25  # rows in one piece of work


def version(desk: Desk, exchange: Exchange) -> None:
    """Say who we are."""
    exchange.ok({"endwell": __version__, "protocol": PROTOCOL, "state": _state(desk)})


def ps(desk: Desk, exchange: Exchange) -> None:
    """List replicas."""
    keys = desk.all_or(exchange.request.names("services"))
    exchange.drive(_listed(desk, exchange, keys))


def config(desk: Desk, exchange: Exchange) -> None:
    """List the programs of a supervisord.conf as it has them."""
    said = desk.supervisord
    if said is None:
        exchange.ok({"programs": []})
        return
    active = {life.spec.group for life in desk.lives.values()}
    programs = [
        _program(program, group.name, group.priority, inuse=group.name in active)
        for group in said.groups
        for program in group.programs
    ]
    exchange.ok({"programs": programs})


def project(desk: Desk) -> Value:
    """Return what there is to know about the whole."""
    reading = desk.reading()
    said = desk.supervisord
    return {
        "file": reading.path if reading else "",
        "kind": _kind(desk),
        "pid": os.getpid(),
        "state": _state(desk),
        "started": desk.began,
        "grace": desk.supervisor.account.given,
        "identifier": said.identifier if said else "endwell",
        "log": desk.own_log.path if desk.own_log else "",
    }


def row(desk: Desk, life: Life, now: float) -> Value:
    """Return what there is to know about a replica."""
    spec, key = life.spec, life.spec.key
    ensemble = desk.supervisor.ensemble
    return {
        "service": spec.name,
        "replica": spec.index + 1,
        "replicas": spec.replicas,
        "label": spec.label,
        "group": spec.group or spec.name,
        "process": process_name(spec),
        "state": life.state.name,
        "code": int(life.state),
        "pid": life.pid,
        "autostart": spec.autostart,
        "ready": life.ready,
        "completed": life.completed,
        "healthy": life.healthy,
        "started": desk.epoch(life.spawned_at),
        "stopped": desk.epoch(life.ended_at),
        "status": life.status,
        "signal": None if life.end is None or life.end.signal is None else life.end.signal.name,
        "spawn_error": life.spawn_error,
        "why": life.why,
        "tries": life.tries,
        "restarts": life.restarts,
        "retry_in": round(max(0.0, life.retry_at - now), 3) if _pauses(life) and life.retry_at else None,
        "waiting": ensemble.why_waiting(key) if key in ensemble.waiting else "",
        "command": spec.command,
        "stdout": _file(spec.stdout, Stream.STDOUT),
        "stderr": None if spec.stderr is None else _file(spec.stderr, Stream.STDERR),
        "stop_signal": spec.stop_signal.name,
        "stop": _stop(desk, life),
        "user": spec.user,
    }


def _listed(desk: Desk, exchange: Exchange, keys: tuple[Key, ...]) -> Iterator[bytes]:
    """Make the answer in pieces: a thousand rows at once would keep others waiting."""
    rows: list[bytes] = []
    for at in range(0, len(keys), _AT_ONCE):
        now = desk.loop.now()
        for key in keys[at : at + _AT_ONCE]:
            life = desk.lives.get(key)
            if life is not None:
                rows.append(encode(row(desk, life, now))[:-1])
        yield b""
    head = encode({"id": exchange.request.number, "ok": {"project": project(desk), "services": []}})
    begin, found, end = head.rpartition(b"[]")
    assert found  # noqa: S101  it is what was just written
    exchange.finish(begin + b"[" + b",".join(rows) + b"]" + end)


def _pauses(life: Life) -> bool:
    return life.phase in {Phase.PAUSED, Phase.CLEANING}


def _file(log: Log, stream: Stream) -> Value | None:
    if log.discard or log.of_container(stream) is not None:
        return None
    return {"path": log.path, "temporary": log.temporary}


def _state(desk: Desk) -> str:
    if desk.supervisor.ensemble.ending is not None:
        return "STOPPING"
    return "RESTARTING" if desk.reloading is not None and desk.reloading.anew else "RUNNING"


def _stop(desk: Desk, life: Life) -> Value | None:
    course = life.stop
    if course is None:
        return None
    return {
        "asked": desk.epoch(course.asked),
        "told": desk.epoch(course.told),
        "killed": None if course.killed is None else desk.epoch(course.killed),
        "ended": None if course.ended is None else desk.epoch(course.ended),
        "how": course.how,
    }


def _kind(desk: Desk) -> str:
    reading = desk.reading()
    if reading is None or reading.by_group:
        return "supervisord"
    return "toml" if reading.path.endswith(".toml") else "procfile"


_AUTORESTART = {Autorestart.NEVER: False, Autorestart.ALWAYS: True, Autorestart.UNEXPECTED: "auto"}


def _program(program: Program, group: str, priority: int, *, inuse: bool) -> Value:
    """Return a program by the names of supervisord's getAllConfigInfo; null is its None."""
    return {
        "name": program.name,
        "group": group,
        "autorestart": _AUTORESTART[program.autorestart],
        "autostart": program.autostart,
        "command": program.command,
        "directory": program.directory,
        "exitcodes": list(program.exitcodes),
        "group_prio": priority,
        "inuse": inuse,
        "killasgroup": program.killasgroup,
        "process_prio": program.priority,
        "redirect_stderr": program.redirect_stderr,
        "serverurl": program.serverurl,
        "startretries": program.startretries,
        "startsecs": program.startsecs,
        "stopsignal": program.stopsignal,
        "stopwaitsecs": program.stopwaitsecs,
        "uid": program.uid,
        **_output("stdout", program.stdout),
        **_output("stderr", program.stderr),
    }


def _output(stream: str, output: Output) -> dict[str, Any]:
    logfile = output.logfile.value if isinstance(output.logfile, Logfile) else output.logfile
    return {
        f"{stream}_logfile": logfile,
        f"{stream}_logfile_backups": output.logfile_backups,
        f"{stream}_logfile_maxbytes": output.logfile_maxbytes,
        f"{stream}_capture_maxbytes": output.capture_maxbytes,
        f"{stream}_events_enabled": output.events_enabled,
        f"{stream}_syslog": output.syslog,
    }
