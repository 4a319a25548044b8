"""A whole supervisord.conf to one value, as supervisord and supervisorctl read it."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from endwell.model.place import Place
from endwell.model.project import When
from endwell.model.supervisord import Supervisorctl
from endwell.parse.supervisord import groups, servers
from endwell.parse.supervisord.include import load
from endwell.parse.supervisord.ini import DEFAULT
from endwell.parse.supervisord.main_section import main_section
from endwell.parse.supervisord.own import MAIN, STOP_BY_PRIORITY, own_of_project
from endwell.parse.supervisord.problems import Problem, Report
from endwell.parse.supervisord.reading import Source
from endwell.parse.supervisord.types import text
from endwell.parse.supervisord.web import web_of_project
from endwell.records import dataclass, replace

if TYPE_CHECKING:
    from endwell.model.supervisord import Group, Supervisord
    from endwell.parse.supervisord.surroundings import Surroundings

CLIENT = "supervisorctl"
_CLIENT_OPTIONS = ("serverurl", "username", "password", "prompt", "history_file")
_KINDS = (groups.PROGRAM, groups.GROUP, groups.LISTENER, groups.FASTCGI, servers.INTERFACE, servers.PLUGIN)
_NAMED = (groups.PROGRAM, groups.GROUP, groups.LISTENER, groups.FASTCGI)
_SINGLE = (MAIN, CLIENT, "include", servers.UNIX, servers.INET)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says, and what is odd about it."""

    configuration: Supervisord
    warnings: tuple[Problem, ...]


def read_configuration(path: str, surroundings: Surroundings) -> Reading:
    """Read a supervisord.conf and what it includes.

    Args:
        path: of the file.
        surroundings: where it is read.

    Raises:
        ConfigurationError: supervisord would refuse it, or a key of endwell's own is wrong; the message has
            a line for each thing, each with file and line.
    """
    report = Report()
    ini, files = load(path, surroundings, report)
    source = Source(ini, posixpath.dirname(surroundings.absolute(path)), surroundings, report)
    if MAIN not in ini.sections:
        report.error(Place(path, 1), "there is no section [supervisord]: add a line [supervisord]")
        report.settle()
    main, environment = main_section(source)
    grace, exit_when, by_priority, socket = own_of_project(source.section(MAIN, here=source.here))
    web = web_of_project(source.section(MAIN, here=source.here))
    interfaces = servers.rpc_interfaces(source)
    found = groups.groups_of(source)
    inet, unix = servers.inet_servers(source), servers.unix_servers(source)
    _check_names(found, source)
    _complain(source)
    report.settle()
    configuration = replace(
        main,
        environment=environment,
        groups=tuple(_with(group, environment) for group in found),
        inet_servers=inet,
        unix_servers=unix,
        rpc_interfaces=interfaces,
        serverurl=servers.server_url(unix, inet),
        grace=grace,
        exit_when=exit_when,
        stop_by_priority=by_priority,
        socket=socket,
        web=web,
        file=path,
        files=files,
    )
    return Reading(configuration, tuple(report.warnings))


def read_client(path: str, surroundings: Surroundings) -> Supervisorctl:
    """Read the [supervisorctl] section of a file; supervisorctl reads no includes.

    Args:
        path: of the file.
        surroundings: where it is read.

    Raises:
        ConfigurationError: supervisorctl would refuse it.
    """
    report = Report()
    ini, _ = load(path, surroundings, report, follow=False)
    here = posixpath.dirname(surroundings.normal(path))
    source = Source(ini, here, surroundings, report)
    if CLIENT not in ini.sections:
        report.error(Place(path, 1), "there is no section [supervisorctl]: add a line [supervisorctl]")
        report.settle()
    options = source.section(CLIENT)
    names = {"here": here}
    default = Supervisorctl()
    url = options.get("serverurl", text, default.serverurl, names=names)
    if url.startswith("unix://"):
        url = "unix://" + surroundings.normal(url.removeprefix("unix://"))
    history = options.text("history_file", names=names)
    client = Supervisorctl(
        serverurl=url,
        username=options.text("username"),
        password=options.text("password"),
        prompt=options.get("prompt", text, default.prompt),
        history_file=surroundings.normal(history) if history else None,
    )
    report.settle()
    return client


def _with(group: Group, environment: dict[str, str]) -> Group:
    """Put the environment of [supervisord] below that of each program."""
    return replace(
        group,
        programs=tuple(
            replace(one, environment={**environment, **one.environment}) for one in group.programs
        ),
    )


def _check_names(found: tuple[Group, ...], source: Source) -> None:
    """Note services that endwell's own keys name and that are not there."""
    known = {program.program for group in found for program in group.programs} | {one.name for one in found}
    for program in (one for group in found for one in group.programs):
        options = source.section(program.section)
        for dependency in program.own.after:
            if dependency.service == program.program:
                options.error(
                    "endwell_after", f"endwell_after names {program.program} itself: remove it there"
                )
            elif dependency.service not in known:
                meant = _meant(dependency.service, known)
                options.error("endwell_after", f"endwell_after names {dependency.service!r}, {meant}")
    options = source.section(MAIN, here=source.here)
    _, when, by_priority, _ = own_of_project(options)
    known = {program.program for group in found for program in group.programs}
    if when and when.when is When.SERVICE_EXITS and when.service not in known:
        options.error(
            "endwell_exit_when", f"endwell_exit_when names {when.service!r}, {_meant(when.service, known)}"
        )
    if by_priority and any(program.own.after for group in found for program in group.programs):
        options.warn(
            STOP_BY_PRIORITY, f"{STOP_BY_PRIORITY} has no effect beside endwell_after: remove one of them"
        )


def _meant(name: str, known: set[str]) -> str:
    import difflib  # noqa: PLC0415  only for words that are wrong

    near = difflib.get_close_matches(name, sorted(known), n=1)
    return "which is no program or group: " + (
        f"did you mean {near[0]}?" if near else "add it or correct the name"
    )


def _complain(source: Source) -> None:
    """Warn of sections and options that mean nothing."""
    if CLIENT in source.ini.sections:
        source.section(CLIENT).know(*_CLIENT_OPTIONS)
    if "include" in source.ini.sections:
        source.section("include").know("files")
    for section in source.ini.sections.values():
        # What is one section in two files on purpose, such as [supervisord], has no name of its own.
        for place in section.again if section.name.startswith(_NAMED) else ():
            source.report.warn(
                place,
                f"[{section.name}] is at {section.place} already: both are one, and what is said last holds; "
                "rename one, or put them together",
            )
        single = section.name in _SINGLE or section.name.startswith((servers.UNIX, servers.INET))
        if not single and not section.name.startswith(_KINDS):
            import difflib  # noqa: PLC0415  only for words that are wrong

            near = difflib.get_close_matches(section.name, [*_SINGLE, *_KINDS], n=1)
            meant = f"did you mean [{near[0]}]?" if near else "it is ignored, as supervisord does; remove it"
            source.report.warn(section.place, f"[{section.name}] is no section of supervisord: {meant}")
        elif not section.name.startswith(servers.PLUGIN):
            source.complain_about_unknown(section.name)
    asked = set().union(*source.asked.values())
    for name, option in source.ini.defaults.items():
        if name not in asked:
            source.report.warn(
                option.place, f"[{DEFAULT}] has {name}, which is an option of no section: remove it"
            )
