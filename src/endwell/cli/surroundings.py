"""This machine, as a file of services is read on it.

Who reads it may become the supervisor, which keeps what was imported: what is seldom needed is imported then.
"""

# pathlib brings urllib along, which has no place in PID 1.
# ruff: noqa: PTH109, PTH123, PTH207

from __future__ import annotations

import os

from endwell.parse.supervisord import Surroundings


def surroundings() -> Surroundings:
    """Return this machine: its files, users and groups, and our own environment."""
    return Surroundings(
        read=_read,
        glob=_glob,
        is_directory=os.path.isdir,
        expand_user=os.path.expanduser,
        user=_user,
        group=_group,
        environment=os.environ,
        node=os.uname().nodename,
        directory=_directory(),
        temporary=_temporary(),
        uid=os.getuid(),
    )


def _directory() -> str:
    """Return where we are; in one that was removed, no relative path leads anywhere."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return "/"


def _read(path: str) -> str:
    with open(path, "rb") as file:
        return file.read().decode("utf-8")


def _glob(pattern: str) -> list[str]:
    import glob  # noqa: PLC0415  see above

    return glob.glob(pattern)


def _user(name: str | int) -> tuple[int, int] | None:
    import pwd  # noqa: PLC0415  see above

    try:
        found = pwd.getpwuid(name) if isinstance(name, int) else pwd.getpwnam(name)
    except (KeyError, OverflowError, ValueError):
        return None
    return found.pw_uid, found.pw_gid


def _group(name: str | int) -> int | None:
    import grp  # noqa: PLC0415  see above

    try:
        return (grp.getgrgid(name) if isinstance(name, int) else grp.getgrnam(name)).gr_gid
    except (KeyError, OverflowError, ValueError):
        return None


def _temporary() -> str | None:
    """Return the first usable of the directories that Python's tempfile tries, without trying to write."""
    places = (os.environ.get(name, "") for name in ("TMPDIR", "TEMP", "TMP"))
    candidates = (*places, "/tmp", "/var/tmp", "/usr/tmp", _directory())  # noqa: S108  nothing is put there under a known name
    return next((one for one in candidates if one and os.access(one, os.W_OK | os.X_OK)), None)
