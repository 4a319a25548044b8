"""What event listeners are told: supervisord's events, by its names and with its payloads.

    event                             payload
    PROCESS_STATE_STARTING, BACKOFF   processname:X groupname:Y from_state:Z tries:N
    PROCESS_STATE_EXITED              processname:X groupname:Y from_state:Z expected:0|1 pid:N
    PROCESS_STATE_RUNNING, STOPPING,
      STOPPED                         processname:X groupname:Y from_state:Z pid:N
    PROCESS_STATE_FATAL, UNKNOWN      processname:X groupname:Y from_state:Z
    PROCESS_LOG_*                     processname:X groupname:Y pid:N channel:stdout|stderr, then the text
    PROCESS_COMMUNICATION_*           processname:X groupname:Y pid:N, then the text
    REMOTE_COMMUNICATION              type:T, then the text
    PROCESS_GROUP_*                   groupname:Y
    TICK_*                            when:N, seconds of the wall clock at which the slice of time began
    SUPERVISOR_STATE_CHANGE_*         nothing

Source: supervisord.org, "Events", and the measured behavior of supervisord 4.2.5. A name stands for all that
begin with it and an underscore, and EVENT for everything.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from endwell.machine.state import State
from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_STREAMS = ("STDOUT", "STDERR")
# UTF-8: RFC 3629, section 3.
_CONTINUATION = range(0x80, 0xC0)
_FIRST = ((range(0xC2, 0xE0), 2), (range(0xE0, 0xF0), 3), (range(0xF0, 0xF5), 4))
TICKS = MappingProxyType({"TICK_5": 5, "TICK_60": 60, "TICK_3600": 3600})
# All that can happen.
EVENTS = (
    *(f"PROCESS_STATE_{state.name}" for state in State),
    *(f"PROCESS_COMMUNICATION_{stream}" for stream in _STREAMS),
    *(f"PROCESS_LOG_{stream}" for stream in _STREAMS),
    "REMOTE_COMMUNICATION",
    "SUPERVISOR_STATE_CHANGE_RUNNING",
    "SUPERVISOR_STATE_CHANGE_STOPPING",
    *TICKS,
    "PROCESS_GROUP_ADDED",
    "PROCESS_GROUP_REMOVED",
)


def meant(names: Iterable[str]) -> frozenset[str]:
    """Return the events that names stand for: their own, those below them, or all of them."""
    wanted = tuple(names)
    return frozenset(event for event in EVENTS if any(_covers(name, event) for name in wanted))


def _covers(name: str, event: str) -> bool:
    return name in {event, "EVENT"} or event.startswith(f"{name}_")


@dataclass(frozen=True, slots=True)
class Origin:
    """The process that an event is about, by supervisord's names.

    Args:
        process: its name in its group.
        group: the name of that.
        pid: 0 for none.
    """

    process: str
    group: str
    pid: int = 0

    @property
    def names(self) -> str:
        """How a payload begins."""
        return f"processname:{self.process} groupname:{self.group}"


@dataclass(frozen=True, slots=True, eq=False)
class Notice:
    """Something that has happened.

    Args:
        event: its name.
        head: the payload up to the text.
        text: what a process has written; it is not looked at before somebody wants it.
    """

    event: str
    head: str
    text: bytes = b""

    @property
    def payload(self) -> str:
        """All of it."""
        return self.head + readable(self.text) if self.text else self.head


def changed(origin: Origin, was: State, state: State, *, tries: int, expected: bool) -> Notice:
    """A process has gone from one state to another.

    Args:
        origin: the process; also one that has just ended has its number.
        was: the state before.
        state: the state now.
        tries: failed starts in a row.
        expected: whether it ended as it may.
    """
    further = _FURTHER.get(state, _nothing)(origin.pid, tries, expected)
    return Notice(f"PROCESS_STATE_{state.name}", f"{origin.names} from_state:{was.name}{further}")


def _tries(_pid: int, tries: int, _expected: bool) -> str:  # noqa: FBT001  a row of the table
    return f" tries:{tries}"


def _pid(pid: int, _tries: int, _expected: bool) -> str:  # noqa: FBT001  likewise
    return f" pid:{pid}"


def _end(pid: int, _tries: int, expected: bool) -> str:  # noqa: FBT001  likewise
    return f" expected:{int(expected)} pid:{pid}"


def _nothing(_pid: int, _tries: int, _expected: bool) -> str:  # noqa: FBT001  likewise
    return ""


_FURTHER: dict[State, Callable[[int, int, bool], str]] = {
    State.STARTING: _tries,
    State.BACKOFF: _tries,
    State.RUNNING: _pid,
    State.STOPPING: _pid,
    State.STOPPED: _pid,
    State.EXITED: _end,
}


def logged(origin: Origin, stream: str, text: bytes) -> Notice:
    """A process has written to its log; `stream` is stdout or stderr."""
    return Notice(
        f"PROCESS_LOG_{stream.upper()}", f"{origin.names} pid:{origin.pid} channel:{stream}\n", text
    )


def communicated(origin: Origin, stream: str, text: bytes) -> Notice:
    """A process has written a message to its listeners, between the two tokens of `machine.capture_mode`."""
    return Notice(f"PROCESS_COMMUNICATION_{stream.upper()}", f"{origin.names} pid:{origin.pid}\n", text)


def remote(kind: str, text: str) -> Notice:
    """A client has sent a message to the listeners."""
    return Notice("REMOTE_COMMUNICATION", f"type:{kind}\n{text}")


def running() -> Notice:
    """The supervisor has started."""
    return Notice("SUPERVISOR_STATE_CHANGE_RUNNING", "")


def stopping() -> Notice:
    """The supervisor has begun to end everything."""
    return Notice("SUPERVISOR_STATE_CHANGE_STOPPING", "")


def group_added(name: str) -> Notice:
    """A group is there."""
    return Notice("PROCESS_GROUP_ADDED", f"groupname:{name}\n")


def group_removed(name: str) -> Notice:
    """A group is gone."""
    return Notice("PROCESS_GROUP_REMOVED", f"groupname:{name}\n")


def tick(event: str, now: float) -> Notice:
    """A slice of time has begun.

    Args:
        event: a name of `TICKS`.
        now: the wall clock.
    """
    return Notice(event, f"when:{slice_of(event, now)}")


def slice_of(event: str, now: float) -> int:
    """Return when the slice of time began in which `now` is: whole minutes for TICK_60."""
    return int(now - now % TICKS[event])


class Pieces:
    """Pieces of what a process writes, cut between characters and not within one."""

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        self._begun = b""

    def feed(self, data: bytes) -> bytes:
        """Return the next piece, up to where its last character ends."""
        data = self._begun + data
        end = len(data) - _begun(data)
        self._begun = data[end:]
        return data[:end]

    def rest(self) -> bytes:
        """Return what has begun and will not be completed."""
        rest, self._begun = self._begun, b""
        return rest


def _begun(data: bytes) -> int:
    """Return how many bytes at the end are the beginning of a character."""
    for back in range(1, min(len(data), 3) + 1):
        byte = data[-back]
        if byte in _CONTINUATION:
            continue
        return back if any(byte in first and back < size for first, size in _FIRST) else 0
    return 0


def readable(text: bytes) -> str:
    """Return what a process has written; supervisord's words for what is not UTF-8."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return f"Undecodable: {text!r}"
