"""What a supervisor imports late, imported early if it is about to become somebody who could not read it.

At rest it is lean: what a client, a reload or a mistake needs is imported when the first one comes. With
`user=` that is another user's import, and endwell may lie where only root can look: in root's own virtual
environment, for example. Then all of it is imported before, which takes some megabytes. Only the gateway,
a process of its own, cannot be had in this way.
"""

# pathlib brings urllib along, which has no place in PID 1.
# ruff: noqa: PTH120, PTH123

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING

import endwell
from endwell.supervise.own_log import Level
from endwell.system.users import identify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from endwell.model.supervisord import Supervisord

# All that a running supervisor imports within functions; a test looks for more.
LATE = (
    "difflib",
    "encodings.idna",  # by name, for the addresses of servers
    "endwell.supervise.control.desk",
    "endwell.supervise.control.server",
    "endwell.supervise.control.table",
    "endwell.supervise.doors",
    "endwell.supervise.listeners",
    "endwell.system.daemon",
    "endwell.system.shared_socket",
    "glob",
    "grp",
    "json",
    "pwd",
    "socket",
    "zlib",
)


def stay_able(settings: Supervisord) -> Iterator[tuple[Level, str]]:
    """Import what the user of the settings could not import later; yield what there is to say."""
    if settings.uid is None or settings.uid == os.getuid() or os.getuid():
        return
    where = _unreadable(str(settings.uid))
    if not where:
        return
    for name in LATE:
        importlib.import_module(name)
    servers = settings.inet_servers or settings.unix_servers
    if servers:
        why = f"user {settings.user} cannot read {where}: clients of [{servers[0].section}] cannot be served"
        yield Level.WARN, f"{why}; let everybody read it, or install endwell elsewhere"


def _unreadable(user: str) -> str:
    """Return what of us a user cannot read; empty if there is nothing, or we cannot be that user."""
    uid, gid, groups = identify(user)
    own_groups, own_group = os.getgroups(), os.getegid()
    try:
        os.setgroups(groups)
        os.setegid(gid)
        os.seteuid(uid)
    except OSError:
        return ""  # whoever really becomes that user says why
    try:
        for path in (endwell.__file__, os.__file__, sys.executable):
            try:
                with open(path, "rb"):
                    pass
            except OSError:
                return os.path.dirname(path)
        return ""
    finally:
        os.seteuid(0)
        os.setegid(own_group)
        os.setgroups(own_groups)
