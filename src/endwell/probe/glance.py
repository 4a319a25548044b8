"""One glance at a container through /proc: who is there, how busy they are, on which ports they listen."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from endwell.parse.procfs import listening, read_stat
from endwell.probe.network import is_ours
from endwell.probe.settling import Look

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from endwell.engine.output import Line
    from endwell.parse.procfs import Listening

    Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

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


def is_outsider(members: tuple[int, ...], host: str, port: int) -> bool:
    """Whether it is certain that who answers at `host` and `port` is no process of the container.

    In a network of its own everyone is taken for the container. In ours the listening socket has to be open
    in one of its processes; of those whose descriptors we may not see that is assumed.

    Args:
        members: the container's processes, by our numbers.
        host: a name or an address.
        port: the port of it.
    """
    try:
        if not members or not is_ours(f"/proc/{min(members)}/ns/net"):
            return False
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [ipaddress.ip_address(one[4][0]) for one in found]
        tables = [Path(f"/proc/{min(members)}/net/{table}") for table in ("tcp", "tcp6")]
        listeners = [one for table in tables if table.exists() for one in listening(table.read_text())]
        for pid in members:
            os.listdir(f"/proc/{pid}/fd")  # noqa: PTH208  only whether we may
    except (OSError, ValueError):
        return False
    theirs = {inode for pid in members for inode in _sockets(pid)}
    for address in addresses:
        asked = {one.inode for one in listeners if one.port == port and takes(one.address, address)}
        if asked:
            return not asked & theirs
    return not any(map(_is_local, addresses))


def outside(port: int) -> str:
    """Return what is said of a port at which an outsider answers."""
    return (
        f"{port} is served by a process outside of the container; end that one, or give an address that the "
        "container answers on"
    )


def takes(listening_on: str, asked: Address) -> bool:
    """Whether one that listens on an address is who answers at `asked`."""
    here = ipaddress.ip_address(listening_on)
    mapped = here.ipv4_mapped if isinstance(here, ipaddress.IPv6Address) else None
    everywhere = here.is_unspecified and here.version >= asked.version  # of both kinds, on the newer one
    return everywhere or asked in {here, mapped}


def _is_local(address: Address) -> bool:
    """Whether an address is one of this machine's: only those can be bound."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004  the protocol's name
    with socket.socket(family, socket.SOCK_STREAM) as attempt:
        try:
            attempt.bind((str(address), 0))
        except OSError as error:
            return error.errno != errno.EADDRNOTAVAIL
    return True


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
