"""One glance at a container through /proc: who is there, how busy they are, on which ports they listen."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from endwell.parse.procfs import listening, read_stat
from endwell.probe.network import is_ours
from endwell.probe.settling import Look

if TYPE_CHECKING:
    from collections.abc import Sequence

    from endwell.engine.output import Line
    from endwell.parse.procfs import Listening

_TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_MOST_LINKS = 40


def exists(root: Path, path: str) -> bool:
    """Whether a file exists below `root`; links are followed as a process inside would follow them."""
    waiting = path.split("/")[::-1]
    at: list[str] = []
    links = 0
    while waiting:
        name = waiting.pop()
        if name == "..":
            del at[-1:]
        if name in {"", ".", ".."}:
            continue
        try:
            there = str(root.joinpath(*at, name).readlink())
        except OSError:
            # No link, or nothing at all, which the last question finds out.
            at.append(name)
            continue
        links += 1
        if links > _MOST_LINKS:
            return False
        if there.startswith("/"):
            at.clear()
        waiting += there.split("/")[::-1]
    return os.path.lexists(root.joinpath(*at))


def look(members: tuple[int, ...], lines: Sequence[Line], now: float) -> Look:
    """Return what is seen of the processes `members`, which have printed `lines`, at the instant `now`."""
    used, working = 0, False
    processes = set()
    for pid in members:
        with suppress(OSError, ValueError):
            stat = read_stat(Path(f"/proc/{pid}/stat").read_text(errors="replace"))
            if stat.state in {"Z", "X"}:
                continue
            processes.add((pid, stat.started, stat.name))
            working = working or stat.state in {"R", "D"}
            used += _used(pid, stat.used)
    open_ports = ports(members)
    return Look(
        at=now,
        processes=frozenset(processes),
        used=used,
        working=working,
        printed=(len(lines), lines[-1].at if lines else 0.0),
        listening=f"tcp:{min(open_ports)}" if open_ports else "",
    )


def _used(pid: int, ticks: int) -> int:
    """Nanoseconds of processor time of all threads; what `stat` says is only as fine as clock ticks."""
    try:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)
    except (OSError, ValueError, IndexError):
        return ticks * _TICK


def ports(members: tuple[int, ...]) -> set[int]:
    """Return the ports on which a container listens whose processes, by our numbers, are `members`.

    In a network namespace of its own everyone counts who listens; in ours, those whose socket one of its
    processes has open.
    """
    if not members:
        return set()
    found: list[Listening] = []
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            found += listening(Path(f"/proc/{min(members)}/net/{table}").read_text())
    if found and is_ours(f"/proc/{min(members)}/ns/net"):
        theirs = {inode for pid in members for inode in _sockets(pid)}
        found = [one for one in found if one.inode in theirs]
    return {one.port for one in found}


def _sockets(pid: int) -> set[int]:
    found = set()
    directory = f"/proc/{pid}/fd"
    with suppress(OSError):
        for name in os.listdir(directory):  # noqa: PTH208  many times a second
            with suppress(OSError):
                link = os.readlink(f"{directory}/{name}")  # noqa: PTH115  likewise
                if link.startswith("socket:["):
                    found.add(int(link[8:-1]))
    return found
