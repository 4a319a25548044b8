"""This machine, as a file of services is read on it."""

from __future__ import annotations

import glob
import grp
import os
import pwd
from pathlib import Path

from endwell.parse.supervisord import Surroundings


def surroundings() -> Surroundings:
    """Return this machine: its files, users and groups, and our own environment."""
    return Surroundings(
        read=lambda path: Path(path).read_bytes().decode("utf-8"),
        glob=glob.glob,
        is_directory=os.path.isdir,
        expand_user=os.path.expanduser,
        user=_user,
        group=_group,
        environment=os.environ,
        node=os.uname().nodename,
        directory=str(Path.cwd()),
        temporary=_temporary(),
        uid=os.getuid(),
    )


def _user(name: str | int) -> tuple[int, int] | None:
    try:
        found = pwd.getpwuid(name) if isinstance(name, int) else pwd.getpwnam(name)
    except (KeyError, OverflowError, ValueError):
        return None
    return found.pw_uid, found.pw_gid


def _group(name: str | int) -> int | None:
    try:
        return (grp.getgrgid(name) if isinstance(name, int) else grp.getgrnam(name)).gr_gid
    except (KeyError, OverflowError, ValueError):
        return None


def _temporary() -> str | None:
    """Return the first usable of the directories that Python's tempfile tries, without trying to write."""
    places = (os.environ.get(name, "") for name in ("TMPDIR", "TEMP", "TMP"))
    candidates = (*places, "/tmp", "/var/tmp", "/usr/tmp", str(Path.cwd()))  # noqa: S108  nothing is put there under a known name
    return next((one for one in candidates if one and os.access(one, os.W_OK | os.X_OK)), None)
