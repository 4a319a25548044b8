"""`endwell supervisorctl`: supervisorctl's command line, for endwell's servers and supervisord's."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from endwell.cli.supervisor.options import (
    USAGE_ERROR,
    Option,
    UsageError,
    called,
    complaint,
    describe,
    page,
    read_line,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

    from endwell.cli.supervisor.console import Console
    from endwell.model.supervisord import Supervisorctl

HEAD = """\
usage: {program} [options] [action [arguments]]

Controls the processes of a supervisord, endwell's or the other one. Without an action it is a shell that
reads actions from the terminal; `help` is one of them."""

FOOT = """\
examples:
  supervisorctl status
  supervisorctl -c /etc/supervisor/supervisord.conf restart web
  supervisorctl -s unix:///run/supervisor.sock tail -f web stderr

exit status: 0 done; 1 error; 2 the words make no sense; 3 with `status`: something is stopped;
4 nobody listens, or with `status`: no such process; 7 not running"""


def url(value: str) -> str:
    """Take an address as it is.

    Raises:
        ValueError: it is none.
    """
    parts = urlsplit(value)
    if not parts.scheme or not (parts.netloc or parts.path):
        raise ValueError(f"value {value!r} is not a URL")
    return value


OPTIONS = (
    Option("configuration", "c", "configuration", "FILE", "the file with the section [supervisorctl]"),
    Option("help", "h", "help", "", "show this page"),
    Option("help", "?", "", "", "show this page"),
    Option("interactive", "i", "interactive", "", "ask before shutdown and reload"),
    Option("serverurl", "s", "serverurl", "URL", "where the server is (default http://localhost:9001)", url),
    Option("username", "u", "username", "NAME", "who we are, for a server that asks"),
    Option("password", "p", "password", "WORD", "and its password"),
    Option("history", "r", "history_file", "FILE", "keep what is typed in the shell"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the options for completion; the page of help is `-h`'s."""
    describe(OPTIONS, parser)
    parser.add_argument("action", metavar="ACTION", nargs="*", help="what to do; `help` lists them")


def forward(words: Sequence[str]) -> int:
    """Do what the words say; returns the exit status."""
    program = called("supervisorctl")
    try:
        line = read_line(words, OPTIONS)
        if "help" in line.values:
            sys.stdout.write(page(HEAD.format(program=program), OPTIONS, FOOT))
            return 0
        client = read_file(line.values.get("configuration"))
    except UsageError as error:
        sys.stderr.write(complaint(str(error), program))
        return USAGE_ERROR
    return talk(client, line.values, line.words)


def read_file(path: str | None) -> Supervisorctl:
    """Read the section [supervisorctl] of the file, or of the first of those that are looked for.

    Raises:
        UsageError: the file cannot be used.
    """
    from endwell.cli.surroundings import surroundings  # noqa: PLC0415  -h needs none of it
    from endwell.model.supervisord import Supervisorctl  # noqa: PLC0415
    from endwell.parse.supervisord import ConfigurationError, read_client, search_path  # noqa: PLC0415

    if path is None:
        path = next((one for one in search_path(sys.argv[0]) if Path(one).exists()), None)
        if path is None:
            return Supervisorctl()
    elif not Path(path).exists():
        raise UsageError(f"could not find config file {path}")
    try:
        return read_client(path, surroundings())
    except ConfigurationError as error:
        raise UsageError("\nError: ".join(map(str, error.problems))) from None


def talk(client: Supervisorctl, values: Mapping[str, str], words: list[str]) -> int:
    """Run one action, or the shell; returns the exit status."""
    from endwell.cli.supervisor.console import Console, stream  # noqa: PLC0415  -h needs none of it
    from endwell.cli.supervisor.pages import PAGES  # noqa: PLC0415
    from endwell.cli.supervisor.server import Server  # noqa: PLC0415

    server = Server(
        values.get("serverurl", client.serverurl),
        values.get("username", client.username),
        values.get("password", client.password),
    )
    interactive = "interactive" in values or not words
    console = Console(server, _commands(), PAGES, prompt=client.prompt, interactive=interactive)
    console.stdout = stream()
    if words:
        console.onecmd(" ".join(words))
        return console.status
    console.shell(values.get("history", client.history_file))
    return 0


def _commands() -> dict[str, Callable[[Console, str], bool | None]]:
    from endwell.cli.supervisor import foreground, groups, logs, processes, whole  # noqa: PLC0415

    return {
        "EOF": whole.leave,
        "add": groups.add,
        "avail": groups.avail,
        "clear": logs.clear,
        "exit": whole.leave,
        "fg": foreground.fg,
        "help": whole.help_,
        "maintail": logs.maintail,
        "open": whole.open_,
        "pid": processes.pid,
        "quit": whole.leave,
        "reload": whole.reload,
        "remove": groups.remove,
        "reread": groups.reread,
        "restart": processes.restart,
        "shutdown": whole.shutdown,
        "signal": processes.signal,
        "start": processes.start,
        "status": processes.status,
        "stop": processes.stop,
        "tail": logs.tail,
        "update": groups.update,
        "version": whole.version,
    }
