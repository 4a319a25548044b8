"""Where the supervisor listens for its clients."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from endwell.model.control import NO_SOCKET, VARIABLE, places
from endwell.system.listening import Listening

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TAKEN = "somebody listens there already"
_IN_THE_WAY = "there is a file already that is no socket"


class UnusableError(Exception):
    """There can be no socket where one was asked for; says why, in one line."""


def open_listening(
    wanted: str, environment: Mapping[str, str], say: Callable[[str], None]
) -> Listening | None:
    """Listen where somebody wants it, or else at the first of the usual places where that can be.

    One that is taken by another supervisor is not passed over in silence: clients would find that one.

    Args:
        wanted: a place; `none` for nowhere; empty: nobody has said.
        environment: ours.
        say: told why there is none, if nobody has asked for one.

    Raises:
        UnusableError: somebody has asked for one, and it cannot be made.
    """
    wanted = wanted or environment.get(VARIABLE, "")
    if wanted == NO_SOCKET:
        return None
    if wanted:
        try:
            return Listening(wanted)
        except (OSError, ValueError) as error:
            raise UnusableError(_why(wanted, error)) from None
    for place in places(os.getuid(), environment):
        try:
            return Listening(place)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and not _is_foreign(place):
                say(f"{_why(place, error)}; going on without")
                return None
    say("cannot listen for clients at any of the usual places: name one with --socket")
    return None


def _is_foreign(place: str) -> bool:
    """Whether a file belongs to another user, who may put what he likes in a place that all may write to."""
    try:
        return os.lstat(place).st_uid != os.geteuid()
    except OSError:
        return False


def _is_other_file(place: str) -> bool:
    try:
        return not stat.S_ISSOCK(os.lstat(place).st_mode)
    except OSError:
        return False


def _why(place: str, error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        what = _IN_THE_WAY if _is_other_file(place) else _TAKEN
        return f"cannot listen for clients at {place}: {what}: name another place with --socket, or `none`"
    why = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return f"cannot listen for clients at {place}: {why}; name another place with --socket, or `none`"
