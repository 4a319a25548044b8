"""What supervisord makes of itself before it starts anything: its limits, its user, its log."""

# pathlib brings urllib along, which has no place in PID 1.
# ruff: noqa: PTH108, PTH118, PTH208

from __future__ import annotations

import os
import re
import resource
from typing import TYPE_CHECKING

from endwell.cli.supervisor.options import UsageError
from endwell.supervise.own_log import Level, OwnLog
from endwell.supervise.voice import Voice
from endwell.system.users import identify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.model.supervisord import Supervisord

Line = tuple[Level, str]

_SYSLOG = "syslog"
_AS_ROOT = (
    "Supervisor is running as root.  Privileges were not dropped because no user is specified in the config "
    "file.  Say user=root there if that is what you want."
)
# What stands for our own outputs, and which of them.
_OWN = {
    place.format(name=name, number=number): number
    for name, number in (("stdout", 1), ("stderr", 2))
    for place in ("/dev/{name}", "/dev/fd/{number}", "/proc/self/fd/{number}", "/proc/1/fd/{number}")
}
_LIMITS = (
    ("minfds", resource.RLIMIT_NOFILE, "RLIMIT_NOFILE", "open files"),
    ("minprocs", resource.RLIMIT_NPROC, "RLIMIT_NPROC", "processes"),
)


def raise_limits(settings: Supervisord) -> Iterator[Line]:
    """Raise our soft limits, and so those of programs, to minfds and minprocs.

    Raises:
        UsageError: the hard limit is below, and we may not raise it.
    """
    for option, number, name, what in _LIMITS:
        wanted = getattr(settings, option)
        soft, hard = resource.getrlimit(number)
        if soft >= wanted or soft == resource.RLIM_INFINITY:
            continue
        higher = hard if hard >= wanted or hard == resource.RLIM_INFINITY else wanted
        try:
            resource.setrlimit(number, (wanted, higher))
        except (OSError, ValueError):
            raise UsageError(
                f"{option} asks for {wanted} {what}, and the limit is {hard}: raise the limit (docker run "
                f"--ulimit), or lower {option} in [supervisord]"
            ) from None
        yield Level.INFO, f"Increased {name} limit to {wanted}"


def become_user(settings: Supervisord) -> Line:
    """Become the user that the file or the command line names.

    Raises:
        UsageError: we may not.
    """
    own = os.getuid()
    if settings.uid is None:
        if own:
            return Level.DEBG, f"running as user {own}"
        return Level.CRIT, _AS_ROOT
    if settings.uid != own:
        if own:
            raise UsageError("Can't drop privilege as nonroot user")
        uid, gid, groups = identify(str(settings.uid))
        try:
            os.setgroups(groups)
            os.setgid(gid)
            os.setuid(uid)
        except OSError as error:
            raise UsageError(f"cannot become user {settings.user}: {error.strerror}") from None
    return Level.INFO, f"Set uid to user {settings.uid} succeeded"


def own_log(settings: Supervisord, *, explicit: bool) -> tuple[OwnLog, list[Line]]:
    """Open the supervisor's own log; return it with what there is to say about that.

    Args:
        settings: of the file and the command line.
        explicit: whether somebody has named its file.

    Raises:
        UsageError: the file that was named cannot be opened.
    """
    path, lines = settings.logfile, []
    numbers = {1} if settings.nodaemon and not settings.silent else set()
    if path in _OWN:
        # Named beside nodaemon, it would have every line twice.
        numbers.add(_OWN[path])
    elif path == _SYSLOG:
        numbers.add(1)
        lines.append((Level.WARN, "logfile=syslog is not done: the log goes to stdout; name a file"))
    file = "" if path in {*_OWN, _SYSLOG, os.devnull} else path
    voices = tuple(Voice(number, "") for number in sorted(numbers))
    size, keep = settings.logfile_maxbytes, max(settings.logfile_backups, 0)
    log = OwnLog(file, settings.loglevel, size=size, keep=keep, voices=voices)
    try:
        log.open()
    except OSError as error:
        problem = f"cannot open logfile {file}: {error.strerror}"
        if explicit:
            raise UsageError(f"{problem}; name another one with logfile or -l") from None
        lines.append((Level.WARN, f"{problem}; it is left out, logfile=/dev/null says so"))
    return log, lines


def clear_child_logs(settings: Supervisord) -> Iterator[Line]:
    """Remove the AUTO log files that an earlier run has left; say which cannot be."""
    if settings.nocleanup or not settings.childlogdir:
        return
    mine = re.compile(rf".+?---{re.escape(settings.identifier)}(-\S+)?\.log(\.[0-9]{{1,4}}(\.gz)?)?")
    try:
        names = os.listdir(settings.childlogdir)
    except OSError:
        yield Level.WARN, "Could not clear childlog dir"
        return
    left = []
    for name in filter(mine.fullmatch, names):
        try:
            os.unlink(os.path.join(settings.childlogdir, name))
        except OSError:
            left.append(name)
    if left:
        others = f" and {len(left) - 1} others" if left[1:] else ""
        yield Level.WARN, f"Failed to clean up {left[0]!r}{others} in {settings.childlogdir}"
