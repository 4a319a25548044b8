"""Signals as Linux numbers them, whatever the host: a signal of a container is a Linux signal on every host.

The standard library's `signal` has the host's numbers (on macOS SIGUSR1 is 30), leaves most real-time signals
without a name, and leaves out the two of the C library. Here a signal is a number from 1 to 64 with a name.

The numbers are those of x86, Arm, RISC-V, PowerPC and s390, from signal(7). Real-time signals begin at 34:
the kernel's begin at 32, the C library keeps 32 and 33 for its threads, and Docker, systemd and the shells
count from 34. So do we.
"""

import re
from enum import Enum
from typing import Self

from endwell.records import dataclass

RTMIN = 34
RTMAX = 64


class Default(Enum):
    """What the kernel does with a process that has not said what to do with a signal."""

    TERMINATE = "terminate"
    CORE = "terminate and dump core"
    STOP = "stop"
    CONTINUE = "continue"
    IGNORE = "ignore"


# Number, name, default action, what it says.
TABLE = (
    (1, "HUP", Default.TERMINATE, "the terminal is gone; to daemons: read your configuration again"),
    (2, "INT", Default.TERMINATE, "interrupted from the keyboard (Ctrl-C)"),
    (3, "QUIT", Default.CORE, "quit from the keyboard (Ctrl-\\); to many servers: drain, then leave"),
    (4, "ILL", Default.CORE, "illegal instruction"),
    (5, "TRAP", Default.CORE, "trace or breakpoint trap"),
    (6, "ABRT", Default.CORE, "abort(3)"),
    (7, "BUS", Default.CORE, "bad memory access"),
    (8, "FPE", Default.CORE, "arithmetic error"),
    (9, "KILL", Default.TERMINATE, "killed; cannot be handled"),
    (10, "USR1", Default.TERMINATE, "for the program to define"),
    (11, "SEGV", Default.CORE, "invalid memory reference"),
    (12, "USR2", Default.TERMINATE, "for the program to define"),
    (13, "PIPE", Default.TERMINATE, "wrote to a pipe nobody reads"),
    (14, "ALRM", Default.TERMINATE, "alarm(2)"),
    (15, "TERM", Default.TERMINATE, "please end; what a container is stopped with unless it says otherwise"),
    (16, "STKFLT", Default.TERMINATE, "stack fault; unused"),
    (17, "CHLD", Default.IGNORE, "a child ended, stopped or continued"),
    (18, "CONT", Default.CONTINUE, "continue if stopped"),
    (19, "STOP", Default.STOP, "stopped; cannot be handled"),
    (20, "TSTP", Default.STOP, "stopped from the keyboard (Ctrl-Z)"),
    (21, "TTIN", Default.STOP, "read from the terminal in the background"),
    (22, "TTOU", Default.STOP, "wrote to the terminal in the background"),
    (23, "URG", Default.IGNORE, "urgent data on a socket"),
    (24, "XCPU", Default.CORE, "processor time limit exceeded"),
    (25, "XFSZ", Default.CORE, "file size limit exceeded"),
    (26, "VTALRM", Default.TERMINATE, "virtual timer"),
    (27, "PROF", Default.TERMINATE, "profiling timer"),
    (28, "WINCH", Default.IGNORE, "the window changed its size; to Apache: drain, then leave"),
    (29, "IO", Default.TERMINATE, "input or output is possible"),
    (30, "PWR", Default.TERMINATE, "power failure"),
    (31, "SYS", Default.CORE, "bad system call, or one that seccomp forbids"),
)

# Other names of the same signals, which Docker and kill(1) take.
ALIASES = {"CLD": "CHLD", "IOT": "ABRT", "POLL": "IO", "UNUSED": "SYS"}

NUMBERS = {name: number for number, name, _, _ in TABLE}
ROWS = {row[0]: row for row in TABLE}

NUMBER = re.compile("0*([0-9]{1,2})")
REAL_TIME = re.compile("RT(MIN|MAX)(?:([+-])0*([0-9]{1,2}))?")
FIRST_OF_KERNEL = 32


@dataclass(frozen=True, slots=True, order=True)
class Signal:
    """A Linux signal.

    Args:
        number: from 1 to 64.

    Raises:
        ValueError: there is no signal of that number.
    """

    number: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= RTMAX:
            raise ValueError(f"{self.number} is not the number of a signal: they go from 1 to {RTMAX}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a signal as Docker, compose, systemd and kill(1) write it.

        Args:
            text: `TERM`, `SIGTERM`, `sigterm`, `15`, `RTMIN+3`, `SIGRTMAX-1`.

        Raises:
            ValueError: it is none of these; the message proposes what may have been meant.
        """
        if (match := NUMBER.fullmatch(text)) and 1 <= int(match[1]) <= RTMAX:
            return cls(int(match[1]))
        # Only ASCII: a dotless i has a capital I, and is no letter of a signal.
        name = (text.upper() if text.isascii() else text).removeprefix("SIG")
        if number := NUMBERS.get(ALIASES.get(name, name)):
            return cls(number)
        if match := REAL_TIME.fullmatch(name):
            origin, sign, offset = match.groups(default="0")
            number = {"MIN": RTMIN, "MAX": RTMAX}[origin] + int(f"{sign}{offset}")
            if FIRST_OF_KERNEL <= number <= RTMAX:
                return cls(number)
        import difflib  # noqa: PLC0415  only for words that are wrong

        near = difflib.get_close_matches(name, [*NUMBERS, *ALIASES], n=1)
        hint = f"did you mean {near[0]}?" if near else f"use a name such as TERM or RTMIN+3, or 1 to {RTMAX}"
        raise ValueError(f"{text!r} is not a signal: {hint}")

    @property
    def name(self) -> str:
        """The full name: `SIGTERM`, `SIGRTMIN`, `SIGRTMIN+3`; 32 and 33 are `SIGRTMIN-2` and `SIGRTMIN-1`."""
        if row := ROWS.get(self.number):
            return f"SIG{row[1]}"
        offset = self.number - RTMIN
        return f"SIGRTMIN{offset:+d}" if offset else "SIGRTMIN"

    @property
    def default(self) -> Default:
        """What the kernel does with a process that has not said what to do (PID 1 excepted: it is spared)."""
        row = ROWS.get(self.number)
        return row[2] if row else Default.TERMINATE

    @property
    def meaning(self) -> str:
        """What the signal says, in one line."""
        row = ROWS.get(self.number)
        return row[3] if row else "real-time: queued, for the program to define"

    @property
    def catchable(self) -> bool:
        """Whether a process can handle, block or ignore it: all but SIGKILL and SIGSTOP."""
        return self not in {KILL, STOP}

    def __str__(self) -> str:
        return self.name

    def __int__(self) -> int:
        return self.number

    __index__ = __int__


HUP = Signal(1)
INT = Signal(2)
QUIT = Signal(3)
KILL = Signal(9)
USR1 = Signal(10)
USR2 = Signal(12)
TERM = Signal(15)
CHLD = Signal(17)
CONT = Signal(18)
STOP = Signal(19)
TSTP = Signal(20)
WINCH = Signal(28)
