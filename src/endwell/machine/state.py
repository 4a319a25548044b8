"""The states of a service as supervisord publishes them, and the arrows between them.

The numbers are part of its XML-RPC interface and the names of its events (supervisord.org, "Subprocesses" and
"Events"); tools compare them. What endwell knows beyond them stands beside the state, never inside it.
"""

from __future__ import annotations

from enum import IntEnum


class State(IntEnum):
    """What a replica of a service is in, by the names and numbers that clients know."""

    STOPPED = 0
    STARTING = 10
    RUNNING = 20
    BACKOFF = 30
    STOPPING = 40
    EXITED = 100
    FATAL = 200
    UNKNOWN = 1000  # never entered here: a signal that could not be sent is followed by SIGKILL in its time


RUNNING_STATES = frozenset({State.RUNNING, State.BACKOFF, State.STARTING})
STOPPED_STATES = frozenset({State.STOPPED, State.EXITED, State.FATAL, State.UNKNOWN})
SIGNALLABLE_STATES = frozenset({State.RUNNING, State.STARTING, State.STOPPING})

# From each state to those that may follow it. Whoever listens to the events may rely on it.
ARROWS = {
    State.STOPPED: frozenset({State.STARTING}),
    State.STARTING: frozenset({State.RUNNING, State.BACKOFF, State.STOPPING}),
    State.RUNNING: frozenset({State.EXITED, State.STOPPING}),
    State.BACKOFF: frozenset({State.STARTING, State.FATAL, State.STOPPED}),
    State.STOPPING: frozenset({State.STOPPED}),
    State.EXITED: frozenset({State.STARTING}),
    State.FATAL: frozenset({State.STARTING}),
    State.UNKNOWN: frozenset[State](),
}
