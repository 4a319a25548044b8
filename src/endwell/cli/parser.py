"""An argparse parser that speaks like endwell: help that teaches, errors that name the next step."""

import argparse
import re
import sys
from typing import TYPE_CHECKING, NoReturn

from endwell.cli.saying import USAGE_ERROR, fail, has_color

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

__all__ = ["USAGE_ERROR", "Parser", "fail", "has_color"]

HEADING = re.compile(r"^(\w[\w ]*:)", re.MULTILINE)


class Formatter(argparse.RawDescriptionHelpFormatter):
    """As argparse's, for 80 columns: to ask the terminal means to import shutil and every compressor."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=78)


class Parser(argparse.ArgumentParser):
    """As argparse's, with full option names only, one line for an error, and bold headings on a terminal."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, allow_abbrev=False, add_help=False, formatter_class=Formatter)
        self.add_argument("-h", "--help", action="help", help="show this help")
        self.color = False  # since 3.14 argparse paints by itself, in many colors

    def print_help(self, file: "SupportsWrite[str] | None" = None) -> None:
        """Print the help, by default to stdout."""
        stream = file or sys.stdout
        text = self.format_help()
        stream.write(HEADING.sub("\033[1m\\1\033[0m", text) if has_color(stream) else text)

    def error(self, message: str) -> NoReturn:
        """Print one line and exit with status 2."""
        self.exit(fail(self.prog, f"{message}; see `{self.prog} --help`"))
