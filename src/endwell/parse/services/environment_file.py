"""An env-file, in Docker's grammar: NAME=value as it stands, without quotes and without expansion.

A line that begins with `#` is a comment. A name without a sign is handed on from the environment, or left out
if it is not set there. Source of the semantics: the reference of `docker run --env-file`, and
runs of Docker's client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from endwell.model.place import Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from endwell.parse.problems import Report


def environment_of(text: str, file: str, environment: Mapping[str, str], report: Report) -> dict[str, str]:
    """Read an env-file.

    Args:
        text: of the file.
        file: its name, for messages.
        environment: from which names without a value take theirs.
        report: gets what is wrong.
    """
    found = {}
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        written = line.removesuffix("\r").lstrip()
        if not written or written.startswith("#"):
            continue
        name, sign, value = written.partition("=")
        if not name or any(one.isspace() for one in name):
            report.error(
                Place(file, number),
                f"{name!r} is not the name of a variable: write NAME=value without spaces before the sign",
            )
        elif sign:
            found[name] = value
        elif name in environment:
            found[name] = environment[name]
    return found
