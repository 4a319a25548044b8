"""The two ways to name a file of services on a command line: as a word of its own, and with -c."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def add_file(parser: argparse.ArgumentParser) -> None:
    """Add them to a command that takes one file, or else looks for it."""
    parser.add_argument(
        "named",
        metavar="FILE",
        nargs="?",
        help="an endwell.toml, a supervisord.conf or a Procfile (default: the first that is found)",
    )
    parser.add_argument("-c", "--file", "--configuration", metavar="FILE", help="the same, as an option")


def file_of(options: argparse.Namespace) -> str | None:
    """Return the file that was named; None if none was.

    Raises:
        ValueError: it was named twice, or is named by an empty word.
    """
    if None not in {options.named, options.file}:
        raise ValueError(f"the file is named twice, {options.named} and -c {options.file}: leave one out")
    name: str | None = options.file if options.named is None else options.named
    if name == "":
        raise ValueError("the name of the file is empty: write it, or leave the word out to have it found")
    return name
