"""What a supervisord.conf means, in our own words.

| supervisord | here |
|---|---|
| [program:x], fcgi-program, eventlistener | a service x; numprocs are its replicas |
| [group:x] | the group of each of its services |
| startsecs, startretries | StartPolicy, with a pause of 1, 2, 3, ... seconds |
| autorestart, exitcodes | RestartPolicy, at once; who dies again and again waits up to a second |
| priority | priority and group_priority; the services are in supervisord's order of start |
| priorities that differ from group to group | stop_by_priority, unless somebody has an endwell_after |
| stopsignal, stopwaitsecs, stopasgroup | stop_signal, stop_timeout, stop_group |
| killasgroup | nothing: at the end all of a service's processes are killed anyway |
| a pipe as standard input | stdin_open |
| std*_logfile AUTO | a file in childlogdir |
| std*_logfile NONE | discarded |
| std*_logfile /dev/stdout | the container's own output |
| std*_syslog | the container's own output, for want of a syslog in the container |
| std*_events_enabled, std*_capture_maxbytes | events, capture of its logs |
| socket | the socket of each service of an [fcgi-program:x] that is in no group |
| events, buffer_size | the listener of each service of an [eventlistener:x] |
| user of [supervisord] | the user of each service that has none of its own |

Servers have no words but supervisord's: they stay in its own value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.project import ExitWhen, Project
from endwell.model.service import Hooks, Listening, ServiceSpec, SocketSpec
from endwell.model.signals import CONT, Signal
from endwell.model.supervisord import EventListener, FastCgi, Logfile
from endwell.parse.supervisord.logs import log_of
from endwell.parse.supervisord.policies import restart_policy, start_policy
from endwell.parse.supervisord.problems import Report
from endwell.records import dataclass, field, replace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.model.readiness import Dependency
    from endwell.model.service import Log
    from endwell.model.supervisord import FastCgiSocket, Group, Program, Supervisord
    from endwell.parse.supervisord.problems import Problem


@dataclass(frozen=True, slots=True)
class Translation:
    """A project made of a supervisord.conf.

    Args:
        project: in our words.
        programs: by a service's key, what the file says about it: its name in supervisord, its events.
        warnings: what could not be put into our words as it is.
    """

    project: Project
    programs: dict[tuple[str, int], Program] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()


def translate(supervisord: Supervisord) -> Translation:
    """Put a configuration into our own words.

    Programs that supervisord reads but never runs, because another one has their name, are left out.
    """
    report = Report()
    found = [(group, program) for group in _groups(supervisord) for program in _programs(group)]
    names = _names(found)
    services = []
    programs = {}
    files: set[str] = set()
    for group, program in found:
        name = names[group.name, program.section]
        spec = _service(name, group, program, supervisord, report)
        spec = replace(
            spec,
            after=tuple(_after(program, group, names)),
            stdout=_alone(spec.stdout, group, files),
            stderr=None if spec.stderr is None else _alone(spec.stderr, group, files),
        )
        services.append(spec)
        programs[spec.key] = program
    grace = Project().grace if supervisord.grace is None else supervisord.grace
    exit_when = supervisord.exit_when or ExitWhen()
    project = Project(
        services=tuple(services),
        grace=grace,
        exit_when=exit_when,
        stop_by_priority=_by_priority(services, supervisord),
        socket=supervisord.socket,
        web=supervisord.web,
    )
    return Translation(project, programs, tuple(report.warnings))


def _by_priority(services: list[ServiceSpec], supervisord: Supervisord) -> bool:
    """Return whether the stop goes by priority: if nothing is said, wherever that makes a difference."""
    if supervisord.stop_by_priority is not None:
        return supervisord.stop_by_priority
    ranks = {spec.rank for spec in services if spec.listener is None}
    return len(ranks) > 1 and not any(spec.after for spec in services)


def _groups(supervisord: Supervisord) -> Iterator[Group]:
    """Go through the groups that run: the first of each name."""
    names = set()
    for group in supervisord.groups:
        if group.name not in names:
            yield group
        names.add(group.name)


def _programs(group: Group) -> list[Program]:
    """Return the processes that run, the last of each name, in the order in which they are started."""
    by_name = {program.name: program for program in group.programs}
    return sorted(by_name.values(), key=lambda one: (one.priority, one.name))


def _names(found: list[tuple[Group, Program]]) -> dict[tuple[str, str], str]:
    """Give each section of each group a name: the program's, or `group:program` if that is taken."""
    names: dict[tuple[str, str], str] = {}
    for group, program in found:
        key = (group.name, program.section)
        if key not in names:
            taken = set(names.values())
            wishes = (program.program, f"{group.name}:{program.program}", f"{group.name}:{program.section}")
            names[key] = next(one for one in wishes if one not in taken)
    return names


def _after(program: Program, group: Group, names: dict[tuple[str, str], str]) -> Iterator[Dependency]:
    """Go through what a program waits for, the groups it names resolved to their services."""
    mine = names[group.name, program.section]
    for dependency in program.own.after:
        for name in _called(dependency.service, names):
            if name != mine:
                yield replace(dependency, service=name)


def _called(name: str, names: dict[tuple[str, str], str]) -> list[str]:
    """Return the services that a name means: that of a program, or else all of a group."""
    if name in names.values():
        return [name]
    of_group = [service for (group, _), service in names.items() if group == name]
    # A program that has another name because it is in several groups.
    return of_group or [service for service in names.values() if service.endswith(f":{name}")]


def _service(
    name: str, group: Group, program: Program, supervisord: Supervisord, report: Report
) -> ServiceSpec:
    own = program.own
    listens = Listening(group.events, group.buffer_size) if isinstance(group, EventListener) else None
    stdout = log_of("stdout", program.stdout, program, supervisord)
    if listens is not None:
        stdout = replace(stdout, events=False, capture=0)  # it is the protocol, and that is all it is
    socket = _socket(group.socket) if isinstance(group, FastCgi) else None
    stop = Signal(program.stopsignal) if program.stopsignal else CONT
    _warn(program, report)
    return ServiceSpec(
        name=name,
        index=program.process_num - program.numprocs_start,
        replicas=program.numprocs,
        group=group.name,
        process=program.name,
        command=program.words,
        autostart=program.autostart,
        start=own.start or start_policy(program),
        restart=own.restart or restart_policy(program),
        priority=program.priority,
        group_priority=group.priority,
        ready=own.ready,
        health=own.health,
        stop_signal=stop,
        stop_timeout=max(program.stopwaitsecs, 0) if own.stop_timeout is None else own.stop_timeout,
        drain=own.drain,
        stop_group=program.stopasgroup,
        environment=_environment(group, program, supervisord),
        user=program.user if program.user is not None else supervisord.user,
        directory=program.directory,
        umask=program.umask,
        nice=own.nice,
        limits=own.limits,
        stdout=stdout,
        stderr=None if program.redirect_stderr else log_of("stderr", program.stderr, program, supervisord),
        hooks=own.hooks or Hooks(),
        stdin_open=socket is None,
        listener=listens,
        socket=socket,
    )


def _alone(log: Log, group: Group, files: set[str]) -> Log:
    """Return a log with a file of its own: AUTO ones are named by processes, which two groups may have."""
    if log.temporary and log.path in files:
        folder, _, name = log.path.rpartition("/")
        log = replace(log, path=f"{folder}/{group.name}-{name}")
    files.add(log.path)
    return log


def _socket(socket: FastCgiSocket) -> SocketSpec:
    return SocketSpec(socket.path, socket.host, socket.port, socket.owner, socket.mode, socket.backlog)


def _environment(group: Group, program: Program, supervisord: Supervisord) -> dict[str, str]:
    """Return what supervisord gives a program, in its order: the section's own variables come last."""
    url = supervisord.serverurl if program.serverurl is None else program.serverurl
    return {
        "SUPERVISOR_ENABLED": "1",
        **({"SUPERVISOR_SERVER_URL": url} if url else {}),
        "SUPERVISOR_PROCESS_NAME": program.name,
        "SUPERVISOR_GROUP_NAME": group.name,
        **program.environment,
    }


def _warn(program: Program, report: Report) -> None:
    """Warn of what is not done as supervisord does it."""
    if not program.stopsignal:
        report.warn(
            program.place,
            f"[{program.section}] stopsignal=0 tells nobody anything: SIGCONT is sent instead; write TERM",
        )
    for stream, output in (("stdout", program.stdout), ("stderr", program.stderr)):
        if output.syslog and not (stream == "stderr" and program.redirect_stderr):
            kept = "only to its file" if isinstance(output.logfile, str | Logfile) else f"to /dev/{stream}"
            report.warn(
                program.place,
                f"[{program.section}] {stream}_syslog=true is not done: {stream} goes {kept}; remove it",
            )
