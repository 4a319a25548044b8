"""supervisorctl's `fg`: what one process writes, and what it is to read."""

from __future__ import annotations

import threading
import xmlrpc.client
from typing import TYPE_CHECKING

from endwell.cli.supervisor.logs import complain, show
from endwell.cli.supervisor.server import Following
from endwell.machine.state import State
from endwell.model.faults import Fault

if TYPE_CHECKING:
    from endwell.cli.supervisor.console import Console


def fg(console: Console, line: str) -> None:
    """Connect to a process until somebody presses Ctrl-C."""
    if not console.reaches():
        return
    names = line.split()
    if not names:
        console.fail("ERROR: no process name supplied", page="fg")
    elif len(names) > 1:
        console.fail("ERROR: too many process names supplied")
    elif _runs(console, names[0]):
        _connect(console, names[0])


def _runs(console: Console, name: str) -> bool:
    """Whether there is a process to connect to; if not, it has been said."""
    try:
        info = console.call("getProcessInfo", name)
    except xmlrpc.client.Fault as fault:
        if fault.faultCode == Fault.BAD_NAME:
            console.fail("ERROR: bad process name supplied")
        else:
            console.say(f"ERROR: {fault}")
        return False
    if info["state"] != State.RUNNING:
        console.fail("ERROR: process not running")
        return False
    return True


def _connect(console: Console, name: str) -> None:
    console.say("==> Press Ctrl-C to exit <==")
    console.stdout.flush()
    both = [Following(console.server, f"/logtail/{name}/{stream}") for stream in ("stdout", "stderr")]
    for one in both:
        threading.Thread(target=one.run, args=(show, complain), daemon=True).start()
    try:
        while _passed_on(console, name):
            pass
    except (KeyboardInterrupt, EOFError):
        console.say("Exiting foreground")
    finally:
        for one in both:
            one.stop()


def _passed_on(console: Console, name: str) -> bool:
    """Read a line and give it to the process; whether that goes on."""
    text = f"{input()}\n"
    try:
        console.call("sendProcessStdin", name, text)
        if console.call("getProcessInfo", name)["state"] == State.RUNNING:
            return True
        console.say("Process got killed")
    except xmlrpc.client.Fault as fault:
        console.say("Process got killed" if fault.faultCode == Fault.NOT_RUNNING else f"ERROR: {fault}")
    console.say("Exiting foreground")
    return False
