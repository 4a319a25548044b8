"""Commands of supervisorctl about groups and the file that names them: reread, update, add, remove, avail."""

from __future__ import annotations

import xmlrpc.client
from typing import TYPE_CHECKING, Any

from endwell.cli.supervisor.codes import Exit, spell
from endwell.model.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from endwell.cli.supervisor.console import Console


def reread(console: Console, line: str) -> None:
    """Have the file read again, and show what is new in it."""
    if line:
        console.fail("Error: reread accepts no arguments", page="reread")
        return
    try:
        ((added, changed, removed),) = console.call("reloadConfig")
    except xmlrpc.client.Fault as fault:
        console.status = Exit.GENERIC
        if fault.faultCode == Fault.SHUTDOWN_STATE:
            console.say("ERROR: supervisor shutting down")
        elif fault.faultCode == Fault.CANT_REREAD:
            console.say(f"ERROR: {fault.faultString}")
        else:
            raise
        return
    changes = dict.fromkeys(added, "available")
    changes |= dict.fromkeys(changed, "changed")
    changes |= dict.fromkeys(removed, "disappeared")
    for name in sorted(changes):
        console.say(f"{name}: {changes[name]}")
    if not changes:
        console.say("No config updates to processes")


def add(console: Console, line: str) -> None:
    """Take groups that the file has."""
    for name in line.split():
        try:
            console.call("addProcessGroup", name)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == Fault.SHUTDOWN_STATE:
                console.fail("ERROR: shutting down")
            elif fault.faultCode == Fault.ALREADY_ADDED:
                console.say("ERROR: process group already active")
            elif fault.faultCode == Fault.BAD_NAME:
                console.fail(f"ERROR: no such process/group: {name}")
            else:
                raise
        else:
            console.say(f"{name}: added process group")


def remove(console: Console, line: str) -> None:
    """Give groups up, which have to be stopped."""
    for name in line.split():
        try:
            console.call("removeProcessGroup", name)
        except xmlrpc.client.Fault as fault:
            console.status = Exit.GENERIC
            if fault.faultCode == Fault.STILL_RUNNING:
                console.say(f"ERROR: process/group still running: {name}")
            elif fault.faultCode == Fault.BAD_NAME:
                console.say(f"ERROR: no such process/group: {name}")
            else:
                raise
        else:
            console.say(f"{name}: removed process group")


def update(console: Console, line: str) -> None:
    """Have the file read again, and make it so: what has changed is restarted."""
    try:
        ((added, changed, removed),) = console.call("reloadConfig")
    except xmlrpc.client.Fault as fault:
        if fault.faultCode != Fault.SHUTDOWN_STATE:
            raise
        console.fail("ERROR: already shutting down")
        return
    wanted = set() if "all" in line.split() else set(line.split())
    if wanted:
        known = {info["group"] for info in console.call("getAllProcessInfo")} | set(added)
        # In the order in which they were named, which is nobody's in particular there.
        for name in dict.fromkeys(line.split()):
            if name not in known:
                console.fail(f"ERROR: no such group: {name}")
    for name in (one for one in removed if not wanted or one in wanted):
        results = console.call("stopProcessGroup", name)
        console.say(f"{name}: stopped")
        if any(result["status"] == Fault.FAILED for result in results):
            console.fail(f"{name}: has problems; not removing")
            continue
        console.call("removeProcessGroup", name)
        console.say(f"{name}: removed process group")
    for name in (one for one in changed if not wanted or one in wanted):
        console.call("stopProcessGroup", name)
        console.say(f"{name}: stopped")
        console.call("removeProcessGroup", name)
        console.call("addProcessGroup", name)
        console.say(f"{name}: updated process group")
    for name in (one for one in added if not wanted or one in wanted):
        console.call("addProcessGroup", name)
        console.say(f"{name}: added process group")


def avail(console: Console, line: str) -> None:
    """Show everything that the file has."""
    if line:
        console.fail("Error: avail accepts no arguments", page="avail")
        return
    try:
        found = console.call("getAllConfigInfo")
    except xmlrpc.client.Fault as fault:
        console.status = Exit.GENERIC
        if fault.faultCode != Fault.SHUTDOWN_STATE:
            raise
        console.say("ERROR: supervisor shutting down")
        return
    for one in found:
        console.say(_row(one))


def _row(one: Mapping[str, Any]) -> str:
    name = spell(one["group"], one["name"])
    use = "in use" if one["inuse"] else "avail"
    start = "auto" if one["autostart"] else "manual"
    return f"{name:32} {use:9} {start:9} {one['group_prio']}:{one['process_prio']}"
