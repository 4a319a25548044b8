"""How many files we may have open: as many as the hard limit allows while we watch, for a pidfd a process.

What we start is to find the limit it would have found without us, so `give_back` is called in each of them
before its exec.
"""

from __future__ import annotations

import resource
from contextlib import suppress

_found: list[tuple[int, int]] = []


def raise_open_files() -> None:
    """Raise the soft limit of open files to the hard one; may be nested, each with a `restore_open_files`."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    _found.append(limits)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))


def open_files() -> int:
    """Return how many files we may have open now."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def restore_open_files() -> None:
    """Undo the last `raise_open_files`."""
    limits = _found.pop()
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def give_back() -> None:
    """Take the limit that we had at first."""
    if _found:
        resource.setrlimit(resource.RLIMIT_NOFILE, _found[0])
