"""The types whose values have to exist where the file is read: users, groups, directories."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from endwell.model.supervisord import Logfile

if TYPE_CHECKING:
    from endwell.parse.supervisord.surroundings import Surroundings


class Local:
    """From text to value, or ValueError with why and what to do instead.

    Args:
        surroundings: what is there.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings

    def user(self, value: str) -> tuple[int, int]:
        """Read the name or number of a user to its own number and its group's."""
        found = self.surroundings.user(_name_or_number(value))
        if found is None:
            raise ValueError("is not a user here: create it first, or correct the name")
        return found

    def group(self, value: str) -> int:
        """Read the name or number of a group to its number."""
        found = self.surroundings.group(_name_or_number(value))
        if found is None:
            raise ValueError("has a group that is not there: create it first, or correct the name")
        return found

    def owner(self, value: str) -> tuple[int, int]:
        """Read USER or USER:GROUP to numbers; -1 is no group."""
        user, colon, group = value.partition(":")
        return self.user(user)[0], self.group(group) if colon else -1

    def directory(self, value: str) -> str:
        """Read the path of a directory that is there."""
        path = self.surroundings.expand_user(value)
        if not self.surroundings.is_directory(path):
            raise ValueError(
                "is not a directory that exists: create it first (mkdir -p), or correct the path"
            )
        return path

    def path(self, value: str) -> str:
        """Read the path of a file whose directory is there."""
        path = self.surroundings.expand_user(value)
        above = posixpath.dirname(path)
        if above and not self.surroundings.is_directory(above):
            raise ValueError(
                f"is in a directory that does not exist: create {above} first (mkdir -p), or correct the path"
            )
        return path

    def logfile(self, value: str) -> str | Logfile | None:
        """Read a log file's path, AUTO for a new file, or NONE or `off` for none; `syslog` stays a word."""
        words: dict[str, str | Logfile | None] = {
            "none": None,
            "off": None,
            "auto": Logfile.AUTO,
            "syslog": "syslog",
        }
        lower = value.lower()
        return words[lower] if lower in words else self.path(value)


def _name_or_number(value: str) -> str | int:
    try:
        return int(value)
    except ValueError:
        return value
