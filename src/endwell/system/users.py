"""Users and groups of this machine, by name or number."""

from __future__ import annotations

import os

_NOBODY = 2**32 - 1  # means to leave it as it is
_DIGITS = 10

Identity = tuple[int, int, tuple[int, ...]]


def identify(text: str) -> Identity:
    """Return the numbers of a user, of its group, and of its further groups.

    Args:
        text: `NAME`, `NUMBER`, `NAME:GROUP`; with a group of its own there are no further ones. A number
            needs no entry in /etc/passwd, and has group 0 then, as with `docker run --user`.

    Raises:
        LookupError: there is no user or group of that name.
    """
    import grp  # noqa: PLC0415  only who changes users needs them
    import pwd  # noqa: PLC0415

    name, colon, group = text.partition(":")
    for one in (name, group):
        if one.isdecimal() and (len(one) > _DIGITS or int(one) >= _NOBODY):
            raise LookupError(f"{one} is no number of a user or group: use one below {_NOBODY}")
    try:
        entry = pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name)
    except KeyError:
        if not name.isdecimal():
            raise LookupError(f"there is no user {name!r}: create it, or use a number") from None
        entry = None
    number = int(name) if entry is None else entry.pw_uid
    if colon:
        try:
            gid = int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid
        except KeyError:
            raise LookupError(f"there is no group {group!r}: create it, or use a number") from None
        return number, gid, ()
    if entry is None:
        return number, 0, ()
    return number, entry.pw_gid, tuple(os.getgrouplist(entry.pw_name, entry.pw_gid))
