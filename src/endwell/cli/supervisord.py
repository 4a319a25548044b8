"""`endwell supervisord`: supervisord's command line, performed by endwell."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING, Any

from endwell.cli.supervisor.options import (
    USAGE_ERROR,
    Line,
    Option,
    UsageError,
    called,
    complaint,
    describe,
    page,
    read_line,
)
from endwell.parse.supervisord.types import byte_size, log_level, octal, whole

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from endwell.model.supervisord import Supervisord
    from endwell.parse.project import ProjectFile
    from endwell.supervise.own_log import Level, OwnLog
    from endwell.system.daemon import Daemon

HEAD = """\
usage: {program} [options]

Runs the programs of a supervisord.conf, as supervisord does; without -n, in the background."""

FOOT = """\
What differs from supervisord: as PID 1 of a container it stays in the foreground, with or without -n,
because the container ends when PID 1 does; and groups of one priority are stopped together, not one after
another.

exit status: 0 it has ended as it was told; 2 the words or the file make no sense"""


def existing_directory(value: str) -> str:
    """Take a directory that is there.

    Raises:
        ValueError: it is not.
    """
    path = os.path.expanduser(value)  # noqa: PTH111  pathlib brings urllib along, into PID 1
    if not os.path.isdir(path):  # noqa: PTH112  likewise
        raise ValueError(f"{value} is not an existing directory")
    return path


def existing_place(value: str) -> str:
    """Take a path whose directory is there.

    Raises:
        ValueError: it is not.
    """
    path = os.path.expanduser(value)  # noqa: PTH111  pathlib brings urllib along, into PID 1
    directory = os.path.dirname(path)  # noqa: PTH120  likewise
    if directory and not os.path.isdir(directory):  # noqa: PTH112  likewise
        raise ValueError(f"The directory named as part of the path {value} does not exist")
    return path


OPTIONS = (
    Option("configuration", "c", "configuration", "FILE", "the configuration (default: it is looked for)"),
    Option("nodaemon", "n", "nodaemon", "", "stay in the foreground"),
    Option("silent", "s", "silent", "", "with -n: no log on stdout"),
    Option("help", "h", "help", "", "show this page"),
    Option("help", "?", "", "", "show this page"),
    Option("version", "v", "version", "", "show which supervisord's behavior is kept"),
    Option("user", "u", "user", "USER", "become this user, by name or number"),
    Option("umask", "m", "umask", "MASK", "in the background: the umask (default 022)", octal),
    Option(
        "directory", "d", "directory", "DIRECTORY", "in the background: where it works", existing_directory
    ),
    Option("logfile", "l", "logfile", "FILE", "its own log (default supervisord.log)", existing_place),
    Option(
        "logfile_maxbytes",
        "y",
        "logfile_maxbytes",
        "BYTES",
        "its size, at which it is put aside (50MB)",
        byte_size,
    ),
    Option("logfile_backups", "z", "logfile_backups", "NUMBER", "how many of those are kept (10)", whole),
    Option(
        "loglevel", "e", "loglevel", "LEVEL", "debug, info, warn, error or critical (default info)", log_level
    ),
    Option("pidfile", "j", "pidfile", "FILE", "its number (default supervisord.pid)", existing_place),
    Option("identifier", "i", "identifier", "NAME", "its name, for clients (default supervisor)"),
    Option("childlogdir", "q", "childlogdir", "DIRECTORY", "where AUTO log files are", existing_directory),
    Option("nocleanup", "k", "nocleanup", "", "leave the AUTO log files of an earlier run alone"),
    Option("minfds", "a", "minfds", "NUMBER", "open files it and each program may have (1024)", whole),
    Option("strip_ansi", "t", "strip_ansi", "", "leave escape sequences out of log files"),
    Option("minprocs", "", "minprocs", "NUMBER", "processes its user may have (200)", whole),
    Option("profile_options", "", "profile_options", "LIST", "not done here"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the options for completion; the page of help is `-h`'s."""
    describe(OPTIONS, parser)


def forward(words: Sequence[str]) -> int:
    """Do what the words say; returns the exit status."""
    program = called("supervisord")
    try:
        line = read_line(words, OPTIONS)
        if "help" in line.values:
            sys.stdout.write(page(HEAD.format(program=program), OPTIONS, FOOT))
            return 0
        if "version" in line.values:
            from endwell.gateway.general import SUPERVISOR_VERSION  # noqa: PLC0415  for this only

            sys.stdout.write(f"{SUPERVISOR_VERSION}\n")
            return 0
        from endwell.system.held import hold  # noqa: PLC0415  -h needs none of it

        hold()
        gc.disable()  # both as `endwell up` does
        return start(line)
    except UsageError as error:
        sys.stderr.write(complaint(str(error), program))
        return USAGE_ERROR
    finally:
        gc.enable()


def start(line: Line) -> int:
    """Run the programs; returns the exit status.

    Raises:
        UsageError: they cannot be run as the file and the command line want it.
    """
    from endwell.cli.supervisor.settings import Rereader, find_file  # noqa: PLC0415  -h needs none of it
    from endwell.cli.under_init import VARIABLE, become_init, is_wanted, place  # noqa: PLC0415
    from endwell.supervise.account import KILLED  # noqa: PLC0415
    from endwell.supervise.manner import AsSupervisord  # noqa: PLC0415
    from endwell.supervise.session import Wishes, run  # noqa: PLC0415

    if line.words:
        raise UsageError(f"positional arguments are not supported: {line.words}")
    values = line.values
    path = values.get("configuration") or find_file()
    as_init = is_wanted(None)
    if as_init or VARIABLE in os.environ or os.getpid() == 1:
        values["nodaemon"] = True  # in the background there would be no container any more
    here = place("")
    read = Rereader(path, values, here.shortened)
    if as_init:
        become_init(read.first.project.grace, called("supervisord"))
    settings = read.settings
    log = _prepare(read.file, settings, values)
    sys.stdout.flush()
    daemon = None if settings.nodaemon else _go_to_background(settings, log)
    wishes = Wishes(read=read, last_plan=here.last_plan, identifier=settings.identifier)
    status = run(read.first.project, wishes, AsSupervisord(log, settings.pidfile, daemon))
    # supervisord says nothing by its exit status; only who asks for more in the file gets it.
    return 0 if status == KILLED and settings.exit_when is None else status


def _prepare(file: ProjectFile, settings: Supervisord, values: Mapping[str, Any]) -> OwnLog:
    """Be what the settings want; return the log, in which all of that is written."""
    from endwell.cli.supervisor import privileges, standing  # noqa: PLC0415  -h needs none of it
    from endwell.supervise.own_log import Level  # noqa: PLC0415

    lines = [*_doubts(file, settings, named="configuration" in values)]
    lines += [
        *standing.raise_limits(settings),
        *privileges.stay_able(settings),
        standing.become_user(settings),
    ]
    explicit = os.path.basename(settings.logfile) != "supervisord.log" or "logfile" in values  # noqa: PTH119  pathlib is heavy
    log, further = standing.own_log(settings, explicit=explicit)
    lines += further
    lines += [(Level.WARN, str(one)) for one in file.warnings]
    lines += [(Level.INFO, f'Included extra file "{one}" during parsing') for one in file.files[1:]]
    if "profile_options" in values:
        lines.append((Level.WARN, "--profile_options is not done: nothing is measured"))
    lines += standing.clear_child_logs(settings)
    for level, message in sorted(lines, key=lambda one: -one[0]):
        log.write(level, message)
    return log


def _doubts(file: ProjectFile, settings: Supervisord, *, named: bool) -> Iterator[tuple[Level, str]]:
    from endwell.cli.opening import does_not_fit, too_long  # noqa: PLC0415  likewise
    from endwell.machine.order import order  # noqa: PLC0415  likewise
    from endwell.supervise.own_log import Level  # noqa: PLC0415  likewise

    if os.getuid() == 0 and not named:
        # Whoever can write into the directory in which root starts it would be root.
        yield Level.WARN, f"Running as root with a file that was found by searching, {file.path}: say -c FILE"
    if settings.grace is None:
        return  # then there is as much as the programs ask for
    schedule = too_long(file, file.project, order(file.project))
    if schedule is not None:
        yield Level.WARN, does_not_fit(schedule, f"endwell plan {file.path}")


def _go_to_background(settings: Supervisord, log: OwnLog) -> Daemon:
    from endwell.supervise.own_log import Level  # noqa: PLC0415  likewise
    from endwell.system.daemon import daemonize  # noqa: PLC0415

    try:
        daemon = daemonize(settings.directory, settings.umask)
    except OSError as error:
        raise UsageError(f"cannot go to the background: {error.strerror}; use -n") from None
    log.write(Level.INFO, "daemonizing the supervisord process")
    if settings.directory:
        log.write(Level.INFO, f"set current directory: {settings.directory!r}")
    return daemon
