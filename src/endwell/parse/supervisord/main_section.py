"""The [supervisord] section."""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.supervisord import Supervisord
from endwell.parse.supervisord.local import Local
from endwell.parse.supervisord.own import MAIN
from endwell.parse.supervisord.types import boolean, byte_size, log_level, octal, pairs, text, whole

if TYPE_CHECKING:
    from endwell.parse.supervisord.reading import Source

_SYSLOG = "syslog"


def main_section(source: Source) -> tuple[Supervisord, dict[str, str]]:
    """Read [supervisord]; from then on what it has in `environment` is known to all sections as %(ENV_x)s.

    Args:
        source: the configuration.

    Returns:
        The section without what other sections say, and its environment.
    """
    options = source.section(MAIN, here=source.here)
    local, surroundings = Local(source.surroundings), source.surroundings
    get = options.get
    account = get("user", local.user, None)
    logfile = get("logfile", local.path, "supervisord.log")
    read = Supervisord(
        logfile=logfile if logfile == _SYSLOG else surroundings.normal(logfile),
        logfile_maxbytes=get("logfile_maxbytes", byte_size, 50 * 1024 * 1024),
        logfile_backups=get("logfile_backups", whole, 10),
        loglevel=get("loglevel", log_level, 20),
        pidfile=surroundings.normal(get("pidfile", local.path, "supervisord.pid")),
        umask=get("umask", octal, 0o022),
        nodaemon=get("nodaemon", boolean, default=False),
        silent=get("silent", boolean, default=False),
        minfds=get("minfds", whole, 1024),
        minprocs=get("minprocs", whole, 200),
        nocleanup=get("nocleanup", boolean, default=False),
        childlogdir=get("childlogdir", local.directory, surroundings.temporary or ""),
        user=options.text("user"),
        uid=account[0] if account else None,
        gid=account[1] if account else None,
        directory=get("directory", local.directory, None),
        strip_ansi=get("strip_ansi", boolean, default=False),
        identifier=get("identifier", text, "supervisor"),
    )
    again = {"here": source.here, "host_node_name": surroundings.node}
    environment = get("environment", pairs, {}, again=again)
    source.variables |= {f"ENV_{name}": value for name, value in environment.items()}
    return read, environment
