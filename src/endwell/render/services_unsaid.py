"""What a supervisord.conf says and an endwell.toml made of it does not: sentences for its head."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.supervisord import EventListener, FastCgi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.model.supervisord import Group, Program, Supervisord

# What listeners ask for that kill supervisord when a program has ended.
_ENDS = frozenset({"PROCESS_STATE", "PROCESS_STATE_EXITED", "PROCESS_STATE_FATAL", "PROCESS_STATE_STOPPED"})


def unsaid(supervisord: Supervisord) -> Iterator[str]:
    """Yield what is lost, one sentence each.

    Args:
        supervisord: what the file says in its own words.
    """
    if supervisord.environment:
        names = ", ".join(supervisord.environment)
        yield f"[supervisord] environment ({names}) is part of the environment of every service here."
    servers = [one.section for one in supervisord.unix_servers]
    for section in [*servers, *(one.section for one in supervisord.inet_servers)]:
        yield f"[{section}] has no word here: supervisorctl needs the supervisord.conf."
    for interface in supervisord.rpc_interfaces:
        if interface.name != "supervisor":
            yield f"[rpcinterface:{interface.name}] is code of supervisord's and has no word here."
    for group in supervisord.groups:
        yield from _of_group(group)


def _of_group(group: Group) -> Iterator[str]:
    if isinstance(group, EventListener):
        events = ", ".join(group.events)
        yield f"{group.name} is an event listener ({events}): as a service of this file it hears no events."
        if _ENDS & set(group.events):
            yield f'If {group.name} is to end the container, write exit-when = "any-fails" instead of it.'
    if isinstance(group, FastCgi):
        yield f"{group.name} gets no socket {group.socket.url} as its standard input here."
    sections: dict[str, list[Program]] = {}
    for program in group.programs:
        sections.setdefault(program.section, []).append(program)
    for section, programs in sections.items():
        yield from _of_section(section, programs)


def _of_section(section: str, programs: list[Program]) -> Iterator[str]:
    first = programs[0]
    if len(programs) == 1 and first.name != first.program:
        yield f"[{section}] process_name={first.name} is {first.program} here."
    elif len(programs) > 1:
        yield (
            f"[{section}] {programs[0].name} to {programs[-1].name} are {first.program}-1 to "
            f"{first.program}-{first.numprocs} here."
        )
    for name, output in (("stdout", first.stdout), ("stderr", first.stderr)):
        if output.events_enabled or output.capture_maxbytes:
            yield f"[{section}] what it writes to {name} makes no events here, and is not captured."
