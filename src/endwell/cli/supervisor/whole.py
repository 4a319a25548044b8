"""Commands of supervisorctl about the server as a whole, and about the shell itself."""

from __future__ import annotations

import errno
import xmlrpc.client
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from endwell.cli.supervisor.codes import Exit
from endwell.cli.supervisor.processes import status
from endwell.model.faults import Fault

if TYPE_CHECKING:
    from endwell.cli.supervisor.console import Console

_WIDTH = 80
_GONE = {errno.ECONNREFUSED: "refused connection", errno.ENOENT: "no such file"}


def shutdown(console: Console, line: str) -> None:
    """End the server and all its processes."""
    if line:
        console.fail("Error: shutdown accepts no arguments", page="shutdown")
        return
    if not console.agrees("Really shut the remote supervisord process down y/N? "):
        return
    try:
        console.call("shutdown")
    except xmlrpc.client.Fault as fault:
        if fault.faultCode != Fault.SHUTDOWN_STATE:
            raise
        console.say("ERROR: already shutting down")
    except OSError as error:
        if error.errno not in _GONE:
            raise
        console.fail(f"ERROR: {console.server.url} {_GONE[error.errno]} (already shut down?)")
    else:
        console.say("Shut down")


def reload(console: Console, line: str) -> None:
    """Restart the server: everything is stopped, read and started again."""
    if line:
        console.fail("Error: reload accepts no arguments", page="reload")
        return
    if not console.agrees("Really restart the remote supervisord process y/N? "):
        return
    try:
        console.call("restart")
    except xmlrpc.client.Fault as fault:
        if fault.faultCode != Fault.SHUTDOWN_STATE:
            raise
        console.fail("ERROR: already shutting down")
    else:
        console.say("Restarted supervisord")


def version(console: Console, line: str) -> None:
    """Show the server's version."""
    if line:
        console.fail("Error: version accepts no arguments", page="version")
    elif console.reaches():
        console.say(console.call("getSupervisorVersion"))


def open_(console: Console, line: str) -> None:
    """Talk to another server from now on."""
    url = line.strip()
    if urlsplit(url).scheme not in {"unix", "http"}:
        console.fail("ERROR: url must be http:// or unix://", Exit.GENERIC)
        return
    console.server.url = url
    before = console.status
    status(console, "")
    console.status = before


def leave(console: Console, line: str) -> bool:  # noqa: ARG001  whatever follows
    """Leave the shell."""
    console.say("")
    return True


def help_(console: Console, line: str) -> None:
    """Show the commands there are, or the page of one of them."""
    topic = line.strip()
    if topic == "help":
        console.say("help\t\tShow the commands there are\nhelp <command>\tShow what a command does")
    elif topic:
        console.say(console.pages.get(topic, console.nohelp % topic))
    else:
        console.say("")
        console.print_topics("default commands (type help <topic>):", sorted(console.pages), 15, _WIDTH)
