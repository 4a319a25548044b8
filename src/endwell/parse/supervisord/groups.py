"""The groups of a configuration: those that are written down, and the programs that are in none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.supervisord import EventListener, FastCgi, Group
from endwell.parse.supervisord.fastcgi import socket_of
from endwell.parse.supervisord.programs import programs_of
from endwell.parse.supervisord.types import boolean, name, strings, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.parse.supervisord.reading import Options, Source

GROUP, PROGRAM, LISTENER, FASTCGI = "group:", "program:", "eventlistener:", "fcgi-program:"
# The event types by name; those with a line of their own below them stand for all of it.
EVENTS = frozenset(
    {
        "EVENT",
        *("PROCESS_STATE", "PROCESS_STATE_STOPPED", "PROCESS_STATE_EXITED", "PROCESS_STATE_STARTING"),
        *("PROCESS_STATE_STOPPING", "PROCESS_STATE_BACKOFF", "PROCESS_STATE_FATAL", "PROCESS_STATE_RUNNING"),
        "PROCESS_STATE_UNKNOWN",
        *("PROCESS_COMMUNICATION", "PROCESS_COMMUNICATION_STDOUT", "PROCESS_COMMUNICATION_STDERR"),
        *("PROCESS_LOG", "PROCESS_LOG_STDOUT", "PROCESS_LOG_STDERR"),
        "REMOTE_COMMUNICATION",
        *("SUPERVISOR_STATE_CHANGE", "SUPERVISOR_STATE_CHANGE_RUNNING", "SUPERVISOR_STATE_CHANGE_STOPPING"),
        *("TICK", "TICK_5", "TICK_60", "TICK_3600"),
        *("PROCESS_GROUP", "PROCESS_GROUP_ADDED", "PROCESS_GROUP_REMOVED"),
    }
)
DEFAULT_HANDLER = "supervisor.dispatchers:default_handler"


def groups_of(source: Source) -> tuple[Group, ...]:
    """Read every group, in the order in which they are started.

    Args:
        source: the configuration.
    """
    taken: set[str] = set()
    groups = [
        *_written(source, taken),
        *_homogeneous(source, PROGRAM, taken),
        *_listeners(source),
        *_homogeneous(source, FASTCGI, taken),
    ]
    ordered = tuple(sorted(groups, key=lambda one: (one.priority, one.name)))
    _warn_of_hidden(ordered, source)
    return ordered


def _sections(source: Source, kind: str) -> list[str]:
    return [one for one in source.ini.sections if one.startswith(kind)]


def _name(options: Options) -> str:
    written = options.name.split(":", 1)[1]
    try:
        return name(written)
    except ValueError as error:
        options.source.report.error(options.place, f"[{options.name}] {written!r} {error}")
        return written


def _written(source: Source, taken: set[str]) -> Iterator[Group]:
    for section in _sections(source, GROUP):
        options = source.section(section, here=source.here)
        label = _name(options)
        members = [
            found
            for program in options.get("programs", strings, ())
            if (found := _member(options, program)) is not None
        ]
        if not members:
            options.warn("programs", "has no programs: name them, as in programs=web,worker")
        taken.update(members)
        yield Group(
            name=label,
            priority=options.get("priority", whole, 999),
            programs=tuple(one for member in members for one in programs_of(member, label, source)),
            place=options.place,
        )


def _member(options: Options, program: str) -> str | None:
    """Return the section of a program that a group names."""
    sections = options.source.ini.sections
    both = [one for one in (PROGRAM + program, FASTCGI + program) if one in sections]
    if len(both) > 1:
        options.error(
            "programs", f"programs={program} means two sections, [{both[0]}] and [{both[1]}]: rename one"
        )
    elif not both:
        options.error(
            "programs",
            f"programs names {program!r}, but there is no [program:{program}]: add it or correct the name",
        )
    elif both[0].startswith(FASTCGI):
        options.warn(
            "programs", f"{program} has no socket in a group: take it out of programs if it needs one"
        )
    return both[0] if both else None


def _homogeneous(source: Source, kind: str, taken: set[str]) -> Iterator[Group]:
    for section in _sections(source, kind):
        options = source.section(section, here=source.here)
        if section in taken:
            continue
        label = _name(options)
        priority = options.get("priority", whole, 999)
        if kind == FASTCGI:
            socket = socket_of(options, label)
            programs = programs_of(section, label, source)
            if socket:
                yield FastCgi(
                    name=label, priority=priority, programs=programs, socket=socket, place=options.place
                )
        else:
            yield Group(
                name=label,
                priority=priority,
                programs=programs_of(section, label, source),
                place=options.place,
            )


def _listeners(source: Source) -> Iterator[EventListener]:
    for section in _sections(source, LISTENER):
        options = source.section(section, here=source.here)
        pool = section.split(":", 1)[1]
        buffer_size = options.get("buffer_size", whole, 10)
        if buffer_size < 1:
            options.error(
                "buffer_size", f"buffer_size={buffer_size} is less than one event: write 10, or more"
            )
        handler = options.text("result_handler")
        if handler not in {None, DEFAULT_HANDLER}:
            options.warn(
                "result_handler",
                f"result_handler={handler!r} is not called, answers are judged as by default: remove it",
            )
        if options.get("redirect_stderr", boolean, default=False):
            options.error(
                "redirect_stderr",
                "redirect_stderr=true would put stderr between the answers of a listener: remove it",
            )
        yield EventListener(
            name=pool,
            # Started first and stopped last unless the section says otherwise.
            priority=options.get("priority", whole, -1),
            programs=programs_of(section, pool, source),
            events=options.get("events", _events, ()) or _no_events(options),
            buffer_size=buffer_size,
            result_handler=handler or DEFAULT_HANDLER,
            place=options.place,
        )


def _events(value: str) -> tuple[str, ...]:
    names = {one.upper() for one in strings(value)}
    for one in sorted(names):
        if one not in EVENTS:
            shown = f"{one} is no event" if one else "there is nothing between two commas"
            raise ValueError(
                f"is not a list of event types ({shown}): write for example PROCESS_STATE,TICK_60"
            )
    return tuple(sorted(names))


def _no_events(options: Options) -> tuple[str, ...]:
    found = options.find("events")
    if found is None or not found.value:
        options.error("events", "listens to no events: write for example events=PROCESS_STATE")
    return ()


def _warn_of_hidden(groups: tuple[Group, ...], source: Source) -> None:
    """Warn of a group that never runs, because one that is started before has its name."""
    first: dict[str, Group] = {}
    for group in groups:
        before = first.setdefault(group.name, group)
        if before is not group:
            source.report.warn(
                group.place,
                f"the group {group.name} never runs, as that of {before.place} has its name: rename one",
            )
        names: dict[str, str] = {}
        for program in group.programs:
            if program.name in names:
                source.report.warn(
                    program.place,
                    f"the group {group.name} has two processes {program.name} and runs only one: set "
                    "process_name",
                )
            names[program.name] = program.section
