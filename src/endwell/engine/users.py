"""Who a container runs as, read as `docker run --user` reads it: names and numbers, of this machine."""

from __future__ import annotations

import grp
import os
import pwd

from endwell.engine.protocol import EngineError

Identity = tuple[int, int, tuple[int, ...]]


def identify(user: str) -> Identity:
    """Return the user's number, its group's, and its further groups'.

    Args:
        user: `NAME`, `NUMBER`, `NAME:GROUP`: a number needs no entry in /etc/passwd. With a group of its own
            there are no further ones.

    Raises:
        EngineError: there is no user or group of that name.
    """
    name, _, group_name = user.partition(":")
    entry = _user(name or "0")
    number = int(name or 0) if entry is None else entry.pw_uid
    if group_name:
        return number, _group(group_name), ()
    if entry is None:
        return number, 0, ()
    groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
    return number, entry.pw_gid, tuple(groups)


def home_of(user: str) -> str:
    """Return the user's home directory, `/` where there is none."""
    entry = _user(user.partition(":")[0] or "0")
    return "/" if entry is None else entry.pw_dir or "/"


def _user(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name)
    except (KeyError, OverflowError) as error:
        if name.isdecimal() and int(name) < 1 << 32:
            return None
        raise EngineError(f"cannot run as user {name!r}: /etc/passwd has none; use a number") from error


def _group(name: str) -> int:
    try:
        return int(name) if name.isdecimal() else grp.getgrnam(name).gr_gid
    except KeyError as error:
        raise EngineError(f"cannot run as group {name!r}: /etc/group has none; use a number") from error
