"""What becomes of a request, as a table: (what was known of it, what happened) to what is known now.

The table is the place where honesty is decided. What it keeps apart, because each time the client is left
in a different place:

- Nothing had been sent: whatever happens, a client simply goes to another server: *refused*.
- All or a part had been sent and no byte has come back: the client cannot know whether the work was done.
  FIN (*dropped*) and RST (*reset*) mean the same to it, yet point to different faults: FIN to a server that
  closes what it has not answered, RST to a listener that was closed with connections in its queue.
- The answer had begun: both are a *cut* answer. Only one form of HTTP/1 says by FIN that the answer is whole;
  the parser knows that, and reports an answer then, not FIN.
- HTTP/2 can refuse a request after it was sent, and says so: above the last stream of a GOAWAY, or with
  REFUSED_STREAM. Nothing was done, and the client knows it: *refused*, not lost.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from endwell.model.traffic import Group, Outcome
from endwell.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping


CERTAIN = 0.005  # seconds before the stop signal: what was sent before was in flight at the stop


class State(Enum):
    """How far a request has got."""

    CONNECTING = "connecting"
    OPEN = "open"  # connected, nothing sent
    SENDING = "sending"  # a part of it sent
    WAITING = "waiting"  # all of it sent, no byte of an answer yet
    ANSWERING = "answering"  # the first byte of the answer has come
    HELD = "held"  # no request at all: a TCP connection that is kept open


class Happening(Enum):
    """What can happen to a request."""

    CONNECTED = "connected"
    KEPT = "kept open"  # nothing is to be asked
    PART_SENT = "part sent"
    SENT = "sent"
    BYTES = "bytes"
    ANSWERED = "answered"
    ANSWERED_LAST = "answered, and the connection is to be closed"
    ANSWERED_BADLY = "answered with an error"
    NO_ENTRY = "connection refused"
    FIN = "end of the connection"
    RST = "reset of the connection"
    UNPROCESSED = "the server says it did nothing"
    STREAM_RESET = "reset of the stream"
    NONSENSE = "the answer is not in the protocol"
    OVER = "we wait no longer"


_S, _H = State, Happening

TABLE: Mapping[tuple[State, Happening], State | Outcome] = {
    (_S.CONNECTING, _H.CONNECTED): _S.OPEN,
    (_S.CONNECTING, _H.NO_ENTRY): Outcome.REFUSED,
    (_S.CONNECTING, _H.FIN): Outcome.REFUSED,
    (_S.CONNECTING, _H.RST): Outcome.REFUSED,
    (_S.CONNECTING, _H.OVER): Outcome.HUNG,
    (_S.OPEN, _H.KEPT): _S.HELD,
    (_S.OPEN, _H.PART_SENT): _S.SENDING,
    (_S.OPEN, _H.SENT): _S.WAITING,
    (_S.OPEN, _H.FIN): Outcome.REFUSED,
    (_S.OPEN, _H.RST): Outcome.REFUSED,
    (_S.OPEN, _H.UNPROCESSED): Outcome.REFUSED,
    (_S.OPEN, _H.OVER): Outcome.HUNG,
    (_S.SENDING, _H.SENT): _S.WAITING,
    (_S.SENDING, _H.BYTES): _S.ANSWERING,
    (_S.SENDING, _H.FIN): Outcome.DROPPED,
    (_S.SENDING, _H.RST): Outcome.RESET,
    (_S.SENDING, _H.UNPROCESSED): Outcome.REFUSED,
    (_S.SENDING, _H.STREAM_RESET): Outcome.RESET,
    (_S.SENDING, _H.NONSENSE): Outcome.CUT,
    (_S.SENDING, _H.OVER): Outcome.HUNG,
    (_S.WAITING, _H.BYTES): _S.ANSWERING,
    (_S.WAITING, _H.FIN): Outcome.DROPPED,
    (_S.WAITING, _H.RST): Outcome.RESET,
    (_S.WAITING, _H.UNPROCESSED): Outcome.REFUSED,
    (_S.WAITING, _H.STREAM_RESET): Outcome.RESET,
    (_S.WAITING, _H.NONSENSE): Outcome.CUT,
    (_S.WAITING, _H.OVER): Outcome.HUNG,
    (_S.ANSWERING, _H.SENT): _S.ANSWERING,  # the rest of a request that was answered too early
    (_S.ANSWERING, _H.BYTES): _S.ANSWERING,
    (_S.ANSWERING, _H.ANSWERED): Outcome.OK,
    (_S.ANSWERING, _H.ANSWERED_LAST): Outcome.OK_CLOSE,
    (_S.ANSWERING, _H.ANSWERED_BADLY): Outcome.ERROR,
    (_S.ANSWERING, _H.FIN): Outcome.CUT,
    (_S.ANSWERING, _H.RST): Outcome.CUT,
    (_S.ANSWERING, _H.UNPROCESSED): Outcome.CUT,  # a server that began to answer did do something
    (_S.ANSWERING, _H.STREAM_RESET): Outcome.CUT,
    (_S.ANSWERING, _H.NONSENSE): Outcome.CUT,
    (_S.ANSWERING, _H.OVER): Outcome.HUNG,
    (_S.HELD, _H.SENT): _S.WAITING,
    (_S.HELD, _H.BYTES): _S.HELD,
    (_S.HELD, _H.FIN): Outcome.OK_CLOSE,
    (_S.HELD, _H.RST): Outcome.RESET,
    (_S.HELD, _H.OVER): Outcome.HUNG,
}


def step(state: State, happening: Happening) -> State | Outcome:
    """Return what is known of a request after something happened; ValueError for what cannot happen."""
    try:
        return TABLE[state, happening]
    except KeyError:
        raise ValueError(f"a request that is {state.value} cannot meet: {happening.value}") from None


@dataclass(slots=True)
class Exchange:
    """One request on its way; times are seconds of the monotonic clock.

    `fresh` tells that it had a connection of its own, opened for it; `nonsense` that what came back is not in
    the protocol.
    """

    group: Group
    sent: float
    fresh: bool = True
    state: State = State.CONNECTING
    outcome: Outcome | None = None
    ended: float | None = None
    status: int | None = None
    nonsense: bool = False

    def meet(self, happening: Happening, at: float) -> None:
        """Take note of what happened; what comes after the outcome changes nothing."""
        if self.outcome is not None:
            return
        if happening in {Happening.PART_SENT, Happening.SENT} and self.state in {State.OPEN, State.HELD}:
            self.sent = at
        following = step(self.state, happening)
        if isinstance(following, State):
            self.state = following
            return
        self.outcome = following
        self.nonsense = happening is Happening.NONSENSE
        # One that was never sent may have lost its connection before it was due: it ends when it was due.
        self.ended = max(at, self.sent) if following is not Outcome.HUNG else None


def regroup(group: Group, *, fresh: bool, sent: float, ended: float | None) -> Group:
    """Return the group a request belongs to by its times relative to the stop, which only the end reveals.

    The load learns of the stop a little earlier or later than the container does. In flight is only what was
    sent `CERTAIN` seconds before it: of what was sent closer to it a fraction of a millisecond decides
    whether the server has seen it, and the same program would be judged now so, now so.
    """
    if sent < 0 and ended is not None and ended < 0:
        return Group.BEFORE
    if sent <= -CERTAIN:
        return group if group in {Group.SLOW, Group.HALF_SENT, Group.IDLE} else Group.IN_FLIGHT
    return Group.NEW if fresh and group is not Group.IDLE else Group.IDLE
