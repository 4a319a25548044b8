"""The processes of a [program:x], [fcgi-program:x] or [eventlistener:x] section."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from endwell.model.supervisord import Autorestart, Logfile, Output, Program
from endwell.parse import words
from endwell.parse.supervisord.expansion import expand
from endwell.parse.supervisord.local import Local
from endwell.parse.supervisord.own import KEYS, own_of
from endwell.parse.supervisord.types import (
    auto_restart,
    boolean,
    byte_size,
    exit_codes,
    name,
    octal,
    pairs,
    signal_number,
    whole,
)
from endwell.records import replace

if TYPE_CHECKING:
    from endwell.parse.supervisord.reading import Options, Source

_PROCESS_NUMBER = "%(process_num)"
# A command in which nothing is quoted.
PLAIN = re.compile(r"[\w ./:=,%+@-]*", re.ASCII)
_STREAMS = ("stdout", "stderr")
# Asked for once for each process, so that they can hold its number.
_EACH = (
    "command",
    "directory",
    "environment",
    *(f"{stream}_{option}" for stream in _STREAMS for option in ("logfile", "logfile_maxbytes")),
    *(f"{stream}_{option}" for stream in _STREAMS for option in ("logfile_backups", "syslog")),
)


def programs_of(section: str, group: str, source: Source) -> tuple[Program, ...]:
    """Read the processes of a section, sorted by name.

    Args:
        section: its name.
        group: the name of the group they are read for.
        source: the configuration.
    """
    label = section.split(":", 1)[1]
    try:
        label = name(label)
    except ValueError as error:
        source.report.error(source.ini.sections[section].place, f"[{section}] {label!r} {error}")
    options = source.section(
        section,
        here=source.here,
        host_node_name=source.surroundings.node,
        program_name=label,
        group_name=group,
    )
    return _Reader(options, label).programs()


def _processes(value: str) -> int:
    """Read how many processes there are; with a digit too many there must not be no end of them."""
    if (number := whole(value)) > words.MOST_REPLICAS:
        raise ValueError(f"is more than {words.MOST_REPLICAS}: write a smaller number")
    return number


class _Reader:
    def __init__(self, options: Options, label: str) -> None:
        self.options = options
        self.source = options.source
        self.label = label
        self.local = Local(options.source.surroundings)

    def programs(self) -> tuple[Program, ...]:
        common = self.common()
        template = self.template(common.numprocs)
        self.options.know(*_EACH, *KEYS)
        # Names met on the way stay known to the processes that follow, the section's own variables with them.
        self.options.names = dict(self.options.names)
        numbers = range(common.numprocs_start, common.numprocs_start + common.numprocs)
        found = [self.program(number, common, template) for number in numbers]
        return tuple(sorted((one for one in found if one), key=lambda one: (one.priority, one.name)))

    def common(self) -> Program:
        """Read what all processes of the section share; the rest of the program is empty."""
        get = self.options.get
        stop_as_group = get("stopasgroup", boolean, default=False)
        kill_as_group = get("killasgroup", boolean, default=stop_as_group)
        if stop_as_group and not kill_as_group:
            self.options.error(
                "killasgroup",
                "stopasgroup=true and killasgroup=false contradict each other: who is told as a group is "
                "killed as one; remove killasgroup",
            )
        account = get("user", self.local.user, None)
        server = self.options.text("serverurl")
        return Program(
            section=self.options.name,
            program=self.label,
            name="",
            command="",
            place=self.options.place,
            numprocs=get("numprocs", _processes, 1),
            numprocs_start=get("numprocs_start", whole, 0),
            priority=get("priority", whole, 999),
            autostart=get("autostart", boolean, default=True),
            autorestart=get("autorestart", auto_restart, Autorestart.UNEXPECTED),
            startsecs=get("startsecs", whole, 1),
            startretries=get("startretries", whole, 3),
            stopsignal=get("stopsignal", signal_number, 15),
            stopwaitsecs=get("stopwaitsecs", whole, 10),
            stopasgroup=stop_as_group,
            killasgroup=kill_as_group,
            exitcodes=get("exitcodes", exit_codes, (0,)),
            redirect_stderr=get("redirect_stderr", boolean, default=False),
            stdout=self.watched("stdout"),
            stderr=self.watched("stderr"),
            user=self.options.text("user"),
            uid=account[0] if account else None,
            umask=get("umask", octal, None),
            serverurl=None if server and server.strip().upper() == "AUTO" else server,
        )

    def template(self, count: int) -> str:
        """Return process_name, not yet expanded; that it is a name is asked before its expansion."""
        written = self.options.raw("process_name", "%(program_name)s")
        try:
            written = name(written)
        except ValueError as error:
            self.options.error("process_name", f"process_name={written!r} {error}")
        if count > 1 and _PROCESS_NUMBER not in written:
            self.options.error(
                "process_name" if self.options.find("process_name") else "numprocs",
                f"numprocs={count} gives {count} processes the name {written!r}: write "
                "process_name=%(program_name)s_%(process_num)02d",
            )
        return written

    def program(self, number: int, common: Program, template: str) -> Program | None:
        """Read one process; None where that is not possible."""
        names = self.options.names
        names.update({"process_num": number, "numprocs": common.numprocs, **self.source.variables})
        environment = self.options.get("environment", pairs, {})
        names.update({f"ENV_{variable}": value for variable, value in environment.items()})
        stdout, stderr = self.output("stdout", common.stdout), self.output("stderr", common.stderr)
        if common.redirect_stderr:
            stderr = self.redirected(stderr)
        command = self.options.text("command")
        if command is None:
            if not self.options.find("command"):
                self.options.error("command", "has no command: write command=/path/to/program and arguments")
            return None
        try:
            process_name = expand(template, self.source.variables | names)
        except ValueError as error:
            self.options.error("process_name", f"process_name={template!r} {error}")
            return None
        program = replace(
            common,
            process_num=number,
            name=process_name,
            command=command,
            words=self.words(command),
            directory=self.options.text("directory"),
            stdout=stdout,
            stderr=stderr,
            environment=environment,
        )
        return replace(program, own=own_of(program, self.options))

    def words(self, command: str) -> tuple[str, ...]:
        """Split a command; one that cannot be split is no error of the file but of each start."""
        try:
            # shlex takes a hundred times as long for the same.
            words = tuple(command.split() if PLAIN.fullmatch(command) else shlex.split(command))
        except ValueError as error:
            option = self.options.find("command")
            cut = f"; {option.comment!r} was taken for a comment" if option and option.comment else ""
            why = f"it cannot be split into words ({error}){cut}"
        else:
            if words:
                return words
            why = "it is empty"
        self.options.warn("command", f"command={command!r} will never start: {why}; correct the command")
        return ()

    def watched(self, stream: str) -> Output:
        """Read of a stream what does not hold the number of a process."""
        return Output(
            capture_maxbytes=self.options.get(f"{stream}_capture_maxbytes", byte_size, 0),
            events_enabled=self.options.get(f"{stream}_events_enabled", boolean, default=False),
        )

    def output(self, stream: str, watched: Output) -> Output:
        """Read where a stream goes."""
        get = self.options.get
        logfile = get(f"{stream}_logfile", self.local.logfile, Logfile.AUTO, again=self.options.names)
        most = get(f"{stream}_logfile_maxbytes", byte_size, 50 * 1024 * 1024)
        syslog = get(f"{stream}_syslog", boolean, default=False)
        if logfile == "syslog":
            self.options.warn(f"{stream}_logfile", f"{stream}_logfile=syslog is deprecated")
            logfile, syslog = None, True
        if logfile is Logfile.AUTO and not most:
            self.options.warn(
                f"{stream}_logfile_maxbytes",
                f"{stream}_logfile is a new file that grows without end: set {stream}_logfile_maxbytes, or "
                f"write {stream}_logfile=/dev/{stream}",
            )
        return replace(
            watched,
            logfile=logfile,
            logfile_maxbytes=most,
            logfile_backups=get(f"{stream}_logfile_backups", whole, 10),
            syslog=syslog,
        )

    def redirected(self, stderr: Output) -> Output:
        """Return what is left of stderr's options where it goes with stdout."""
        if stderr.logfile not in {Logfile.AUTO, None}:
            self.options.warn(
                "stderr_logfile",
                "stderr_logfile is not used because of redirect_stderr=true: remove one of the two",
            )
        return replace(stderr, logfile=None)
