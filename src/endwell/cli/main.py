"""The command `endwell`: finds the sub-command in the table and imports nothing but its module."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING, cast

from endwell import __version__
from endwell.cli.commands import BY_NAME, COMMANDS, Command
from endwell.cli.saying import USAGE_ERROR, fail

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from endwell.cli.commands import Module
    from endwell.cli.parser import Parser

INTERRUPTED = 128 + 2  # as a shell says it of SIGINT

EXAMPLES = """\
examples:
  endwell init --grace 10s -- python app.py
      run a program as PID 1: it hears the stop signal, so does everything it
      started, and all of it is over within 10 seconds

  ENTRYPOINT ["endwell-init", "--grace", "10s", "--"]
      the same in a Dockerfile, without Python at run time

  endwell init --help
      drain first, rewrite signals, hooks, a report of who had to be killed

  endwell COMMAND --help
      what a command does, with examples"""


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 2 for words that make no sense."""
    try:
        status = dispatch(sys.argv[1:] if words is None else words)
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED  # before the command has begun: those that can be interrupted see to it
    except BrokenPipeError:
        forget_output()  # whoever read it has seen enough
        return 0
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT}:
            raise
        forget_output()
        return fail("endwell", f"cannot write the output: {error.strerror}; free space, or write elsewhere")
    return status


def forget_output() -> None:
    """Lose what is still to be written to stdout: Python would complain once more when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def dispatch(words: Sequence[str]) -> int:
    """Read endwell's own options, then hand the rest to the sub-command."""
    first = next((index for index, word in enumerate(words) if not word.startswith("-")), len(words))
    if first or not words:
        parser = top_parser()
        parser.parse_args(words[:first])
        if first == len(words):
            parser.print_help(sys.stderr)
            return USAGE_ERROR
    name, rest = words[first], words[first + 1 :]
    if name == "help":
        return dispatch([*rest[:1], "--help"])
    if name not in BY_NAME:
        return fail("endwell", f"{name!r} is not a command: {suggestion(name)}; see `endwell --help`")
    command = BY_NAME[name]
    if command.forwards:
        return command.load_forwarding().forward(rest)
    module = command.load()
    options = read(module, rest) if command.stays else None
    return module.run(options or command_parser(command).parse_args(rest))


def read(module: Module, words: Sequence[str]) -> argparse.Namespace | None:
    """Return what the words of a command that stays say; None where argparse has to read them."""
    from endwell.cli.quick import read_quickly  # noqa: PLC0415  for these commands only

    return cast("argparse.Namespace | None", read_quickly(module.configure, words))


def top_parser() -> Parser:
    """The parser of the words before the sub-command."""
    from endwell.cli.parser import Parser  # noqa: PLC0415  it brings argparse along

    parser = Parser("endwell")
    parser.usage = "endwell [-h] [-V] COMMAND ..."
    parser.description = "Makes the programs inside containers end well."
    parser.add_argument(
        "-V", "--version", action="version", version=f"endwell {__version__}", help="print the version"
    )
    width = max(len(command.name) for command in COMMANDS) + 2
    lines = [f"  {command.name:{width}}{command.summary}" for command in COMMANDS]
    parser.epilog = "\n".join(["commands:", *lines, "", EXAMPLES])
    return parser


def command_parser(command: Command) -> Parser:
    """The parser of a sub-command's own words."""
    from endwell.cli.parser import Parser  # noqa: PLC0415  it brings argparse along

    parser = Parser(f"endwell {command.name}")
    command.load().configure(parser)
    return parser


def suggestion(name: str) -> str:
    """Say what may have been meant."""
    import difflib  # noqa: PLC0415 - only for words that are wrong

    near = difflib.get_close_matches(name, BY_NAME, n=1, cutoff=0.75)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(BY_NAME)}"
