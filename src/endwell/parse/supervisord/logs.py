"""Where a stream of a program goes, in our words.

In containers `stdout_logfile=/dev/stdout` with `stdout_logfile_maxbytes=0` is the way to say "the container's
own output". Whatever the size, it is taken for that here: supervisord stumbles where it cannot be rotated.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from endwell.model.service import Log, Prefix, Rotation, Stream, WhenBlocked
from endwell.model.supervisord import Logfile
from endwell.records import replace

if TYPE_CHECKING:
    from endwell.model.supervisord import Output, Program, Supervisord

STREAMS = {"stdout": 1, "stderr": 2}
_PLACES = ("/dev/{name}", "/dev/fd/{number}", "/proc/self/fd/{number}", "/proc/1/fd/{number}")
CONTAINER = {
    place.format(name=name, number=number): name for name, number in STREAMS.items() for place in _PLACES
}


def log_of(stream: str, output: Output, program: Program, supervisord: Supervisord) -> Log:
    """Return where a stream goes.

    Args:
        stream: stdout or stderr.
        output: what the section says about it.
        program: whose it is.
        supervisord: for childlogdir and the identifier in the names of AUTO files, and for strip_ansi.
    """
    log = _place(stream, output, program, supervisord)
    return replace(
        log,
        strip_ansi=supervisord.strip_ansi,
        events=output.events_enabled,
        capture=max(output.capture_maxbytes, 0),
    )


def _place(stream: str, output: Output, program: Program, supervisord: Supervisord) -> Log:
    own = program.own
    prefix, blocked = own.prefix or Prefix.NONE, own.when_blocked or WhenBlocked.BLOCK
    path = output.logfile
    temporary = path is Logfile.AUTO and bool(supervisord.childlogdir)
    if path is Logfile.AUTO:
        # Without a directory to write to, the output is better shown than lost.
        path = automatic(stream, program.name, supervisord) if supervisord.childlogdir else f"/dev/{stream}"
    if not path:
        if not output.syslog:
            return Log(discard=True)
        path = f"/dev/{stream}"
    if other := CONTAINER.get(path):
        place = None if other == stream else Stream(other)
        return Log(prefix=prefix, when_blocked=blocked, stream=place)
    rotation = Rotation(
        size=output.logfile_maxbytes if output.logfile_maxbytes > 0 else None,
        every=own.rotate_every,
        keep=max(output.logfile_backups, 0),
        compress=own.compress,
    )
    return Log(path=path, prefix=prefix, rotation=rotation, when_blocked=blocked, temporary=temporary)


def automatic(stream: str, name: str, supervisord: Supervisord) -> str:
    """Return the path of an AUTO log file: supervisord's, without the characters it adds at random."""
    return posixpath.join(supervisord.childlogdir, f"{name}-{stream}---{supervisord.identifier}.log")
