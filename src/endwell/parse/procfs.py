"""The text of /proc, as proc_pid_status(5), proc_pid_stat(5), proc_pid_fdinfo(5) and proc_net_tcp(5) have it.

Text comes from processes that end while it is read and that choose their own names: what is not there raises
ValueError, and a name never counts as a field.
"""

from __future__ import annotations

import ipaddress
import re
import struct
import sys

from endwell.records import dataclass

_LISTENING = "0A"
_ACCESS_MODE = 0o3
_WRITE_ONLY, _READ_WRITE = 0o1, 0o2
# struct format of the kernel's 32-bit words, which it prints in the order of the machine.
_WORDS = "<I" if sys.byteorder == "little" else ">I"
_FLAGS = re.compile(r"^flags:\s*([0-7]+)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What /proc/PID/status says: numbers, the user, and masks in which bit n-1 stands for signal n.

    `numbers` are those of the process in every PID namespace, from the reader's own inwards. `pending` are
    signals that wait for this one thread, `shared` those that wait for the process.
    """

    name: str = ""
    state: str = ""
    tgid: int = 0
    pid: int = 0
    ppid: int = 0
    uid: int = 0
    threads: int = 0
    numbers: tuple[int, ...] = ()
    pending: int = 0
    shared: int = 0
    blocked: int = 0
    ignored: int = 0
    caught: int = 0

    @property
    def inside(self) -> int:
        """The number in the innermost PID namespace."""
        return self.numbers[-1] if self.numbers else self.pid


@dataclass(frozen=True, slots=True)
class Stat:
    """What /proc/PID/stat says; `started` is in clock ticks since boot, `used` is user and system time."""

    pid: int
    name: str
    state: str
    ppid: int
    group: int
    session: int
    used: int
    started: int


@dataclass(frozen=True, slots=True)
class Listening:
    """A TCP socket that accepts connections."""

    address: str
    port: int
    inode: int


def has(mask: int, signal: int) -> bool:
    """Return whether a mask of /proc/PID/status has the bit of a signal."""
    return bool(mask >> (signal - 1) & 1)


def read_status(text: str) -> Status:
    """Read /proc/PID/status; ValueError when it is none."""
    # The name is escaped by the kernel: it cannot begin a line of its own.
    lines = (line.partition(":") for line in text.splitlines())
    fields = {key: value.strip() for key, _, value in lines}
    try:
        return Status(
            name=fields["Name"],
            state=fields["State"][:1],
            tgid=int(fields["Tgid"]),
            pid=int(fields["Pid"]),
            ppid=int(fields["PPid"]),
            uid=int(fields["Uid"].split()[0]),
            threads=int(fields["Threads"]),
            numbers=tuple(int(number) for number in fields.get("NSpid", fields["Pid"]).split()),
            **{
                name: int(fields[key], 16)
                for name, key in (
                    ("pending", "SigPnd"),
                    ("shared", "ShdPnd"),
                    ("blocked", "SigBlk"),
                    ("ignored", "SigIgn"),
                    ("caught", "SigCgt"),
                )
            },
        )
    except (KeyError, IndexError) as error:
        raise ValueError(f"not the text of /proc/PID/status: {error}") from error


def read_stat(text: str) -> Stat:
    """Read /proc/PID/stat, whose second field may hold blanks and parentheses; ValueError when it is none."""
    head, _, tail = text.rpartition(")")
    pid, _, name = head.partition(" (")
    rest = tail.split()
    try:
        return Stat(
            pid=int(pid),
            name=name,
            state=rest[0],
            ppid=int(rest[1]),
            group=int(rest[2]),
            session=int(rest[3]),
            used=int(rest[11]) + int(rest[12]),
            started=int(rest[19]),
        )
    except IndexError as error:
        raise ValueError("not the text of /proc/PID/stat: it is too short") from error


def read_command(content: bytes) -> tuple[str, ...]:
    """Read /proc/PID/cmdline; empty for a zombie or a kernel thread.

    A program may write its own title over it, which is one word followed by nothing: one word it is then.
    """
    if not content.strip(b"\0"):
        return ()
    words = content.removesuffix(b"\0").split(b"\0")
    if not any(words[1:]):
        del words[1:]
    return tuple(word.decode(errors="replace") for word in words)


def is_open_for_writing(text: str) -> bool:
    """Return whether /proc/PID/fdinfo/N is of a descriptor that can be written to."""
    found = _FLAGS.search(text)
    return found is not None and int(found[1], 8) & _ACCESS_MODE in {_WRITE_ONLY, _READ_WRITE}


def listening(text: str) -> tuple[Listening, ...]:
    """Return the listening sockets of /proc/PID/net/tcp or tcp6; lines that are none are passed over."""
    found = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == _LISTENING:  # noqa: PLR2004  the inode is the tenth field
            address, _, port = fields[1].rpartition(":")
            try:
                found.append(Listening(_address(address), int(port, 16), int(fields[9])))
            except ValueError:
                continue
    return tuple(found)


def _address(text: str) -> str:
    words = (int(text[start : start + 8], 16) for start in range(0, len(text), 8))
    return str(ipaddress.ip_address(b"".join(struct.pack(_WORDS, word) for word in words)))
