"""What a supervisord.conf says something about, as seen from the reader: files, users, variables.

Reading such a file asks whether directories and users exist. This package asks nobody itself: what it needs
to know is an argument, so that a file can also be read on another machine than that on which it is used.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where a file is read.

    Args:
        read: a path to its text; raises OSError, or UnicodeError where it is no text.
        glob: a pattern to the paths it matches, as Python's glob.glob does.
        is_directory: whether a path is one.
        expand_user: a path to the same with a leading `~` replaced.
        user: a name or number to the numbers of the user and of its group; None: there is no such user.
        group: a name or number to its number; None: there is no such group.
        environment: what %(ENV_x)s stands for.
        node: the host's name, which %(host_node_name)s stands for.
        directory: the current one, absolute.
        temporary: where temporary files go; None: there is no directory to write to.
        uid: the number of the user who reads.
    """

    read: Callable[[str], str]
    glob: Callable[[str], Iterable[str]]
    is_directory: Callable[[str], bool]
    expand_user: Callable[[str], str]
    user: Callable[[str | int], tuple[int, int] | None]
    group: Callable[[str | int], int | None]
    environment: Mapping[str, str]
    node: str
    directory: str
    temporary: str | None
    uid: int

    def absolute(self, path: str) -> str:
        """Return a path as seen from the root, without `.` and `..`."""
        return posixpath.normpath(posixpath.join(self.directory, path))

    def normal(self, path: str) -> str:
        """Return the same, a leading `~` replaced first."""
        return self.absolute(self.expand_user(path))
