"""`endwell convert`: write the endwell.toml that means what a supervisord.conf or a Procfile means."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from endwell.cli.parser import USAGE_ERROR, fail

if TYPE_CHECKING:
    import argparse

    from endwell.parse.project import ProjectFile

NAME = "endwell convert"

DESCRIPTION = """\
Read a supervisord.conf or a Procfile and print an endwell.toml with the same
meaning. What it cannot say stands in comments at its top. Includes, variables and
expansions are resolved here and now: the result has their values."""

EXAMPLES = """\
examples:
  endwell convert supervisord.conf > endwell.toml
  endwell convert supervisord.conf -o endwell.toml
  endwell convert Procfile

exit status: 0 it is written, 2 it cannot be read or written"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES
    parser.add_argument("file", metavar="FILE", help="a supervisord.conf or a Procfile")
    parser.add_argument("-o", "--output", metavar="PATH", help="write it there; a file is not overwritten")


def run(options: argparse.Namespace) -> int:
    """Write the file; returns 0, or 2 if something cannot be read or written."""
    from endwell.cli.services_file import open_services, say  # noqa: PLC0415  --help needs none of it
    from endwell.parse.problems import ConfigurationError  # noqa: PLC0415

    try:
        file = open_services(options.file)
    except ConfigurationError as error:
        say(NAME, error.problems)
        return USAGE_ERROR
    say(NAME, file.warnings, "warning: ")
    text = converted(file)
    if text is None:
        return fail(NAME, f"{file.path} is an endwell.toml already: name a supervisord.conf or a Procfile")
    if options.output is None:
        sys.stdout.write(text)
        return 0
    try:
        with Path(options.output).open("x", encoding="utf-8") as output:
            output.write(text)
    except OSError as error:
        return fail(NAME, f"cannot write {options.output}: {error.strerror}; name another file")
    return 0


def converted(file: ProjectFile) -> str | None:
    """Return the endwell.toml that means what a file means; None if it is one."""
    from endwell.parse.project import Format  # noqa: PLC0415  --help needs none of it
    from endwell.render.services_toml import services_toml  # noqa: PLC0415
    from endwell.render.services_unsaid import unsaid  # noqa: PLC0415

    if file.format is Format.ENDWELL:
        return None
    comments = [f"Made of {file.path} by `{NAME}`."]
    if file.supervisord:
        comments += unsaid(file.supervisord)
    if file.translation:
        comments += [one.text for one in file.translation.warnings]
    return services_toml(file.project, comments)
