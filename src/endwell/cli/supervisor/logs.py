"""Commands of supervisorctl about logs: tail, maintail, clear."""

from __future__ import annotations

import sys
import xmlrpc.client
from typing import TYPE_CHECKING, Any

from endwell.cli.supervisor.codes import result_line, split
from endwell.cli.supervisor.server import Following
from endwell.model.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from endwell.cli.supervisor.console import Console

_BYTES = 1600
_MOST_WORDS = 3
_NO_LOG = {
    Fault.NO_FILE: "no log file",
    Fault.FAILED: "unknown error reading log",
    Fault.BAD_NAME: "no such process name",
}
_CLEAR_WORDS: Mapping[int, str] = {Fault.BAD_NAME: "no such process", Fault.FAILED: "failed"}


def tail(console: Console, line: str) -> None:
    """Show the end of a process's log."""
    if not console.reaches():
        return
    words = line.split()
    if not 1 <= len(words) <= _MOST_WORDS:
        console.fail(f"Error: too {'many' if words else 'few'} arguments", page="tail")
        return
    modifier = words.pop(0) if words[0].startswith("-") else f"-{_BYTES}"
    if not words:
        console.fail("Error: tail requires process name")
        return
    name, stream = words[0], words[-1].lower() if len(words) > 1 else "stdout"
    if stream not in {"stdout", "stderr"}:
        console.fail(f"Error: bad channel {stream!r}")
        return
    if modifier == "-f":
        follow(console, f"/logtail/{name}/{stream}")
        return
    _show(console, name, modifier, f"readProcess{stream.capitalize()}Log", (name,))


def maintail(console: Console, line: str) -> None:
    """Show the end of the server's own log."""
    if not console.reaches():
        return
    words = line.split()
    if len(words) > 1:
        console.fail("Error: too many arguments", page="maintail")
        return
    modifier = words[0] if words else f"-{_BYTES}"
    if modifier == "-f":
        follow(console, "/mainlogtail")
        return
    _show(console, "supervisord", modifier, "readLog", ())


def _show(console: Console, name: str, modifier: str, method: str, arguments: tuple[str, ...]) -> None:
    size = _size(modifier)
    if size is None:
        console.fail(f"Error: bad argument {modifier}")
        return
    try:
        text = console.call(method, *arguments, -size, 0)
    except xmlrpc.client.Fault as fault:
        if fault.faultCode not in _NO_LOG:
            raise
        console.fail(f"{name}: ERROR ({_NO_LOG[Fault(fault.faultCode)]})")
        return
    console.say(text)


def _size(modifier: str) -> int | None:
    """Return how many bytes are wanted, of `-100`; None where it is no number."""
    try:
        return int(modifier[1:]) if modifier.startswith("-") else None
    except ValueError:
        return None


def follow(console: Console, path: str) -> None:
    """Show what is written to a log until somebody presses Ctrl-C."""
    console.say("==> Press Ctrl-C to exit <==")
    following = Following(console.server, path)
    try:
        following.run(show, complain)
    except KeyboardInterrupt:
        console.say("")


def show(text: str) -> None:
    """Write a part of a log, at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def complain(text: str) -> None:
    """Write a line about why there is none."""
    sys.stderr.write(f"{text}\n")


def clear(console: Console, line: str) -> None:
    """Empty the logs of processes."""
    if not console.reaches():
        return
    names = line.split()
    if not names:
        console.fail("Error: clear requires a process name", page="clear")
        return
    results: list[Any] = []
    if "all" in names:
        results = console.call("clearAllProcessLogs")
        for result in results:
            _cleared(console, result)
        return
    for name in names:
        group, process = split(name)
        result = {"group": group, "name": process, "status": Fault.SUCCESS}
        try:
            console.call("clearProcessLogs", name)
        except xmlrpc.client.Fault as fault:
            result |= {"status": fault.faultCode, "description": fault.faultString}
        _cleared(console, result)


def _cleared(console: Console, result: dict[str, Any]) -> None:
    console.say(result_line(result, _CLEAR_WORDS, "cleared"))
    console.judge(result["status"])
