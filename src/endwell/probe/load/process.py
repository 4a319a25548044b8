"""The load as the prober holds it: a process that is told of the stop, and asked what became of it all."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from endwell.model.traffic import Group, Outcome, Request, Traffic
from endwell.probe.glance import is_outsider, outside
from endwell.probe.load.options import LoadError, LoadOptions
from endwell.probe.load.outcomes import regroup
from endwell.probe.network import first_address, is_ours
from endwell.records import replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

_AT_ONCE = 65_536
_TICK = 0.01
_SHORT_TICK = 0.001  # where the stop waits for us, and what was sent may not grow old
_NONE_IN_FLIGHT = (
    "every whole request was answered before the stop, so none was in flight: name a page that takes longer "
    "with --http-slow"
)
_SLACK = 5.0  # seconds beyond what the load itself may take; then something is wrong with it


class Load:
    """Traffic on a container in a process of its own, which never outlives this object or its owner.

    Args:
        options: what load.
        network: a process, by our number, from whose network the requests are to come; 0 for ours.
        members: the container's processes, by our numbers; where we share its network, one of them has to be
            who answers.
        wait: called with a number of seconds again and again while we wait for the load, to read meanwhile
            what the container prints; it may return earlier, and True when the container has ended.
    """

    def __init__(
        self,
        options: LoadOptions,
        network: int = 0,
        wait: Callable[[float], bool] | None = None,
        members: Callable[[], tuple[int, ...]] | None = None,
    ) -> None:
        place = f"/proc/{network}/ns/net"
        self._options = replace(options, network=place) if network and not is_ours(place) else options
        self._wait = wait
        self._members = members
        self._stopped = False
        self._child: subprocess.Popen[bytes] | None = None
        self._pidfd = -1
        self._read = b""
        self._prepared = False
        self._ended = False

    def start(self) -> bool:
        """Return True when traffic flows, and False when the container has ended before.

        Raises:
            LoadError: nobody answers, or somebody else than the container does, or its network cannot be
                entered.
        """
        command = [sys.executable, "-P", "-m", "endwell.probe.load"]
        # In a session of its own: Ctrl-C is for us, and we end it.
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, start_new_session=True
        )
        self._pidfd = os.pidfd_open(self._child.pid)
        self._send(self._options.to_json())
        message = self._next(self._options.patience + _SLACK)
        if message is None:
            return False
        self._look_who_answers()
        return True

    def _look_who_answers(self) -> None:
        target = self._options.target
        if self._members is None or self._options.network:
            return
        try:
            address = first_address(target.host, target.port)
        except OSError:
            return
        if is_outsider(self._members(), address, target.port):
            raise LoadError(f"cannot load {target}: {outside(target.port)}")

    def prepare(self) -> None:
        """Bring slow and half-sent requests into flight: the stop is near; returns when they are."""
        if not self._prepared:
            self._prepared = True
            self._send('{"prepare": true}')
            self._next(_SLACK, tick=_SHORT_TICK)

    def stop(self, at: float) -> None:
        """Tell that the stop signal is sent at `at` (seconds of the monotonic clock), which is about now."""
        self.prepare()
        self._stopped = True
        self._send(json.dumps({"stop": at}))

    def ended(self, at: float) -> None:
        """Tell that the container has ended, at `at` (seconds of the monotonic clock)."""
        if not self._ended:
            self._ended = True
            self._send(json.dumps({"ended": at}))

    def result(self, zero: float) -> Traffic:
        """Return what became of every request, which takes up to `linger` seconds; the container has ended.

        Args:
            zero: when the stop signal was sent, in seconds of the monotonic clock.

        Raises:
            LoadError: the load itself has failed.
        """
        self.ended(time.monotonic())
        document: dict[str, Any] = {}
        while "requests" not in document:  # an earlier answer may be left that nobody waited for to the end
            document = self._next(self._options.linger + _SLACK, alone=True) or {}
        requests = tuple(sorted((_request(row, zero) for row in document["requests"]), key=_by_time))
        notes = tuple(document["notes"])
        if self._stopped and self._options.target.protocol != "tcp" and not any(map(_in_flight, requests)):
            notes += (_NONE_IN_FLIGHT,)
        return Traffic(target=str(self._options.target), requests=requests, notes=notes)

    def close(self) -> None:
        """End the process, if it is still there."""
        child, self._child = self._child, None
        if child is None:
            return
        assert child.stdin is not None  # noqa: S101  it has pipes
        assert child.stdout is not None  # noqa: S101  likewise
        # The end of its input tells it to leave; if it does not, it is killed.
        with contextlib.suppress(BrokenPipeError):
            child.stdin.close()
        child.stdout.close()
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        if not poll.poll(500):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        child.wait()
        os.close(self._pidfd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()

    def _send(self, line: str) -> None:
        assert self._child is not None  # noqa: S101  start comes first
        assert self._child.stdin is not None  # noqa: S101  it has pipes
        # One that has gone says why on its output, which is read next.
        with contextlib.suppress(BrokenPipeError):
            self._child.stdin.write(line.encode() + b"\n")

    def _next(self, seconds: float, *, alone: bool = False, tick: float = _TICK) -> dict[str, Any] | None:
        """Return the next message; None when the container has ended before it came."""
        assert self._child is not None  # noqa: S101  start comes first
        assert self._child.stdout is not None  # noqa: S101  it has pipes
        descriptor = self._child.stdout.fileno()
        deadline = time.monotonic() + seconds
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        while b"\n" not in self._read:
            left = deadline - time.monotonic()
            if left <= 0:
                raise LoadError(f"cannot load {self._options.target}: the load itself hangs; try again")
            if self._wait is not None and not alone:
                gone = self._wait(min(tick, left))
                if gone and not poll.poll(0):
                    return None
                left = 0.0
            if poll.poll(left * 1000):
                piece = os.read(descriptor, _AT_ONCE)
                if not piece:
                    raise LoadError(
                        f"cannot load {self._options.target}: the load itself has ended too early; try again"
                    )
                self._read += piece
        line, _, self._read = self._read.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        if "error" in message:
            raise LoadError(message["error"])
        return message


def _request(row: list[Any], zero: float) -> Request:
    name, fresh, sent, ended, outcome, status = row
    sent -= zero
    ended = None if ended is None else ended - zero
    group = regroup(Group[name], fresh=fresh, sent=sent, ended=ended)
    return Request(group, sent, ended, Outcome[outcome], status)


def _in_flight(request: Request) -> bool:
    return request.group in {Group.IN_FLIGHT, Group.SLOW}


def _by_time(request: Request) -> float:
    return request.sent
